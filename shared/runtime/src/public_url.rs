//! The base URL of links in messages.

use std::str::FromStr;

use thiserror::Error;

use crate::config::{ConfigValue, Variables};

/// The base URL of links: an absolute http or https URL without a slash at its end, so that a path can follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

/// The error of a text that is not the base of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a URL such as https://ops.example.com, without query and fragment")]
pub struct InvalidPublicUrl;

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    /// Parses a URL, or a host with or without a path: `ops.example.com/age/` becomes `https://ops.example.com/age`.
    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
        let scheme = scheme.to_ascii_lowercase();
        let mut segments = rest.split('/').filter(|segment| !segment.is_empty());
        let host =
            segments.next().filter(|host| is_authority(host) && !rest.starts_with('/')).ok_or(InvalidPublicUrl)?;
        if !matches!(scheme.as_str(), "https" | "http") {
            return Err(InvalidPublicUrl);
        }
        let mut url = format!("{scheme}://{host}");
        for segment in segments {
            if !segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)) {
                return Err(InvalidPublicUrl);
            }
            url.push('/');
            url.push_str(segment);
        }
        Ok(Self(url))
    }
}

/// Whether `text` is a host name or an IPv4 address, with or without a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    host.split('.').all(is_label) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.0
    }
}

impl ConfigValue for Option<PublicUrl> {
    fn read(variables: &mut Variables<'_>, name: &str) -> Self {
        let text = variables.optional(name)?;
        text.parse().map_err(|error: InvalidPublicUrl| variables.refuse(name, &format!("{error}; got \"{text}\""))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Option<String>, String> {
        let mut variables = Variables::new(|_| Some(value.to_owned()));
        let url = Option::<PublicUrl>::read(&mut variables, "PUBLIC_URL");
        variables.finish(url).map(|url| url.map(String::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn url_host_and_path_become_a_base_without_a_slash_at_its_end() {
        for (given, base) in [
            ("https://ops.example.com", "https://ops.example.com"),
            ("https://ops.example.com/", "https://ops.example.com"),
            ("https://ops.example.com//", "https://ops.example.com"),
            ("ops.example.com", "https://ops.example.com"),
            ("ops.example.com/", "https://ops.example.com"),
            ("ops.example.com/age/v1/", "https://ops.example.com/age/v1"),
            ("ops.example.com:8443", "https://ops.example.com:8443"),
            ("https://ops.example.com//age//v1", "https://ops.example.com/age/v1"),
            ("HTTPS://ops.example.com", "https://ops.example.com"),
            (" https://ops.example.com\n", "https://ops.example.com"),
            ("http://127.0.0.1:4567", "http://127.0.0.1:4567"),
        ] {
            assert_eq!(read(given), Ok(Some(base.to_owned())), "{given}");
        }
    }

    #[test]
    fn empty_url_is_none() {
        assert_eq!(read(""), Ok(None));
    }

    #[test]
    fn text_that_is_no_base_of_a_url_is_refused() {
        for given in [
            "/",
            "https://",
            "https:///age",
            "ftp://ops.example.com",
            "https://ops.example.com/?page=1",
            "https://ops.example.com/#top",
            "https://ops.example.com?page=1",
            "https://user@ops.example.com",
            "https://ops..example.com",
            "https://ops.example.com:port",
            "https://ops.example.com:99999",
            "ops example com",
            "javascript:alert(1)",
        ] {
            let error = read(given).unwrap_err();
            let expected = "configuration: PUBLIC_URL must be a URL such as https://ops.example.com, without query and fragment; got ";
            assert_eq!(error, format!("{expected}\"{given}\""), "{given}");
        }
    }
}
