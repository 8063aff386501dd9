//! Credentials that need no token.

use std::net::SocketAddr;

use bytes::Bytes;
use mortise_egress::{Delivery, EgressError, EgressErrorKind, Method, Request};
use mortise_model::manifest::{CredentialScheme, KeyPlace, SignatureEncoding, SignatureHash};

use crate::far_side::{Secrets, egress, get, get_as_erp, scope, scope_with, serve_echo};

fn key_in(place: KeyPlace) -> CredentialScheme {
    CredentialScheme::ApiKey { place, secret: "key".to_owned() }
}

fn bearer() -> CredentialScheme {
    CredentialScheme::Bearer { secret: "key".to_owned() }
}

fn signature(hash: SignatureHash, encoding: SignatureEncoding) -> CredentialScheme {
    CredentialScheme::Signature {
        hash,
        header: "X-Signature".to_owned(),
        prefix: "v1=".to_owned(),
        encoding,
        secret: "key".to_owned(),
    }
}

async fn send_as(
    scheme: CredentialScheme,
    server: SocketAddr,
    request: Request,
) -> Result<String, EgressError> {
    let scope = scope_with(server, scheme, Secrets::new(&[("key", "k+1/2")]));
    let response = egress().client(scope).send(request).await?;
    Ok(String::from_utf8(response.body.to_vec()).unwrap())
}

#[tokio::test]
async fn each_scheme_puts_its_secret_where_it_belongs() {
    let server = serve_echo().await;
    let basic = CredentialScheme::Basic { user: "ann".to_owned(), password_secret: "key".to_owned() };
    for (scheme, expected) in [
        (basic, "authorization: Basic YW5uOmsrMS8y\n"),
        (bearer(), "authorization: Bearer k+1/2\n"),
        (key_in(KeyPlace::Header("X-Api-Key".to_owned())), "x-api-key: k+1/2\n"),
        (key_in(KeyPlace::Query("api_key".to_owned())), "GET /path?page=2&api_key=k%2B1%2F2\n"),
        (key_in(KeyPlace::Cookie("session".to_owned())), "cookie: theme=dark; session=k+1/2\n"),
    ] {
        let mut request = get_as_erp(format!("http://{server}/path?page=2"));
        request.headers.push(("Cookie".to_owned(), "theme=dark".to_owned()));
        let text = send_as(scheme, server, request).await.unwrap();
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[tokio::test]
async fn a_body_is_signed_as_the_scheme_says() {
    let server = serve_echo().await;
    // Computed over `hello` with Python's hmac module.
    for (scheme, expected) in [
        (signature(SignatureHash::Sha1, SignatureEncoding::Hex), "ffa8a72150975b77cf62ddcc03bfaa026635a082"),
        (
            signature(SignatureHash::Sha256, SignatureEncoding::Hex),
            "0aedb122f2cdfad44f5c3d355f25ee6d05699849bccb3e97d183cb1112f49951",
        ),
        (
            signature(SignatureHash::Sha256, SignatureEncoding::Base64),
            "Cu2xIvLN+tRPXD01XyXubQVpmEm8yz6X0YPLERL0mVE=",
        ),
        (
            signature(SignatureHash::Sha512, SignatureEncoding::Hex),
            "480175dc1ae1cb4951b0e81b06e4c0996e19664118c7f2c5cebd6aa7cec7593b999db8330f8375d0c8d3a85088c605f7e4f065898b409c3f2c5410ffbe1b458c",
        ),
    ] {
        let mut request = get_as_erp(format!("http://{server}/"));
        request.method = Method::Post;
        request.body = Some(Bytes::from_static(b"hello"));
        let text = send_as(scheme, server, request).await.unwrap();
        assert!(text.contains(&format!("x-signature: v1={expected}\n")), "{expected} in {text}");
    }
}

#[tokio::test]
async fn a_request_that_sets_what_its_credential_sets_is_refused() {
    let server = serve_echo().await;
    let url = format!("http://{server}/");
    let with_header = |name: &str, value: &str| {
        let mut request = get_as_erp(&url);
        request.headers.push((name.to_owned(), value.to_owned()));
        request
    };
    for (scheme, request, named) in [
        (bearer(), with_header("authorization", "Own x"), "`Authorization`"),
        (key_in(KeyPlace::Header("X-Key".to_owned())), with_header("x-key", "x"), "`X-Key`"),
        (key_in(KeyPlace::Query("k".to_owned())), get_as_erp(format!("{url}?a=1&%6b=2")), "`k`"),
        (key_in(KeyPlace::Cookie("k".to_owned())), with_header("Cookie", "a=1; k=2"), "`k`"),
        (
            signature(SignatureHash::Sha256, SignatureEncoding::Hex),
            with_header("x-signature", "x"),
            "`X-Signature`",
        ),
    ] {
        let error = send_as(scheme, server, request).await.unwrap_err();
        assert_eq!((error.kind, error.delivery), (EgressErrorKind::Invalid, Delivery::NotSent));
        assert!(error.message.contains(named), "{}", error.message);
    }
}

#[tokio::test]
async fn a_credential_goes_only_to_its_own_hosts() {
    let (own, other) = (serve_echo().await, serve_echo().await);
    let mut scope = scope_with(own, bearer(), Secrets::new(&[("key", "k")]));
    let mut permissions = (*scope.permissions).clone();
    permissions.hosts.insert(other.to_string().parse().unwrap());
    scope.permissions = std::sync::Arc::new(permissions);
    let client = egress().client(scope);
    assert_eq!(client.send(get(format!("http://{other}/"))).await.unwrap().status, 200);
    let error = client.send(get_as_erp(format!("http://{other}/"))).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Denied, Delivery::NotSent));
    assert!(
        error.message.contains("`erp`") && error.message.contains(&other.to_string()),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn a_credential_that_is_not_declared_is_denied_by_name() {
    let server = serve_echo().await;
    let error = egress()
        .client(scope(&server.to_string()))
        .send(get_as_erp(format!("http://{server}/")))
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.delivery), (EgressErrorKind::Denied, Delivery::NotSent));
    assert!(error.message.contains("`erp`"), "{}", error.message);
}

#[tokio::test]
async fn a_secret_that_is_missing_or_unusable_is_named_and_never_shown() {
    let server = serve_echo().await;
    for (secrets, expected) in [
        (Secrets::new(&[]), "the secret `key` is not set"),
        (Secrets::new(&[("key", "")]), "the secret `key` is not set"),
        (Secrets::new(&[("key", "s3cret\nline")]), "the value of `key` holds characters"),
    ] {
        let scope = scope_with(server, bearer(), secrets);
        let error = egress().client(scope).send(get_as_erp(format!("http://{server}/"))).await.unwrap_err();
        assert_eq!((error.kind, error.delivery), (EgressErrorKind::Unauthorized, Delivery::NotSent));
        assert!(error.message.contains(expected), "{}", error.message);
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}
