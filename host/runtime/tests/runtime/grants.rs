use mortise_model::manifest::Capability;

use crate::far_side;
use crate::host::{Host, grant, reach, set};

#[tokio::test]
async fn what_is_not_granted_is_denied_with_what_to_grant() {
    let host = Host::new();
    let base_url = far_side::start().await;
    for (capability, checks) in [
        (Capability::Storage, &["storage", "storage.compare-and-swap", "storage.list-keys"][..]),
        (Capability::Secrets, &["secrets", "secret-reveal"]),
        (Capability::SecretReveal, &["secret-reveal"]),
        (Capability::Http, &["http.send", "http.start"]),
    ] {
        let (mut call, lines) = host.call("exercise").await;
        reach(&mut call, &base_url);
        grant(&mut call, |permissions| {
            permissions.capabilities.remove(&capability);
        });
        let found = host.runtime.test(call).await.unwrap().value;
        let sentence = format!("grant the capability `{}` to the plugin", capability.name());
        for name in checks {
            let check = found.iter().find(|check| check.name == *name).unwrap();
            assert!(!check.passed, "{check:?}");
            assert!(check.message.contains("Denied") && check.message.contains(&sentence), "{check:?}");
        }
        let denied: Vec<_> = found.iter().filter(|check| check.message.contains(&sentence)).collect();
        assert!(denied.len() >= checks.len(), "{denied:?}");
        let lines = lines.messages();
        assert!(
            lines.iter().any(|line| line.starts_with("denied: ") && line.contains(&sentence)),
            "{lines:?}"
        );
    }
    let metrics = host.metrics();
    assert!(
        metrics.contains(
            r#"runtime_host_calls_total{interface="secret-reveal",function="reveal",outcome="denied"} 1"#
        ),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_secret_is_granted_by_name() {
    let host = Host::new();
    let (mut call, _) = host.call("exercise").await;
    grant(&mut call, |permissions| {
        permissions.secrets.remove("key");
    });
    let found = host.runtime.test(call).await.unwrap().value;
    let check = found.iter().find(|check| check.name == "secrets").unwrap();
    assert!(check.message.contains("the secret `key` is not granted"), "{check:?}");
}

#[tokio::test]
async fn an_address_of_the_hosts_own_network_is_refused_even_when_it_is_granted() {
    let host = Host::guarded();
    let (mut call, lines) = host.call("misbehaving").await;
    reach(&mut call, "http://127.0.0.1:22");
    set(&mut call, "behaviour", "http-loopback");
    let error = host.runtime.test(call).await.unwrap_err();
    assert!(error.to_string().contains("`127.0.0.1` is at a loopback address"), "{error}");
    let lines = lines.messages();
    assert!(lines.iter().any(|line| line.contains("loopback")), "{lines:?}");
}

#[tokio::test]
async fn a_credential_that_the_instance_does_not_have_is_refused_by_name() {
    let host = Host::new();
    let base_url = far_side::start().await;
    let (mut call, _) = host.call("misbehaving").await;
    reach(&mut call, &base_url);
    set(&mut call, "behaviour", "unknown-credential");
    let error = host.runtime.test(call).await.unwrap_err();
    assert!(error.to_string().contains("`nobody`"), "{error}");
}
