//! Where AGE is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use reqwest::Url;
use thiserror::Error;

/// The address of an AGE to which a token can be sent without others reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(Url);

/// A text that is not the address of AGE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum InvalidAddress {
    #[error("must be a URL such as https://age.example.com, without user, query or fragment")]
    Form,
    #[error("must begin with https://, because the token would go over the network in the clear")]
    Clear,
}

impl Address {
    /// The address of a resource of the API.
    pub(crate) fn of(&self, path: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Only a URL without a host has no segments, and an address has one.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "governance"]).extend(path);
        }
        url
    }

    /// The host, if it is a name of this machine that many resolvers do not know (RFC 6761, 6.3).
    pub(crate) fn local_name(&self) -> Option<&str> {
        self.0.host_str().filter(|host| host.ends_with(".localhost"))
    }

    /// Whether it is on this machine.
    pub(crate) fn is_here(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || self.local_name().is_some() || number.is_ok_and(|number| number.is_loopback())
    }

    /// This machine.
    pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let url: Url = text.parse().map_err(|_| InvalidAddress::Form)?;
        let more = url.password().is_some() || url.query().is_some() || url.fragment().is_some();
        if !url.has_host() || !url.username().is_empty() || more {
            return Err(InvalidAddress::Form);
        }
        let address = Self(url);
        match address.0.scheme() {
            "https" => Ok(address),
            "http" if address.is_here() => Ok(address),
            "http" => Err(InvalidAddress::Clear),
            _ => Err(InvalidAddress::Form),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_in_the_clear_to_this_machine_only() {
        for here in ["http://localhost:4566", "http://a.b.localhost:4566/", "http://127.0.0.1", "http://[::1]:80/x"] {
            assert!(here.parse::<Address>().unwrap().is_here(), "{here}");
        }
        assert!(!"https://age.example.com".parse::<Address>().unwrap().is_here());
        for elsewhere in
            ["http://age.example.com", "http://localhost.example.com", "http://10.0.0.1", "http://xlocalhost"]
        {
            assert_eq!(elsewhere.parse::<Address>(), Err(InvalidAddress::Clear), "{elsewhere}");
        }
    }

    #[test]
    fn only_names_below_localhost_are_resolved_here() {
        let local = |text: &str| text.parse::<Address>().unwrap().local_name().map(str::to_owned);
        assert_eq!(local("http://Api.localhost:4566").as_deref(), Some("api.localhost"));
        assert_eq!((local("http://localhost"), local("https://localhost.example.com")), (None, None));
    }

    #[test]
    fn what_is_no_address_is_refused() {
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
            assert_eq!(text.parse::<Address>(), Err(InvalidAddress::Form), "{text}");
        }
    }

    #[test]
    fn parts_of_a_path_stay_parts() {
        for (base, expected) in [
            ("https://age.example.com", "https://age.example.com/api/governance/incidents/a%2Fb%3F~%25"),
            ("https://age.example.com/prod/", "https://age.example.com/prod/api/governance/incidents/a%2Fb%3F~%25"),
        ] {
            assert_eq!(base.parse::<Address>().unwrap().of(&["incidents", "a/b?~%"]).as_str(), expected);
        }
    }
}
