//! `wasi:keyvalue` in both drafts, `wasi:config`, `wasi:logging`.

use serde_json::{Value, json};

use crate::Found;

mod bindings {
    #![expect(clippy::pedantic, reason = "the code is generated")]
    wit_bindgen::generate!({
        path: "../../../host/runtime/wit",
        world: "mortise:standard/drafts",
        generate_all,
    });
}

use bindings::wasi::config::store as config;
use bindings::wasi::keyvalue0_2_0_draft as first;
use bindings::wasi::keyvalue0_2_0_draft2 as second;
use bindings::wasi::logging::logging::{self, Level};

pub(crate) fn log(lines: u32) {
    let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];
    for (number, level) in (0..lines).zip(levels.into_iter().cycle()) {
        logging::log(level, "a-context", &format!("line {number}"));
    }
}

pub(crate) fn setting(name: &str) -> Found {
    Ok(json!(config::get(name).map_err(told)?))
}

pub(crate) fn settings() -> Found {
    let mut settings = config::get_all().map_err(told)?;
    settings.sort();
    Ok(json!(settings))
}

pub(crate) fn draft() -> Found {
    let bucket = first::store::open("default").map_err(told)?;
    let before = bucket.get("key").map_err(told)?;
    bucket.set("key", b"value").map_err(told)?;
    let written = bucket.get("key").map_err(told)?;
    let exists = bucket.exists("key").map_err(told)?;
    let pairs = [("many/a".to_owned(), b"1".to_vec()), ("many/b".to_owned(), b"2".to_vec())];
    first::batch::set_many(&bucket, &pairs).map_err(told)?;
    let keys = ["many/a", "many/c", "many/b"].map(str::to_owned);
    let many = first::batch::get_many(&bucket, &keys).map_err(told)?;
    let listed = bucket.list_keys(None).map_err(told)?;
    first::batch::delete_many(&bucket, &keys).map_err(told)?;
    bucket.delete("key").map_err(told)?;
    let deleted = bucket.exists("key").map_err(told)?;
    let stale = bucket.list_keys(Some(7)).map(|page| page.keys);
    bucket.set("kept", b"after the call").map_err(told)?;
    Ok(json!({
        "before": before.map(text),
        "written": written.map(text),
        "exists": exists,
        "many": many.into_iter().map(|pair| pair.map(|(key, value)| (key, text(value)))).collect::<Vec<_>>(),
        "listed": listed.keys,
        "cursor": listed.cursor,
        "deleted": !deleted,
        "stale": stale.map_err(told),
    }))
}

pub(crate) fn count() -> Found {
    let bucket = first::store::open("").map_err(told)?;
    let counted = first::atomics::increment(&bucket, "counter", 2).map_err(told)?;
    bucket.set("words", b"no number").map_err(told)?;
    let words = first::atomics::increment(&bucket, "words", 1).map_err(told);
    let full = first::atomics::increment(&bucket, "counter", u64::MAX).map_err(told);
    Ok(json!({ "counted": counted, "words": words, "full": full }))
}

pub(crate) fn draft2() -> Found {
    let bucket = second::store::open("default").map_err(told)?;
    bucket.set("second", b"value").map_err(told)?;
    let keys = ["second", "nothing"].map(str::to_owned);
    let many = second::batch::get_many(&bucket, &keys).map_err(told)?;
    let down = second::atomics::increment(&bucket, "balance", -5).map_err(told)?;
    let after = bucket.list_keys(Some("kept")).map_err(told)?;
    bucket.delete("second").map_err(told)?;
    Ok(json!({
        "many": many.into_iter().map(|(key, value)| (key, value.map(text))).collect::<Vec<_>>(),
        "down": down,
        "after": after.keys,
    }))
}

pub(crate) fn swap() -> Found {
    use second::atomics::{Cas, CasError, swap};
    let bucket = second::store::open("default").map_err(told)?;
    bucket.delete("swapped").map_err(told)?;
    let (new, stale) =
        (Cas::new(&bucket, "swapped").map_err(told)?, Cas::new(&bucket, "swapped").map_err(told)?);
    let before = new.current().map_err(told)?;
    swap(new, b"first").map_err(|error| format!("{error:?}"))?;
    let again = match swap(stale, b"second") {
        Err(CasError::CasFailed(now)) => {
            let seen = now.current().map_err(told)?;
            swap(now, b"second").map_err(|error| format!("{error:?}"))?;
            json!(seen.map(text))
        }
        other => json!(format!("{other:?}")),
    };
    let after = bucket.get("swapped").map_err(told)?;
    Ok(json!({ "before": before.map(text), "again": again, "after": after.map(text) }))
}

pub(crate) fn another_bucket() -> Found {
    match second::store::open("somebody-else") {
        Ok(_) => Ok(Value::Null),
        Err(error) => Err(told(error)),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| format!("{error:?}"))
}

fn told(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}
