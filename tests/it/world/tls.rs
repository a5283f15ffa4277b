//! Certificates, which are generated for each run, and a TLS proxy with a root, an intermediate and a leaf certificate.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Starts a proxy before `address`. Returns its URL and the root certificate as PEM.
pub(crate) async fn start_proxy(address: String) -> (String, String) {
    let root = issuer(authority("Root"), None);
    let intermediate = issuer(authority("Intermediate"), Some(&root));
    let key = key();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &intermediate).unwrap();
    let acceptor = acceptor(vec![leaf.der().clone(), intermediate.der().clone()], &key);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(relay(acceptor.clone(), stream, address.clone()));
        }
    });
    (format!("https://localhost:{port}"), root.pem())
}

/// An authority whose certificates have no intermediate one.
pub(crate) struct Authority(Issuer);

impl Authority {
    pub(crate) fn new() -> Self {
        Self(issuer(authority("Authority"), None))
    }

    /// Returns the certificate of the authority, as DER.
    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// Returns the server side of TLS with a certificate for `host`.
    pub(crate) fn acceptor(&self, host: &str) -> TlsAcceptor {
        let key = key();
        let leaf = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        acceptor(vec![leaf.der().clone()], &key)
    }
}

fn acceptor(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Relays a TLS connection to `address`, until either side closes it.
async fn relay(acceptor: TlsAcceptor, stream: TcpStream, address: String) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut inside = acceptor.accept(stream).await?;
    let mut outside = TcpStream::connect(address).await?;
    outside.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut inside, &mut outside).await.map(drop)
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer(params: CertificateParams, by: Option<&Issuer>) -> Issuer {
    match by {
        None => CertifiedIssuer::self_signed(params, key()),
        Some(by) => CertifiedIssuer::signed_by(params, key(), by),
    }
    .unwrap()
}
