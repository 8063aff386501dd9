use mortise_model::log::LogSource;

use crate::host::Host;

#[tokio::test]
async fn a_guest_of_wasi_finds_clocks_and_random_numbers_and_nothing_else() {
    let host = Host::new();
    let (call, lines) = host.call("wasi").await;
    let checks = host.runtime.test(call).await.unwrap().value;
    assert_eq!(checks.len(), 9, "{checks:?}");
    assert!(checks.iter().all(|check| check.passed), "{checks:?}");
    let console: Vec<_> = lines
        .all()
        .into_iter()
        .filter(|line| line.source == LogSource::Console)
        .map(|line| line.message)
        .collect();
    assert_eq!(console, ["a line on standard output", "a line on standard error"]);
}
