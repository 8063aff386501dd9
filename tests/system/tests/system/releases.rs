//! From one release to the next, and back.

use mortise_system_tests::NewLink;
use serde_json::{Value, json};

use crate::author::{Author, succeeded};
use crate::fixture::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_asks_for_more_waits_for_approval_and_the_one_before_comes_back_at_once() {
    let house = House::start().await;
    let tenant = house.tenant("acme").await;
    let author = Author::new("acme/greeter");
    let first = tenant.upload(&author.build()).await.unwrap();
    assert_eq!(first.answer["plugin"]["active"], first.release, "{}", first.answer);
    let instance = tenant.link(&link(&first.plugin)).await.unwrap();
    assert_eq!(tenant.run(&instance).await.unwrap()["release"], first.release);

    author.edit("Cargo.toml", "version = \"0.1.0\"", "version = \"0.2.0\"");
    author.edit(
        "src/lib.rs",
        ".description(\"Pulls one account.\")",
        ".description(\"Pulls one account.\").requires(Capability::Storage, \"Remembers.\")",
    );
    let component = author.build();
    let push = author
        .mortise(&["plugin", "push", "--host", house.host().url(), "--tenant", "acme"])
        .arg(&component)
        .env("MORTISE_KEY", std::fs::read_to_string(house.host().operator_key_file()).unwrap().trim())
        .output()
        .unwrap();
    let said = succeeded(&push);
    assert!(said.contains("it waits for a grant") && said.contains("storage"), "{said}");

    let second = tenant.upload(&component).await.unwrap();
    assert_eq!(second.answer["plugin"]["active"], first.release, "{}", second.answer);
    assert_eq!(tenant.run(&instance).await.unwrap()["release"], first.release);
    let activate = format!("/manage/plugins/{}/activate", second.plugin);
    let release = json!({ "release": second.release });
    tenant.caller.post(&activate, &release).await.unwrap().refused(409).unwrap();

    tenant.grant(&second, &[]).await.unwrap();
    assert_eq!(tenant.run(&instance).await.unwrap()["release"], second.release);
    let roll_back = format!("/manage/plugins/{}/rollback", second.plugin);
    let plugin = tenant.caller.post(&roll_back, &json!({})).await.unwrap().succeeded().unwrap();
    assert_eq!(plugin["active"], first.release, "{plugin}");
    assert_eq!(tenant.run(&instance).await.unwrap()["release"], first.release);
}

fn link(plugin: &str) -> NewLink {
    NewLink {
        name: "greetings".to_owned(),
        plugin: plugin.to_owned(),
        settings: json!({ "greeting": "Good morning" }),
        secrets: json!({}),
        actions: Value::Null,
    }
}
