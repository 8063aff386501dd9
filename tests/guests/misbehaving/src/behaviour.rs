//! What can be done wrong anywhere.

use std::hint::black_box;
use std::mem;

use mortise_sdk::{Error, Result, context, http, info, secrets, storage};
use serde::Deserialize;

const MEBIBYTE: usize = 1024 * 1024;

macro_rules! behaviours {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        /// What is done wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub(crate) enum Behaviour {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+
        }

        /// The words of the setting.
        pub(crate) const BEHAVIOURS: [&str; [$($word),+].len()] = [$($word),+];
    };
}

behaviours! {
    /// Nothing.
    Behave = "behave",
    /// Computes for ever.
    Loop = "loop",
    /// Asks the host for the time for ever.
    LoopInHostCalls = "loop-in-host-calls",
    /// Allocates without end, and touches what it allocates.
    Allocate = "allocate",
    /// Executes `unreachable`.
    Trap = "trap",
    /// Panics with a message.
    Panic = "panic",
    /// Calls itself without end.
    StackOverflow = "stack-overflow",
    /// Writes a hundred thousand lines to the log.
    LogFlood = "log-flood",
    /// Writes one line of 8 MiB to the log.
    HugeArgument = "huge-argument",
    /// Returns a list of two million entries from `entities`.
    HugeResult = "huge-result",
    /// Returns an error of 8 MiB.
    HugeError = "huge-error",
    /// Writes values of 128 KiB to the storage until it is refused.
    StorageFlood = "storage-flood",
    /// Writes keys with bytes of their own until it is refused: many small ones.
    KeyFlood = "key-flood",
    /// Uses a storage key that is longer than allowed.
    LongKey = "long-key",
    /// Opens handles without closing them until it is refused.
    HandleFlood = "handle-flood",
    /// Sends requests to the setting `base-url` until it is refused.
    HttpFlood = "http-flood",
    /// Starts requests to the setting `base-url`, never waits for one, until it is refused.
    PendingFlood = "pending-flood",
    /// Sends a request to a host that no manifest names.
    HttpUngranted = "http-ungranted",
    /// Sends a request to the host's own network.
    HttpLoopback = "http-loopback",
    /// Names a credential that the manifest does not have.
    UnknownCredential = "unknown-credential",
    /// Opens a secret that the manifest does not have.
    SecretUngranted = "secret-ungranted",
    /// Ends a pull without having committed a page.
    PullWithoutCommit = "pull-without-commit",
    /// Reports ten records and commits five.
    CommitHalf = "commit-half",
    /// Commits the same page for ever.
    RepeatPage = "repeat-page",
    /// Commits new pages for ever, whether it is asked to stop or not.
    EndlessPages = "endless-pages",
    /// Reports another total with each page.
    MovingTotal = "moving-total",
    /// Commits a record that is not JSON.
    RubbishRecord = "rubbish-record",
    /// Commits a record whose id is longer than allowed.
    LongId = "long-id",
    /// Commits a page whose cursor is longer than allowed.
    LongCursor = "long-cursor",
    /// Commits a page of more records than allowed.
    LargePage = "large-page",
    /// Returns a bookmark that is longer than allowed.
    LongBookmark = "long-bookmark",
    /// Goes on after a refused commit, as if nothing were wrong.
    IgnoreRefusal = "ignore-refusal",
    /// Returns one result fewer than there are items.
    PushTooFew = "push-too-few",
    /// Returns a result for an item that was not there.
    PushOthers = "push-others",
    /// Returns two results for one item.
    PushTwice = "push-twice",
}

/// Does it, if it can be done without a page. What the host refuses is the error.
pub(crate) fn act(behaviour: Behaviour, base_url: Option<&str>) -> Result<()> {
    let base_url = base_url.unwrap_or("https://unset.invalid");
    match behaviour {
        Behaviour::Loop => compute_for_ever(),
        Behaviour::LoopInHostCalls => loop {
            black_box(context::now());
        },
        Behaviour::Allocate => allocate_for_ever(),
        Behaviour::Trap => trap(),
        Behaviour::Panic => panic!("this plugin panics when it is asked to"),
        Behaviour::StackOverflow => drop(black_box(call_itself(0))),
        Behaviour::LogFlood => {
            for line in 0..100_000 {
                info!("a line of the flood", line = line);
            }
        }
        Behaviour::HugeArgument => {
            let line = "x".repeat(8 * MEBIBYTE);
            info!("{line}");
        }
        Behaviour::HugeError => return Err(Error::Other("x".repeat(8 * MEBIBYTE))),
        Behaviour::StorageFlood => {
            let value = "x".repeat(MEBIBYTE / 8);
            for key in 0.. {
                storage::set(&format!("flood/{key}"), &value)?;
            }
        }
        Behaviour::KeyFlood => {
            for key in 0.. {
                storage::set(&format!("{key:0>500}"), &())?;
            }
        }
        Behaviour::LongKey => drop(storage::set(&"k".repeat(513), &())?),
        Behaviour::HandleFlood => loop {
            mem::forget(secrets::open("key")?);
        },
        Behaviour::HttpFlood => loop {
            http::get(base_url).send()?;
        },
        Behaviour::PendingFlood => loop {
            mem::forget(http::get(base_url).start()?);
        },
        Behaviour::HttpUngranted => drop(http::get("https://ungranted.example/").send()?),
        Behaviour::HttpLoopback => drop(http::get("http://127.0.0.1:22/").send()?),
        Behaviour::UnknownCredential => drop(http::get(base_url).credential("nobody").send()?),
        Behaviour::SecretUngranted => drop(secrets::open("another")?),
        _ => {}
    }
    Ok(())
}

fn compute_for_ever() {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

fn allocate_for_ever() {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; MEBIBYTE]));
    }
}

fn trap() {
    #[cfg(target_arch = "wasm32")]
    std::arch::wasm32::unreachable();
}

#[expect(unconditional_recursion, reason = "that is the misbehaviour")]
fn call_itself(depth: u64) -> [u64; 64] {
    let mut frame = call_itself(black_box(depth + 1));
    frame[0] = black_box(depth);
    frame
}
