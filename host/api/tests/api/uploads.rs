//! Components in forms. What is taken reaches the runtime, which tells that it is no component.

use std::io;
use std::task::Poll;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use mortise_api::ApiConfig;

use crate::call::Answer;
use crate::host::Host;

const BOUNDARY: &str = "------------------------8f1c";
const FILE: &[u8] = b"PK\x03\x04 not a component\r\n--\r\n";

/// One part, with the boundary before it.
fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: application/wasm\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), format!("--{BOUNDARY}--\r\n").into_bytes()].concat()
}

async fn send(host: &Host, body: impl Into<Body>) -> Answer {
    let acme = host.tenant("acme").await;
    let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
    host.send(host.manage(&acme, "POST", "/manage/plugins").body(&media_type, body)).await
}

#[tokio::test]
async fn the_one_part_of_a_form_is_the_component() {
    let form = form(&[part("name=\"component\"; filename=\"greeter.wasm\"", FILE)]);
    let whole = send(&Host::start().await, form.clone()).await;
    assert_eq!(
        (whole.problem().1.as_str(), whole.text_at("/reason").as_str()),
        ("component-refused", "not-wasm")
    );
    // However the body is cut, and whatever stands before the first boundary.
    let mut pieces: Vec<_> = form.chunks(3).map(Bytes::copy_from_slice).collect();
    pieces.insert(0, Bytes::from_static(b"a preamble\r\n"));
    let pieces = stream::iter(pieces.into_iter().map(Ok::<_, io::Error>));
    let cut = send(&Host::start().await, Body::from_stream(pieces)).await;
    assert_eq!(cut.text_at("/reason"), "not-wasm", "{cut:?}");
}

#[tokio::test]
async fn a_form_that_is_not_one_component_is_refused_with_the_place() {
    let component = || part("name=\"component\"; filename=\"x.wasm\"", FILE);
    for (parts, pointer, code) in [
        (vec![], "/component", "required"),
        (vec![part("name=\"plugin\"", FILE)], "/plugin", "unknown"),
        (vec![part("filename=\"x.wasm\"", FILE)], "/", "unknown"),
        (vec![component(), part("name=\"name/of~it\"", b"x")], "/name~1of~0it", "unknown"),
        (vec![component(), component()], "/component", "repeated"),
    ] {
        let answer = send(&Host::start().await, form(&parts)).await;
        assert_eq!(answer.problem(), (422, "validation-failed".to_owned()), "{answer:?}");
        let told = (answer.text_at("/errors/0/pointer"), answer.text_at("/errors/0/code"));
        assert_eq!(told, (pointer.to_owned(), code.to_owned()), "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused_with_the_reason() {
    let long = format!("--{BOUNDARY}\r\nX: {}", "x".repeat(20_000)).into_bytes();
    let whole = form(&[part("name=\"component\"", FILE)]);
    for (body, reason) in [
        (b"no boundary at all".to_vec(), "incomplete"),
        (whole[..whole.len() / 2].to_vec(), "incomplete"),
        (long, "more than 16384 bytes"),
        ("x".repeat(20_000).into_bytes(), "more than 16384 bytes"),
    ] {
        let answer = send(&Host::start().await, body).await;
        assert_eq!(answer.problem(), (400, "bad-request".to_owned()), "{answer:?}");
        let detail = answer.text_at("/detail");
        assert!(detail.to_lowercase().contains(reason), "{reason}: {detail}");
    }
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    let call = host.manage(&acme, "POST", "/manage/plugins").body("multipart/form-data", "x");
    let answer = host.send(call).await;
    assert!(answer.text_at("/detail").contains("names no `boundary`"), "{answer:?}");
}

#[tokio::test]
async fn a_component_in_a_form_is_as_large_as_one_without_and_no_larger() {
    let host = || Host::start_with(ApiConfig { max_component_bytes: 100_000, ..ApiConfig::default() });
    let of = |bytes: usize| form(&[part("name=\"component\"; filename=\"x.wasm\"", &vec![b'x'; bytes])]);
    let answer = send(&host().await, of(100_000)).await;
    assert_eq!(answer.text_at("/reason"), "not-wasm", "{answer:?}");
    for bytes in [100_001, 10_000_000] {
        let answer = send(&host().await, of(bytes)).await;
        assert_eq!(answer.problem(), (413, "body-too-large".to_owned()), "{answer:?}");
    }
}

#[tokio::test]
async fn a_component_of_a_hundred_megabytes_is_refused_before_a_byte_of_it_is_read() {
    let host = Host::start().await;
    let acme = host.tenant("acme").await;
    for media_type in ["application/wasm", "multipart/form-data; boundary=x"] {
        let unread = stream::poll_fn(|_| -> Poll<Option<io::Result<Bytes>>> { panic!("the body was read") });
        let call = host.manage(&acme, "POST", "/manage/plugins").header("content-length", "104857600");
        let answer = host.send(call.body(media_type, Body::from_stream(unread))).await;
        assert_eq!(answer.problem(), (413, "body-too-large".to_owned()));
    }
}
