//! Bad input, as a caller sends it: refused with the reason, and nothing changed.

use std::path::PathBuf;

use mortise_system_tests::{NewLink, Tenant};
use serde_json::{Value, json};
use simulated_erp::SimulatedErp;

use crate::fixture::{House, component, config, link, link_to};

/// What an upload is refused with.
async fn refused(bytes: Vec<u8>) -> String {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let problem = tenant.caller.upload(bytes).await.unwrap().refused(422).unwrap();
    assert_eq!(tenant.caller.get("/manage/plugins").await.unwrap().body, json!([]));
    problem["detail"].as_str().unwrap().to_owned()
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_wasm_are_refused() {
    let detail = refused(b"PK\x03\x04 an archive".to_vec()).await;
    assert!(detail.contains("this is not WebAssembly"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_module_is_refused_with_what_to_do() {
    let detail = refused(wat("(module)")).await;
    assert!(detail.contains("core module") && detail.contains("wasm-tools component new"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_another_world_is_refused() {
    let detail = refused(wat("(component)")).await;
    assert!(detail.contains("none of the contract's worlds"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_with_an_import_that_is_not_offered_is_refused_by_name() {
    let import = r#"(component
        (import "mortise:plugin/log@0.1.0" (instance))
        (import "acme:files/disk@1.0.0" (instance (export "read" (func (result string))))))"#;
    let detail = refused(wat(import)).await;
    assert!(detail.contains("acme:files/disk@1.0.0"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_component_is_refused() {
    let mut bytes = std::fs::read(component("hello")).unwrap();
    bytes.truncate(bytes.len() / 2);
    let detail = refused(bytes).await;
    assert!(detail.contains("not valid"), "{detail}");
}

/// A tenant with the connector granted, and a link to a ledger that works.
async fn granted(house: &House) -> (Tenant, SimulatedErp, NewLink) {
    let tenant = house.tenant("brindle").await;
    let erp = SimulatedErp::start(config(3, 0)).await.unwrap();
    let uploaded = tenant.upload(&component("erp")).await.unwrap();
    let host = erp.addr().to_string();
    tenant.grant(&uploaded, &[&host]).await.unwrap();
    let link = link_to(&erp, &uploaded, json!({}), Value::Null);
    (tenant, erp, link)
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_break_the_schema_are_refused_with_the_place_of_each() {
    let house = House::start().await;
    let (tenant, _erp, mut link) = granted(&house).await;
    link.settings["page-size"] = json!(100_000);
    link.settings["pages-in-flight"] = json!("many");

    let problem = tenant.try_link(&link).await.unwrap().refused(422).unwrap();

    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().filter_map(|error| error["pointer"].as_str()).collect();
    assert!(pointers.contains(&"/settings/page-size"), "{problem}");
    assert!(pointers.contains(&"/settings/pages-in-flight"), "{problem}");
    assert_eq!(tenant.caller.get("/manage/instances").await.unwrap().body, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_missing_keeps_the_instance_from_running_and_is_named() {
    let house = House::start().await;
    let (tenant, _erp, mut link) = granted(&house).await;
    link.secrets = json!({});

    let answer = tenant.try_link(&link).await.unwrap();

    let said = if answer.status >= 400 {
        answer.text
    } else {
        let instance = answer.body["id"].as_str().unwrap().to_owned();
        let run = tenant.run(&instance).await.unwrap();
        assert_eq!(run["status"], "failed", "{run}");
        run.to_string()
    };
    assert!(said.contains("client-secret"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_line_that_is_none_is_refused_with_the_field() {
    let house = House::start().await;
    let (tenant, _erp, link) = granted(&house).await;
    let instance = tenant.link(&link).await.unwrap();

    for (cron, word) in [("61 * * * *", "minute"), ("every day", "field"), ("* * * * * * *", "field")] {
        let schedule = json!({ "instance": instance, "cron": cron });
        let answer = tenant.caller.post("/manage/schedules", &schedule).await.unwrap();
        let problem = answer.refused(422).unwrap().to_string();
        assert!(problem.contains("/cron") && problem.contains(word), "{cron}: {problem}");
    }
    let zone = json!({ "instance": instance, "cron": "0 * * * *", "timeZone": "Mars/Olympus" });
    let problem = tenant.caller.post("/manage/schedules", &zone).await.unwrap().refused(422).unwrap();
    assert!(problem.to_string().contains("Mars/Olympus"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_line_that_never_fires_is_refused() {
    let house = House::start().await;
    let (tenant, _erp, link) = granted(&house).await;
    let instance = tenant.link(&link).await.unwrap();

    let schedule = json!({ "instance": instance, "cron": "0 0 30 2 *" });
    let problem = tenant.caller.post("/manage/schedules", &schedule).await.unwrap().refused(422).unwrap();

    assert!(problem.to_string().contains("never happens"), "{problem}");
    assert_eq!(tenant.caller.get("/manage/schedules").await.unwrap().body, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_granted_is_not_reached_and_the_answer_says_what_to_grant() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let erp = SimulatedErp::start(config(3, 0)).await.unwrap();
    let uploaded = tenant.upload(&component("erp")).await.unwrap();
    tenant.grant(&uploaded, &["ledger.example.com"]).await.unwrap();

    let answer = tenant.try_link(&link_to(&erp, &uploaded, json!({}), Value::Null)).await.unwrap();

    let said = if answer.status >= 400 {
        answer.text
    } else {
        let instance = answer.body["id"].as_str().unwrap().to_owned();
        let report = tenant.test(&instance).await.unwrap();
        assert_eq!(report["passed"], false, "{report}");
        report.to_string()
    };
    assert!(said.contains(&erp.addr().to_string()), "{said}");
    assert_eq!(erp.counters().requests, std::collections::BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_apart_from_a_host_that_is_down() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let linked = link(&tenant, config(3, 0), json!({}), Value::Null).await;
    let secret = format!("/manage/instances/{}/secrets/client-secret", linked.instance);
    tenant.caller.put(&secret, &json!({ "value": "wrong" })).await.unwrap().succeeded().unwrap();

    let report = tenant.test(&linked.instance).await.unwrap();

    assert_eq!(report["passed"], false, "{report}");
    assert!(report.to_string().contains("credential"), "{report}");
}

#[test]
fn the_command_line_refuses_what_is_not_a_component_with_a_code_of_its_own() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "not wasm").unwrap();
    let check = |path: PathBuf| {
        std::process::Command::new(crate::fixture::mortise())
            .args(["plugin", "check"])
            .arg(path)
            .output()
            .unwrap()
    };
    let refused = check(file.path().to_owned());
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("this is not WebAssembly"), "{refused:?}");
    let accepted = check(component("erp"));
    assert!(accepted.status.success(), "{accepted:?}");
    let shown = String::from_utf8_lossy(&accepted.stdout).into_owned();
    assert!(
        shown.contains("mortise/brindle-ledger") && shown.contains("client-secret (required)"),
        "{shown}"
    );
}
