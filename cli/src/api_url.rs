//! The URL of AGE.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use reqwest::Url;
use thiserror::Error;

/// The base URL of AGE, without the path of the API.
///
/// INVARIANT: the scheme is `https`, or `http` with a host that is this machine, so that no token crosses a network
/// unencrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiUrl(Url);

/// A text that is not a URL of AGE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum InvalidApiUrl {
    #[error("must be a URL such as https://age.example.com, without user, query or fragment")]
    Malformed,
    #[error("must begin with https://, because http:// would send the token unencrypted")]
    Unencrypted,
}

impl ApiUrl {
    /// The address to which names below `.localhost` resolve.
    pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Returns the URL of a resource of the API. Each segment is percent-encoded.
    pub(crate) fn resource(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Cannot fail: only a URL without a host has no path segments, and `from_str` requires a host.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "governance"]).extend(segments);
        }
        url
    }

    /// Returns the host if it is a name below `.localhost`. Such names are this machine (RFC 6761, section 6.3), but many
    /// resolvers do not know them.
    pub(crate) fn localhost_subdomain(&self) -> Option<&str> {
        self.0.host_str().filter(|host| host.ends_with(".localhost"))
    }

    /// Whether the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost"
            || self.localhost_subdomain().is_some()
            || address.is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl FromStr for ApiUrl {
    type Err = InvalidApiUrl;

    fn from_str(text: &str) -> Result<Self, InvalidApiUrl> {
        let url: Url = text.parse().map_err(|_| InvalidApiUrl::Malformed)?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        if !url.has_host() || has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidApiUrl::Malformed);
        }
        let api_url = Self(url);
        match api_url.0.scheme() {
            "https" => Ok(api_url),
            "http" if api_url.is_loopback() => Ok(api_url),
            "http" => Err(InvalidApiUrl::Unencrypted),
            _ => Err(InvalidApiUrl::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_accepted_for_loopback_hosts_only() {
        for loopback in ["http://localhost:4566", "http://a.b.localhost:4566/", "http://127.0.0.1", "http://[::1]:80/x"]
        {
            assert!(loopback.parse::<ApiUrl>().unwrap().is_loopback(), "{loopback}");
        }
        assert!(!"https://age.example.com".parse::<ApiUrl>().unwrap().is_loopback());
        for remote in ["http://age.example.com", "http://localhost.example.com", "http://10.0.0.1", "http://xlocalhost"]
        {
            assert_eq!(remote.parse::<ApiUrl>(), Err(InvalidApiUrl::Unencrypted), "{remote}");
        }
    }

    #[test]
    fn only_names_below_localhost_are_localhost_subdomains() {
        let subdomain = |text: &str| text.parse::<ApiUrl>().unwrap().localhost_subdomain().map(str::to_owned);
        assert_eq!(subdomain("http://Api.localhost:4566").as_deref(), Some("api.localhost"));
        assert_eq!((subdomain("http://localhost"), subdomain("https://localhost.example.com")), (None, None));
    }

    #[test]
    fn malformed_urls_are_refused() {
        for text in [
            "",
            "age",
            "/api",
            "ftp://localhost",
            "mailto:a@b",
            "https://u:p@age.example.com",
            "https://a?b",
            "https://a#b",
        ] {
            assert_eq!(text.parse::<ApiUrl>(), Err(InvalidApiUrl::Malformed), "{text}");
        }
    }

    #[test]
    fn path_segments_are_percent_encoded() {
        for (base, expected) in [
            ("https://age.example.com", "https://age.example.com/api/governance/incidents/a%2Fb%3F~%25"),
            ("https://age.example.com/prod/", "https://age.example.com/prod/api/governance/incidents/a%2Fb%3F~%25"),
        ] {
            assert_eq!(base.parse::<ApiUrl>().unwrap().resource(&["incidents", "a/b?~%"]).as_str(), expected);
        }
    }
}
