//! Components that are hard to take in: refused with the limit, nothing left behind, and nobody else held up.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use mortise_system_tests::{Host, HostOptions, Tenant};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{House, component};

/// A valid component whose functions take a compiler very long: all of a function's many variables meet in each of its
/// many loops.
fn heavy(functions: usize) -> Vec<u8> {
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
    wat::parse_str(format!(
        r#"(component (core module {}) (instance $empty)
            (export "mortise:plugin/manifest@0.1.0" (instance $empty))
            (export "mortise:plugin/connector@0.1.0" (instance $empty)))"#,
        function.repeat(functions)
    ))
    .unwrap()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path.display().to_string()) }
    }
    found.sort();
    found
}

/// Everything that the host keeps of components.
fn kept(house: &House) -> Vec<String> {
    let data = house.options().data();
    [files(&data.join("images")), files(&data.join("store/blobs"))].concat()
}

async fn refused(tenant: &Tenant, bytes: Vec<u8>) -> Value {
    let problem = tenant.caller.upload(bytes).await.unwrap().refused(422).unwrap();
    assert_eq!(tenant.caller.get("/manage/plugins").await.unwrap().body, json!([]));
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_takes_the_compiler_too_long_is_refused_while_another_tenant_uploads() {
    let house = House::start_with("[compiler]\ncpu_seconds = 15\nwall_seconds = 100\n").await;
    let (slow, quick) = (house.tenant("slow").await, house.tenant("quick").await);
    let hello = component("hello");
    let uploading = tokio::spawn({
        let slow = slow.clone();
        async move { refused(&slow, heavy(200)).await }
    });

    let uploaded = quick.upload(&hello).await.unwrap();
    let after_one = kept(&house);
    assert!(!uploading.is_finished(), "there was nothing to be held up by");
    quick.caller.get("/readyz").await.unwrap().succeeded().unwrap();

    let problem = uploading.await.unwrap();
    assert_eq!(problem["reason"], "not-compiled", "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("15 s of CPU time") && detail.contains("`compiler.cpu_seconds`"), "{detail}");
    assert_eq!(kept(&house).len(), 3, "the image, its MAC and the bytes of one component: {after_one:?}");
    let release = uploaded.release.strip_prefix("sha256:").unwrap();
    assert!(kept(&house).iter().all(|file| file.contains(release)), "{:?}", kept(&house));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_takes_the_compiler_too_much_memory_is_refused_with_the_limit() {
    let house = House::start_with("[compiler]\nmemory_bytes = 67108864\n").await;
    let tenant = house.tenant("brindle").await;
    // Functions that are compiled are held until all are.
    let problem = refused(&tenant, heavy(600)).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("more than 64 MiB of memory"), "{detail}");
    assert_eq!(kept(&house), Vec::<String>::new());
    tenant.upload(&component("hello")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_a_hundred_megabytes_is_refused_by_its_size_alone() {
    let house = House::start().await;
    let key = fs::read_to_string(house.host().operator_key_file()).unwrap();
    house.tenant("brindle").await;
    let address = house.host().url().strip_prefix("http://").unwrap().to_owned();
    let head = format!(
        "POST /manage/plugins HTTP/1.1\r\nHost: {address}\r\nX-Api-Key: {}\r\nX-Tenant: brindle\r\n\
         Content-Type: application/wasm\r\nContent-Length: 104857600\r\n\r\n",
        key.trim()
    );
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // Not a byte of the component follows.
        let mut answer = [0; 4_096];
        let length = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(kept(&house), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_uploaded_in_a_form_as_curl_sends_it() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let head = "--b\r\nContent-Disposition: form-data; name=\"component\"; filename=\"hello.wasm\"\r\n\
                Content-Type: application/wasm\r\n\r\n";
    let bytes = fs::read(component("hello")).unwrap();
    let body = [head.as_bytes(), &bytes, b"\r\n--b--\r\n"].concat();
    let request = tenant.caller.request(Method::POST, "/manage/plugins");
    let request = request.header("Content-Type", "multipart/form-data; boundary=b").body(body);
    let answer = tenant.caller.send(request).await.unwrap().succeeded().unwrap();
    assert_eq!(answer["plugin"]["name"], "mortise/hello", "{answer}");
    assert_eq!(answer["release"]["size"], bytes.len(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_its_compiler_does_not_start_and_says_what_to_set() {
    let folder = tempfile::tempdir().unwrap();
    let options = HostOptions {
        binary: crate::fixture::mortise().to_owned(),
        directory: folder.path().to_owned(),
        config: "[compiler]\nprogram = \"/no/such/mortise-compile\"\n".to_owned(),
    };
    let failure = Host::start(&options).await.unwrap_err().to_string();
    assert!(failure.contains("the compiler /no/such/mortise-compile cannot be used"), "{failure}");
    assert!(failure.contains("MORTISE_COMPILER_PROGRAM"), "{failure}");
}

/// A component of the house with other bytes in the place of some of its own.
fn changed(guest: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = fs::read(component(guest)).unwrap();
    let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[place..place + from.len()].copy_from_slice(to);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_does_not_come_is_the_components_fault_and_the_reason_is_told() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    for (word, expected) in [
        ("loop", "`describe` may use 1 s of CPU time"),
        ("allocate", "64 MiB of memory"),
        ("trap", "`describe` failed: "),
        ("panic", "`describe` failed: "),
        ("stack-overflow", "used up its stack"),
    ] {
        let bytes = changed(
            "misbehaving",
            b"the manifest's behaviour: behave        ",
            format!("the manifest's behaviour: {word:<14}").as_bytes(),
        );
        let problem = refused(&tenant, bytes).await;
        assert_eq!(problem["reason"], "manifest", "{word}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{word}: {detail}");
    }
    assert_eq!(kept(&house), Vec::<String>::new());
    // Asked for rightly, the same component is taken in.
    tenant.upload(&component("misbehaving")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_breaks_the_rules_is_refused_with_the_place() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    for (from, to, expected) in [
        (&b"/schemaobject"[..], &b"/schemaobjekt"[..], "`settings-schema` does not describe an object"),
        (b"draft/2020-12/schema", b"draft/2020-13/schema", "`settings-schema` has another `$schema`"),
        (b"mortise/hello", b"Mortise.hello", "`name`: `Mortise.hello`"),
    ] {
        let problem = refused(&tenant, changed("hello", from, to)).await;
        assert_eq!(problem["reason"], "manifest", "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{expected}: {problem}");
    }
    assert_eq!(kept(&house), Vec::<String>::new());
}
