//! The version of the platform API.

use serde_json::json;

use crate::call::Call;
use crate::host::Host;

#[tokio::test]
async fn the_version_is_chosen_by_header_and_told_in_the_answer() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let call = || Call::new("GET", "/api/accounts").header("x-api-key", &acme);
    for version in ["3", "3.0"] {
        let answer = host.send(call().header("x-api-version", version)).await;
        assert_eq!((answer.status, answer.header("x-api-version")), (200, "3.0"), "{version}");
    }
    let missing = host.send(call()).await;
    assert_eq!(missing.problem(), (400, "version.missing".to_owned()));
    assert_eq!(missing.at("/supported"), json!(["3.0"]));
    for version in ["", "1", "2.2", "3.1", "latest", "three"] {
        let answer = host.send(call().header("x-api-version", version)).await;
        assert_eq!(answer.problem(), (400, "version.unknown".to_owned()), "{version}");
    }
    let twice = host.send(call().header("x-api-version", "3").header("x-api-version", "3")).await;
    assert_eq!(twice.problem(), (400, "version.unknown".to_owned()));
}

#[tokio::test]
async fn the_management_api_and_unknown_paths_need_no_version() {
    let host = Host::start().await;
    assert_eq!(host.send(host.operate("GET", "/manage/tenants")).await.status, 200);
    assert_eq!(host.send(Call::new("GET", "/api/nothing")).await.problem(), (404, "no-route".to_owned()));
}

#[tokio::test]
async fn paths_of_the_platform_match_in_any_casing() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    host.account(&acme, &json!({"name": "A"})).await;
    assert_eq!(host.send(host.platform(&acme, "GET", "/API/Accounts/1")).await.at("/name"), "A");
}
