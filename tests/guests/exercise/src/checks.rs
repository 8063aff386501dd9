//! One check per function of the contract, with what it got.

use mortise_sdk::bindings::mortise::plugin::sink as contract;
use mortise_sdk::log::Level;
use mortise_sdk::prelude::*;
use mortise_sdk::secrets::{self, Hash};
use mortise_sdk::storage::{self, Swap};
use mortise_sdk::{context, http, log, settings};
use serde_json::{Value, json};

type Found = Result<Value>;

/// Every check. Those of HTTP need a server.
pub(crate) fn all(base_url: Option<&str>) -> Vec<Check> {
    let mut checks = vec![
        check("context", Ok(current())),
        check("settings", settings::read()),
        check("log", Ok(lines())),
        check("storage", values()),
        check("storage.compare-and-swap", swaps()),
        check("storage.list-keys", keys()),
        check("secrets", signatures()),
        check("secret-reveal", revealed()),
        denied("sink outside a pull", commit()),
        denied("http to a host of nobody", send("https://nobody.invalid/", None)),
    ];
    if let Some(base_url) = base_url {
        checks.push(check("http.send", send(&format!("{base_url}/one"), None)));
        checks.push(check("http.send with a credential", send(&format!("{base_url}/one"), Some("far-side"))));
        checks.push(check("http.start", in_flight(base_url)));
    }
    checks
}

fn check(name: &str, found: Found) -> Check {
    match found {
        Ok(found) => Check::passed(name, found.to_string()),
        Err(error) => Check::failed(name, format!("{error:?}")),
    }
}

/// Passes when the host refuses.
fn denied(name: &str, found: Found) -> Check {
    match found {
        Err(Error::Denied(message)) => Check::passed(name, message),
        other => Check::failed(name, format!("{other:?}")),
    }
}

fn current() -> Value {
    let call = context::current();
    json!({
        "tenant": call.tenant,
        "instance": call.instance,
        "run": call.run,
        "attempt": call.attempt,
        "idempotencyKey": call.idempotency_key,
        "dryRun": call.dry_run,
        "deadline": call.deadline,
        "now": context::now(),
        "cancelled": context::is_cancelled(),
    })
}

fn lines() -> Value {
    for level in [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error] {
        log!(level, "a line", number = 1, text = "x");
    }
    json!(5)
}

fn values() -> Found {
    let before: Option<u32> = storage::get("value")?;
    storage::set("value", &1)?;
    let written: Option<u32> = storage::get("value")?;
    storage::delete("value")?;
    storage::delete("value")?;
    let deleted: Option<u32> = storage::get("value")?;
    let calls: u32 = storage::get("calls")?.unwrap_or(0);
    storage::set("calls", &(calls + 1))?;
    Ok(json!({ "before": before, "written": written, "deleted": deleted, "calls": calls }))
}

fn swaps() -> Found {
    storage::delete("swapped")?;
    let word = |swap: &Swap<u32>| match swap {
        Swap::Swapped(_) => "swapped".to_owned(),
        Swap::Changed(entry) => format!("changed to {}", entry.value),
        Swap::Missing => "missing".to_owned(),
    };
    let created = storage::compare_and_swap("swapped", None, &1)?;
    let again = storage::compare_and_swap("swapped", None, &2)?;
    let Swap::Swapped(revision) = &created else { return Ok(json!([word(&created)])) };
    let changed = storage::compare_and_swap("swapped", Some(revision), &3)?;
    let stale = storage::compare_and_swap("swapped", Some(revision), &4)?;
    let missing = storage::compare_and_swap("absent", Some(revision), &5)?;
    Ok(json!([&created, &again, &changed, &stale, &missing].map(word)))
}

fn keys() -> Found {
    for key in ["list/b", "list/a", "list/c", "other"] {
        storage::set(key, &key)?;
    }
    let keys: Vec<_> = storage::keys("list/").collect::<Result<_>>()?;
    Ok(json!(keys))
}

fn signatures() -> Found {
    let secret = secrets::open("key")?;
    let signatures = [Hash::Sha1, Hash::Sha256, Hash::Sha512].map(|hash| secret.sign(hash, "data"));
    let verified = signatures.last().is_some_and(|signature| secret.verify(Hash::Sha512, "data", signature));
    let forged = secret.verify(Hash::Sha512, "other data", b"forged");
    Ok(json!({
        "name": secret.name(),
        "signatures": signatures.map(|signature| hex(&signature)),
        "verified": verified,
        "forged": forged,
    }))
}

fn revealed() -> Found {
    let secret = secrets::open("key")?.reveal()?;
    Ok(json!({ "bytes": secret.len() }))
}

fn commit() -> Found {
    // A call outside a pull has no sink, so the generated function is called.
    let page = contract::Page {
        records: Vec::new(),
        failures: Vec::new(),
        next_cursor: String::new(),
        reported_total: None,
    };
    contract::commit(&page)?;
    Ok(Value::Null)
}

fn send(url: &str, credential: Option<&str>) -> Found {
    let request =
        http::post(url).query("q", "a b").header("X-Exercise", "1").json(&json!({ "hello": "there" }));
    let answer = match credential {
        Some(name) => request.credential(name).send()?,
        None => request.send()?,
    };
    Ok(json!({ "status": answer.status(), "body": answer.body().as_text() }))
}

fn in_flight(base_url: &str) -> Found {
    let mut waiting = Vec::new();
    for path in ["one", "two", "three"] {
        waiting.push((path, http::get(base_url).segment(path).expect_bytes().start()?));
    }
    let mut order = Vec::new();
    while !waiting.is_empty() {
        let pending: Vec<_> = waiting.iter().map(|(_, pending)| pending).collect();
        let Some(ready) = http::wait_any(&pending).first().copied() else { break };
        let (path, pending) = waiting.remove(ready);
        order.push(json!({ "path": path, "status": pending.wait()?.status() }));
    }
    order.sort_by_key(|entry| entry["path"].to_string());
    Ok(json!(order))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
