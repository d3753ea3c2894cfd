//! Where a provider's mail goes, and what must be true of the server first.

use std::sync::Arc;

use lettre::transport::smtp::{authentication::Credentials, extension::ClientId};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde::Deserialize;

/// What protects the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Security {
    /// TLS after STARTTLS; without it nothing is sent.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Implicit,
    /// Nothing: for a relay on a trusted network.
    None,
}

impl Security {
    const fn usual_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

/// A server and how to speak to it.
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) server_name: ServerName<'static>,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) hello: ClientId,
    pub(super) credentials: Option<Credentials>,
}

/// Key, problem and fix.
type Wrong = (&'static str, &'static str, &'static str);

impl Target {
    /// Reads the authorities to trust, if they are not the public ones.
    pub(super) fn new(
        host: &str,
        port: Option<u16>,
        security: Security,
        ca_file: Option<&str>,
        hello: ClientId,
        credentials: Option<Credentials>,
    ) -> Result<Self, Wrong> {
        let server_name = ServerName::try_from(host.to_owned())
            .map_err(|_| ("host", "is not a host name or address", "such as smtp.acme.example"))?;
        let roots = match ca_file {
            Some(path) => authorities(path)?,
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        };
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| ("tls", "cannot be set up", "report this"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let port = port.unwrap_or(security.usual_port());
        let (host, tls) = (host.to_owned(), Arc::new(tls));
        Ok(Self { host, port, security, server_name, tls, hello, credentials })
    }
}

fn authorities(path: &str) -> Result<RootCertStore, Wrong> {
    const FIX: &str = "a readable PEM file with at least one certificate";
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|_| ("ca_file", "cannot be read", FIX))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|_| ("ca_file", "is not PEM", FIX))?;
        roots.add(certificate).map_err(|_| ("ca_file", "holds a certificate that cannot be used", FIX))?;
    }
    if roots.is_empty() { Err(("ca_file", "holds no certificate", FIX)) } else { Ok(roots) }
}
