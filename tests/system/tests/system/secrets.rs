//! A secret is never seen again once it was set.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixture::{House, config, link};

/// What nobody may see. The ledger takes such a secret.
const SECRET: &str = "hush-4f1d6c2b9a7e4c51";

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_in_no_answer_in_no_log_and_nowhere_on_disk_in_clear() {
    let mut house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let settings = simulated_erp::Config { client_secret: SECRET.to_owned(), ..config(5, 5) };
    let linked = link(&tenant, settings, json!({}), Value::Null).await;
    assert_eq!(tenant.test(&linked.instance).await.unwrap()["passed"], true);
    let run = tenant.run(&linked.instance).await.unwrap();
    assert_eq!(run["status"], "succeeded", "{run}");

    let instance = &linked.instance;
    for path in [
        format!("/manage/instances/{instance}"),
        format!("/manage/instances/{instance}/secrets"),
        "/manage/instances".to_owned(),
        "/manage/runs".to_owned(),
        format!("/manage/runs/{}/log?from=0", run["id"].as_str().unwrap()),
        "/metrics".to_owned(),
    ] {
        let answer = tenant.caller.get(&path).await.unwrap();
        assert!(!answer.text.contains(SECRET), "{path}: {}", answer.text);
    }
    let data = house.host().data().to_owned();
    house.terminate().await;
    let log = fs::read_to_string(house.options().log()).unwrap();
    assert!(!log.is_empty() && !log.contains(SECRET));
    // The search finds what is there: the operator's key is kept in clear, in a file of its own.
    let key = fs::read_to_string(data.join("operator.key")).unwrap();
    assert_eq!(files_with(&data, key.trim()), ["operator.key"]);
    assert_eq!(files_with(&data, SECRET), Vec::<String>::new());
}

/// The names of the files that hold a text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_with(&entry.path(), text));
        } else {
            let bytes = fs::read(entry.path()).unwrap();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    found
}
