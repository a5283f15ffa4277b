//! TLS: versions, root certificates, and what went wrong.

use std::io;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

use crate::error::{HttpsError, TlsFailure};

/// Returns the settings of TLS 1.2 and 1.3 with the root certificates of the operating system and `extra_roots`, which are DER.
///
/// # Errors
/// [`HttpsError::TlsSetup`] if an extra root is no certificate, or if there are no roots.
pub(crate) fn client_config(extra_roots: &[Vec<u8>]) -> Result<ClientConfig, HttpsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for root in extra_roots {
        roots
            .add(CertificateDer::from_slice(root))
            .map_err(|_| HttpsError::TlsSetup("an extra root is not a DER certificate"))?;
    }
    if roots.is_empty() {
        return Err(HttpsError::TlsSetup("the operating system has no root certificates"));
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| HttpsError::TlsSetup("no common version of TLS"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns the error of a TLS handshake with `host` that failed with `error`.
pub(crate) fn handshake_error(host: &str, error: &io::Error) -> HttpsError {
    let host = host.to_owned();
    let reason = match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        None => return HttpsError::ConnectionFailed { host, reason: error.kind() },
        Some(Error::InvalidCertificate(error)) => certificate_failure(error),
        Some(_) => TlsFailure::NoTls,
    };
    HttpsError::TlsFailed { host, reason }
}

fn certificate_failure(error: &CertificateError) -> TlsFailure {
    match error {
        CertificateError::UnknownIssuer => TlsFailure::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsFailure::OtherName,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
        _ => TlsFailure::InvalidCertificate,
    }
}
