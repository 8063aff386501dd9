//! A disk that fails at the n-th call: every write, sync and change of a name that the store makes is such a call.
//!
//! Each run takes a few calls, chosen by a seed that a failure prints. `MORTISE_FAULTS=all` takes every one, and
//! `MORTISE_FAULTS_SEED` repeats a choice.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use super::crash::{Acknowledged, writer};

/// Calls of a writer that opens a new store and has committed a few batches.
const CALLS: u64 = 150;
/// Calls that each test takes unless it is to take all.
const SAMPLE: u64 = 6;
/// Acknowledgements after which a writer whose disk does not end it is killed.
const ENOUGH: u64 = 60;
const SIGKILL: i32 = 9;

fn seed() -> u64 {
    let given = std::env::var("MORTISE_FAULTS_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1)
}

/// The calls at which the disk fails, with a seed for each.
fn calls(seed: u64) -> Vec<(u64, u64)> {
    let mixed = |n: u64| seed.wrapping_add(n).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    if std::env::var_os("MORTISE_FAULTS").is_some_and(|value| value == "all") {
        return (1..=CALLS).map(|call| (call, mixed(call))).collect();
    }
    (0..SAMPLE).map(|n| (1 + mixed(n) % CALLS, mixed(n))).collect()
}

/// Runs a writer on such a disk twice over the same directory, and checks what is there after each.
async fn survives(plan: impl Fn(u64, u64) -> String, ends: impl Fn(Option<i32>, Option<i32>) -> bool) {
    let base = seed();
    for (call, seed) in calls(base) {
        let directory = tempfile::tempdir().unwrap();
        let mut acknowledged = Acknowledged::default();
        for round in 0..2 {
            let plan = plan(call, seed);
            eprintln!("MORTISE_FAULTS_SEED={base}: round {round} of `{plan}`");
            let (status, _) = run(directory.path(), &plan, &mut acknowledged);
            assert!(ends(status.code(), status.signal()), "`{plan}` ended with {status}");
            acknowledged.is_there_whole(&directory.path().join("store")).await;
        }
    }
}

fn run(directory: &Path, plan: &str, acknowledged: &mut Acknowledged) -> (std::process::ExitStatus, u64) {
    let (store, shadow) = (directory.join("store"), directory.join("shadow"));
    let _ = std::fs::remove_dir_all(&shadow);
    std::fs::create_dir_all(&shadow).unwrap();
    std::fs::create_dir_all(&store).unwrap();
    let library = std::env::current_exe().unwrap().with_file_name("libfaulty_disk.so");
    assert!(library.is_file(), "{} is not built", library.display());
    let mut command = writer(&store);
    command
        .env("LD_PRELOAD", library)
        .env("FAULTY_DISK_DIRECTORY", &store)
        .env("FAULTY_DISK_SHADOW", &shadow)
        .env("FAULTY_DISK_TRACE", directory.join("trace"))
        .env("FAULTY_DISK_PLAN", plan);
    acknowledged.run(command, ENOUGH)
}

fn killed(_: Option<i32>, signal: Option<i32>) -> bool {
    signal == Some(SIGKILL)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_at_any_call() {
    survives(|call, _| format!("kill {call} before"), killed).await;
    survives(|call, _| format!("kill {call} after"), killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_torn_write() {
    survives(|call, seed| format!("tear {call} {seed}"), killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_power_cut() {
    survives(|call, seed| format!("cut {call} {seed}"), killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_puts_nothing_out_of_order() {
    survives(|call, _| format!("delay {call} 300"), killed).await;
}
