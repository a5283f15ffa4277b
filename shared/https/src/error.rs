//! Why a request has no response.

use std::io;
use std::time::Duration;

use thiserror::Error;

/// Why a request has no response. The texts are safe to show to people: they contain no path, query, header or body.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HttpsError {
    /// TLS cannot be set up on this machine. Only creating a client fails with it.
    #[error("cannot set up TLS: {0}")]
    TlsSetup(&'static str),
    /// The caller's header has a name or value that HTTP does not permit. Nothing was sent.
    #[error("header `{0}` has a name or value that HTTP does not permit")]
    InvalidHeader(&'static str),
    /// The host is, or its name resolves to, an address that the client's [`AddressRule`](crate::AddressRule) does not permit. Nothing was
    /// sent.
    #[error("`{host}` has an IP address that is not public; all its addresses must be public")]
    AddressRefused {
        /// The host in the URL.
        host: String,
    },
    /// The name has no address, or it cannot be resolved now. Nothing was sent.
    #[error("cannot resolve the name `{host}`")]
    DnsFailed {
        /// The host in the URL.
        host: String,
    },
    /// No TCP connection is possible, or it ended before TLS was established. Nothing was sent.
    #[error("cannot connect to `{host}`: {reason}")]
    ConnectionFailed {
        /// The host in the URL.
        host: String,
        /// The error of the last attempt.
        reason: io::ErrorKind,
    },
    /// The host speaks no TLS, or has no valid certificate. Nothing was sent.
    #[error("cannot establish TLS with `{host}`: {reason}")]
    TlsFailed {
        /// The host in the URL.
        host: String,
        /// The cause.
        reason: TlsFailure,
    },
    /// The request has no response within the time limit. The receiver may have processed it.
    #[error("`{host}` has not responded within {} ms", .limit.as_millis())]
    TimedOut {
        /// The host in the URL.
        host: String,
        /// The time limit, from the resolution of the name to the headers of the response.
        limit: Duration,
    },
    /// The response is not HTTP/1.1, its headers are too large, or the connection ended before it. The receiver may have processed the
    /// request.
    #[error("`{host}` closed the connection without a valid HTTP response")]
    Protocol {
        /// The host in the URL.
        host: String,
    },
}

/// Why TLS with a host cannot be established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TlsFailure {
    /// No known authority issued the certificate.
    #[error("its certificate is not issued by a known authority")]
    UnknownIssuer,
    /// The certificate belongs to other names.
    #[error("its certificate is issued for another name")]
    OtherName,
    /// The certificate has expired.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate is not valid for another reason, such as a signature that is wrong or a validity that has not begun.
    #[error("its certificate is not valid")]
    InvalidCertificate,
    /// The host speaks another protocol, such as plain HTTP, or no common version of TLS.
    #[error("it does not speak TLS 1.2 or 1.3")]
    NoTls,
}
