//! Whom the host trusts when it calls out.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};

use crate::EgressSetupError;

/// TLS sessions kept for resumption, per pool of connections.
const RESUMABLE_SESSIONS: usize = 32;

/// The TLS settings that all pools of connections start from.
///
/// The machine's authorities come first: the operator keeps them up to date, and an authority of the operator's own
/// works by being installed. A machine that has none gets Mozilla's, compiled in, so that a fresh one works. That is
/// why reqwest's platform verifier is not used: it fails to build where there are no authorities.
#[derive(Clone)]
pub(crate) struct TlsSettings {
    shared: ClientConfig,
}

impl TlsSettings {
    /// Settings with the authorities of the machine, or Mozilla's where the machine has none.
    pub(crate) fn of_the_machine() -> Result<Self, EgressSetupError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            tracing::info!("the machine has no certificate authorities: Mozilla's, compiled in, are used");
            roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        }
        Self::trusting(roots)
    }

    fn trusting(roots: RootCertStore) -> Result<Self, EgressSetupError> {
        // The provider is named here, so that none has to be installed for the whole process.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut shared = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| EgressSetupError { message: format!("TLS cannot be set up: {error}") })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        shared.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { shared })
    }

    /// Settings for one pool: what is costly is shared, what remembers the far side is not.
    pub(crate) fn for_a_pool(&self) -> ClientConfig {
        let mut config = self.shared.clone();
        config.resumption = Resumption::in_memory_sessions(RESUMABLE_SESSIONS);
        config
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::*;
    use crate::EgressErrorKind;
    use crate::failure::failure;

    /// A certificate for `localhost`, signed by its own key, good for a hundred years.
    const CERTIFICATE: &str = concat!(
        "MIIBkjCCATigAwIBAgIUd33AVA0iHh3vxljKl/pa//vBFpIwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxo",
        "b3N0MCAXDTI2MTEyNTAzNDE1N1oYDzIxMjYxMTAxMDM0MTU3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcq",
        "hkjOPQIBBggqhkjOPQMBBwNCAAR5yashkCBQEsGLHQTU61QLx0WNCs0pD6n8Gyqfx0qo0tObEePljaRYcVvU7aa/",
        "XLnsdPXCGf18QfUDpq09QdGYo2YwZDAdBgNVHQ4EFgQUHnMmI1z/+SSufyNVlB/Ex+GwLT0wHwYDVR0jBBgwFoAU",
        "HnMmI1z/+SSufyNVlB/Ex+GwLT0wFAYDVR0RBA0wC4IJbG9jYWxob3N0MAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0E",
        "AwIDSAAwRQIhAPX/heIpn1VDq565/ie804vfeshWQ16n5feHHRUC4bRTAiAmbXuHL44kx7Dmt0ZA+adseRadi3qh",
        "XQqMv8w6j1oVCw==",
    );

    /// The certificate's key, used nowhere else.
    const KEY: &str = concat!(
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgidZhlE93QmAOyhGJ9HVD/tHUAfOaW3mmC9+SwEwc",
        "p2GhRANCAAR5yashkCBQEsGLHQTU61QLx0WNCs0pD6n8Gyqfx0qo0tObEePljaRYcVvU7aa/XLnsdPXCGf18QfUD",
        "pq09QdGY",
    );

    fn certificate() -> CertificateDer<'static> {
        BASE64.decode(CERTIFICATE).unwrap().into()
    }

    /// Serves one answer over TLS and tells the port.
    fn serve_once() -> u16 {
        let key = PrivatePkcs8KeyDer::from(BASE64.decode(KEY).unwrap());
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate()], key.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), socket);
            // A client that does not trust the certificate hangs up here.
            if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        port
    }

    async fn ask(settings: &TlsSettings) -> reqwest::Result<String> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(settings.for_a_pool())
            .no_proxy()
            .resolve("localhost", "127.0.0.1:0".parse().unwrap())
            .build()?;
        client.get(format!("https://localhost:{}/", serve_once())).send().await?.text().await
    }

    #[tokio::test]
    async fn a_certificate_of_a_trusted_authority_is_accepted() {
        let mut roots = RootCertStore::empty();
        roots.add(certificate()).unwrap();
        assert_eq!(ask(&TlsSettings::trusting(roots).unwrap()).await.unwrap(), "ok");
    }

    #[tokio::test]
    async fn a_certificate_of_an_unknown_authority_is_a_tls_error() {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let error = ask(&TlsSettings::trusting(roots).unwrap()).await.unwrap_err();
        let error = failure(&error, "localhost");
        assert_eq!((error.kind, error.delivery), (EgressErrorKind::Tls, crate::Delivery::NotSent));
        assert!(error.message.contains("UnknownIssuer"), "{}", error.message);
    }

    #[test]
    fn the_settings_of_the_machine_are_never_without_authorities() {
        assert!(!webpki_roots::TLS_SERVER_ROOTS.is_empty());
        assert!(TlsSettings::of_the_machine().is_ok());
    }
}
