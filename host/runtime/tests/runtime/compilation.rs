use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mortise_model::id::TenantId;
use mortise_runtime::{Compiler, NotCompiled, Refused, RuntimeConfig, RuntimeError};
use tempfile::TempDir;

use crate::host::{Host, component};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mortise-compile");

/// A valid component whose functions take a compiler very long: all of a function's many variables meet in each of its
/// many loops.
fn heavy(functions: usize) -> Bytes {
    let (locals, loops) = (2_000, 2_000);
    let mut function = format!("(func (param i32) (local {})", "i32 ".repeat(locals));
    for number in 0..loops {
        let (a, b) = (1 + number % locals, 1 + (number * 7) % locals);
        let _ = write!(
            function,
            "(loop (local.set {a} (i32.add (local.get {b}) (local.get 0))) (br_if 0 (local.get {a})))"
        );
    }
    function.push(')');
    let text = format!(
        r#"(component (core module {}) (instance $empty)
            (export "mortise:plugin/manifest@0.1.0" (instance $empty))
            (export "mortise:plugin/connector@0.1.0" (instance $empty)))"#,
        function.repeat(functions)
    );
    wat::parse_str(text).unwrap().into()
}

/// A host with images of its own, in whose folder nothing else is.
fn host(folder: &TempDir, change: impl FnOnce(&mut RuntimeConfig)) -> Host {
    let images = folder.path().join("images");
    Host::with(move |config| {
        config.images = images;
        change(config);
    })
}

fn images(folder: &TempDir) -> Vec<PathBuf> {
    fs::read_dir(folder.path().join("images")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

async fn refused(change: impl FnOnce(&mut RuntimeConfig)) -> Refused {
    let folder = TempDir::new().unwrap();
    let host = host(&folder, change);
    let refused = host.admit(heavy(40)).await.unwrap_err();
    assert_eq!(images(&folder), Vec::<PathBuf>::new(), "what was refused left something behind");
    // Whoever comes next is none the worse for it.
    host.runtime.check_compiler().await.unwrap();
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_takes_the_compiler_too_much_cpu_time_is_refused_with_the_limit() {
    let refused = refused(|config| config.compiler.cpu = Duration::from_secs(1)).await;
    assert!(
        matches!(refused, Refused::NotCompiled(NotCompiled::Cpu(limit)) if limit == Duration::from_secs(1)),
        "{refused}"
    );
    assert!(refused.to_string().contains("more than 1 s of CPU time"), "{refused}");
    assert!(refused.to_string().contains("`compiler.cpu_seconds`"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_takes_the_compiler_too_long_is_refused_with_the_limit() {
    let refused = refused(|config| config.compiler.wall = Duration::from_secs(2)).await;
    assert!(matches!(refused, Refused::NotCompiled(NotCompiled::Wall(_))), "{refused}");
    assert!(refused.to_string().contains("`compiler.wall_seconds`"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_takes_the_compiler_too_much_memory_is_refused_with_the_limit() {
    let refused = refused(|config| config.compiler.memory_bytes = 24 << 20).await;
    assert!(
        matches!(refused, Refused::NotCompiled(NotCompiled::Memory(limit)) if limit == 24 << 20),
        "{refused}"
    );
    assert!(refused.to_string().contains("more than 24 MiB of memory"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_components_of_one_tenant_do_not_hold_up_those_of_another() {
    let folder = TempDir::new().unwrap();
    let host = host(&folder, |config| config.compiler.at_once = 2);
    let [one, other]: [TenantId; 2] = ["one", "other"].map(|id| id.parse().unwrap());
    let slow = async {
        let (first, second) =
            tokio::join!(host.runtime.admit(&one, heavy(40)), host.runtime.admit(&one, heavy(41)));
        (first.map(drop), second.map(drop))
    };
    let quick = async {
        // Both of the other tenant's are on their way.
        tokio::time::sleep(Duration::from_millis(200)).await;
        host.runtime.admit(&other, component("hello")).await
    };
    tokio::select! {
        ended = slow => panic!("the slow ones ended first: {ended:?}"),
        admitted = quick => drop(admitted.unwrap()),
    }
}

/// A program in the place of the one that compiles.
fn script(folder: &TempDir, text: &str) -> Compiler {
    let path = folder.path().join("compile.sh");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    Compiler::Program(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_crashes_is_told_from_one_that_cannot_be_used() {
    let folder = TempDir::new().unwrap();
    let greeting = format!("{PROGRAM} </dev/null 2>/dev/null | head -n1");
    for (text, expected, is_the_host_at_fault) in [
        (format!("{greeting}; kill -SEGV $$"), "the compiler broke over it: signal: 11 (SIGSEGV)", false),
        (format!("{greeting}; echo over the edge >&2; exit 3"), "exit status: 3 over the edge", false),
        (format!("{greeting}; echo {{}}"), "its answer is not understood", true),
        ("echo cannot open shared object >&2; exit 127".to_owned(), "cannot open shared object", true),
        ("echo hello".to_owned(), "it ended before it began", true),
        ("echo '{\"build\":\"older\"}'".to_owned(), "it is of another build than this host", true),
    ] {
        let own = TempDir::new().unwrap();
        let compiler = script(&folder, &text);
        let host = host(&own, |config| config.compiler.compiler = compiler);
        let refused = host.admit(component("hello")).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{expected}: {refused}");
        let host_failed = matches!(refused, Refused::Host(RuntimeError::Compiler { .. }));
        assert_eq!(host_failed, is_the_host_at_fault, "{refused}");
        assert!(!host_failed || refused.to_string().contains("MORTISE_COMPILER_PROGRAM"), "{refused}");
        assert_eq!(images(&own), Vec::<PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_is_not_there_is_named_with_what_to_set() {
    let folder = TempDir::new().unwrap();
    let nowhere = Compiler::Program("/no/such/mortise-compile".into());
    let host = host(&folder, |config| config.compiler.compiler = nowhere);
    let error = host.runtime.check_compiler().await.unwrap_err().to_string();
    assert!(error.contains("the compiler /no/such/mortise-compile cannot be used"), "{error}");
    assert!(error.contains("`compiler.program` (MORTISE_COMPILER_PROGRAM)"), "{error}");
    assert!(host.admit(component("hello")).await.unwrap_err().to_string().contains(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compiler_is_given_nothing_of_the_host() {
    let folder = TempDir::new().unwrap();
    let told = folder.path().join("told");
    let text = format!("{{ pwd; env; ls -l /proc/$$/fd; }} > {told}; exec {PROGRAM}", told = told.display());
    let compiler = script(&folder, &text);
    let host = host(&folder, |config| config.compiler.compiler = compiler);
    host.runtime.check_compiler().await.unwrap();
    let told = fs::read_to_string(told).unwrap();
    assert!(told.starts_with("/\n"), "{told}");
    for name in ["HOME", "CARGO", "USER"] {
        assert!(!told.contains(&format!("{name}=")), "{told}");
    }
    // Of the host's open files none is there: the store's least of all.
    assert!(!told.contains(&host.directory().display().to_string()), "{told}");
    assert!(!told.contains("socket:"), "{told}");
}

/// Starts the program as a host does, with a component, and answers it once it has read the component.
fn started(component: &[u8]) -> std::process::Child {
    let mut child = Command::new(PROGRAM).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let order = format!(
        "{{\"component_bytes\":{},\"cpu_seconds\":600,\"memory_bytes\":{}}}\n",
        component.len(),
        2_u64 << 30
    );
    let input = child.stdin.as_mut().unwrap();
    input.write_all(order.as_bytes()).unwrap();
    input.write_all(component).unwrap();
    let mut output = BufReader::new(child.stdout.as_mut().unwrap());
    let mut lines = String::new();
    output.read_line(&mut lines).unwrap();
    output.read_line(&mut lines).unwrap();
    assert!(lines.contains("Names"), "{lines}");
    child
}

#[test]
fn the_compiler_ends_when_its_host_dies() {
    let mut child = started(&heavy(400));
    assert!(child.try_wait().unwrap().is_none());
    let started = Instant::now();
    // What happens to the pipe when the host dies.
    drop(child.stdin.take());
    assert!(!child.wait().unwrap().success());
    assert!(started.elapsed() < Duration::from_mins(1), "it went on for {:?}", started.elapsed());
}

#[test]
fn the_compiler_has_given_up_what_it_does_not_need() {
    let child = started(&heavy(400));
    let of =
        |file: &str| fs::read_to_string(Path::new("/proc").join(child.id().to_string()).join(file)).unwrap();
    let limits = of("limits");
    for (name, most) in [
        ("Max cpu time", "600"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
        ("Max data size", "2147483648"),
        ("Max open files", "64"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(line[name.len()..].split_whitespace().next(), Some(most), "{line}");
    }
    assert!(of("status").contains("NoNewPrivs:\t1"));
    let mut child = child;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn whoever_starts_the_compiler_by_hand_is_told_what_it_is() {
    let told = Command::new(PROGRAM).arg("--help").output().unwrap();
    assert_eq!(told.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&told.stderr).contains("started by `mortise`"), "{told:?}");
}
