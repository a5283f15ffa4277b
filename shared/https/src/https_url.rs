//! URLs that requests may go to.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;
use thiserror::Error;
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Host, ParseError, Position, Url};

use crate::address_rule::AddressRule;

/// The greatest length of a URL, in bytes.
pub const MAX_URL_BYTES: usize = 2048;

const SCHEME: &str = "https://";

/// An absolute `https` URL without user name, password and fragment, of at most [`MAX_URL_BYTES`].
///
/// The host is a name with at least one dot, or an IP address that an [`AddressRule`] permits. It is read as browsers read it: lower case,
/// percent-decoded, and numbers such as `0x7f.1` or `2130706433` as IPv4 addresses. A dot at the end of a name is dropped. The text is
/// ASCII: international names have the form `xn--`.
///
/// Path and query may be secrets: Slack's incoming webhooks have no other. `Debug` and `Display` show scheme and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpsUrl {
    text: String,
    host: String,
    server_name: ServerName<'static>,
    port: u16,
    target: Uri,
}

/// The text is not a URL that requests may go to. The texts say what is allowed and do not contain the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidHttpsUrl {
    /// The text has more than [`MAX_URL_BYTES`].
    #[error("the URL must have at most {MAX_URL_BYTES} bytes")]
    TooLong,
    /// The scheme is not `https`, or absent.
    #[error("the URL must begin with https://")]
    OtherScheme,
    /// The text has white space, a control character or a backslash, which readers of URLs treat differently, or a character beyond ASCII.
    #[error("the URL must be ASCII text without white space, control characters and backslashes")]
    ForbiddenCharacter,
    /// The text is not a URL.
    #[error("the URL must have the form https://HOST/PATH, where :PORT and ?QUERY are optional")]
    Malformed,
    /// The port is not a number from 1 to 65535.
    #[error("the port of the URL must be a number from 1 to 65535")]
    Port,
    /// The URL has a user name or password.
    #[error("the URL must not contain a user name or password")]
    UserInformation,
    /// The URL has a fragment.
    #[error("the URL must not contain a fragment, which begins with #")]
    Fragment,
    /// The host is a name without a dot, such as `localhost`.
    #[error("the host of the URL must be a full name such as hooks.example.com, or a public IP address")]
    NameWithoutDot,
    /// The host is an IP address that the [`AddressRule`] does not permit.
    #[error("the IP address in the URL must be public, neither private, local nor reserved")]
    AddressRefused,
}

impl HttpsUrl {
    /// Reads a URL whose host, if it is an IP address, is permitted by `rule`.
    ///
    /// # Errors
    /// [`InvalidHttpsUrl`] says which part of the URL is not allowed.
    pub fn parse(text: &str, rule: &AddressRule) -> Result<Self, InvalidHttpsUrl> {
        if text.len() > MAX_URL_BYTES {
            return Err(InvalidHttpsUrl::TooLong);
        }
        let (scheme, rest) = text.split_at_checked(SCHEME.len()).ok_or(InvalidHttpsUrl::OtherScheme)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(InvalidHttpsUrl::OtherScheme);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err(InvalidHttpsUrl::ForbiddenCharacter);
        }
        // The URL standard skips further slashes before the host.
        if rest.starts_with('/') {
            return Err(InvalidHttpsUrl::Malformed);
        }
        let url = Url::parse(text).map_err(|error| match error {
            ParseError::InvalidPort => InvalidHttpsUrl::Port,
            _ => InvalidHttpsUrl::Malformed,
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidHttpsUrl::UserInformation);
        }
        if url.fragment().is_some() {
            return Err(InvalidHttpsUrl::Fragment);
        }
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or(InvalidHttpsUrl::Port)?;
        let (host, server_name) = host(&url, rule)?;
        let target = url[Position::BeforePath..].parse().map_err(|_| InvalidHttpsUrl::Malformed)?;
        Ok(Self { text: url.into(), host, server_name, port, target })
    }

    /// Returns the host: a name in lower case without a dot at its end, or an IP address, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the TCP port, 443 by default.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the whole URL in its normal form, with path and query, to store it as a secret.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Returns the IP address if the host is one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self.server_name {
            ServerName::IpAddress(address) => Some(address.into()),
            _ => None,
        }
    }

    /// Returns the name or address that the certificate must be valid for.
    pub(crate) fn server_name(&self) -> ServerName<'static> {
        self.server_name.clone()
    }

    /// Returns path and query, the target of the request line.
    pub(crate) fn target(&self) -> Uri {
        self.target.clone()
    }

    /// Returns the value of the header `Host`.
    pub(crate) fn host_header(&self) -> String {
        if self.port == 443 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

fn host(url: &Url, rule: &AddressRule) -> Result<(String, ServerName<'static>), InvalidHttpsUrl> {
    let address: IpAddr = match url.host().ok_or(InvalidHttpsUrl::Malformed)? {
        Host::Ipv4(address) => address.into(),
        Host::Ipv6(address) => address.into(),
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            if !name.contains('.') {
                return Err(InvalidHttpsUrl::NameWithoutDot);
            }
            if name.ends_with('.') {
                return Err(InvalidHttpsUrl::Malformed);
            }
            let server_name = ServerName::try_from(name.to_owned()).map_err(|_| InvalidHttpsUrl::Malformed)?;
            return Ok((name.to_owned(), server_name));
        }
    };
    if !rule.permits(address) {
        return Err(InvalidHttpsUrl::AddressRefused);
    }
    let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    Ok((host, ServerName::from(address)))
}

/// Permits public IP addresses only.
impl FromStr for HttpsUrl {
    type Err = InvalidHttpsUrl;

    fn from_str(text: &str) -> Result<Self, InvalidHttpsUrl> {
        Self::parse(text, &AddressRule::Public)
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.host)
    }
}

impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpsUrl({self})")
    }
}
