//! A TLS proxy with a root, an intermediate and a leaf certificate, which are generated for each run.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Starts a proxy before `address`. Returns its URL and the root certificate as PEM.
pub(crate) async fn start_proxy(address: String) -> (String, String) {
    let root = issuer(authority("Root"), None);
    let intermediate = issuer(authority("Intermediate"), Some(&root));
    let key = key();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &intermediate).unwrap();
    let chain = vec![leaf.der().clone(), intermediate.der().clone()];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(relay(acceptor.clone(), stream, address.clone()));
        }
    });
    (format!("https://localhost:{port}"), root.pem())
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
