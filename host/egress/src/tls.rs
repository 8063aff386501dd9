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
    use super::*;

    #[test]
    fn a_machine_without_authorities_still_gets_some() {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        assert!(!roots.is_empty());
        assert!(TlsSettings::trusting(roots).is_ok());
        assert!(TlsSettings::of_the_machine().is_ok());
    }
}
