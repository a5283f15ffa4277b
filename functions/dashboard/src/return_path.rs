//! The path to which a browser returns after signing in: a page of the dashboard, never another site.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// The path of the overview.
pub(crate) const HOME: &str = "/dashboard";

/// The longest path that is accepted, in bytes.
const MAX_BYTES: usize = 2000;

/// A path of the dashboard, with its query. Any other text parses as [`HOME`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReturnPath(String);

impl Default for ReturnPath {
    fn default() -> Self {
        Self(HOME.to_owned())
    }
}

impl FromStr for ReturnPath {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if is_dashboard_path(text) { Ok(Self(text.to_owned())) } else { Ok(Self::default()) }
    }
}

fn is_dashboard_path(text: &str) -> bool {
    let is_below_home = text.strip_prefix(HOME).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    // No byte that a browser might normalize into another path, and none that is not allowed in a header.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?&=%+".contains(&byte);
    let path = text.split('?').next().unwrap_or_default();
    // Percent signs are refused in the path, because they can encode dots and slashes.
    let is_normalized = !path.contains("//") && !path.contains("..") && !path.contains('%');
    is_below_home && text.len() <= MAX_BYTES && text.bytes().all(is_plain) && is_normalized
}

impl fmt::Display for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_outside_the_dashboard_becomes_home() {
        let parse = |text: &str| text.parse::<ReturnPath>().unwrap().to_string();
        for good in [
            "/dashboard",
            "/dashboard?x=1",
            "/dashboard/incidents/billing.1795403565678.a~2Eb",
            "/dashboard/incidents?status=open&cursor=A-_",
        ] {
            assert_eq!(parse(good), good);
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "https://evil.example",
            "/dashboards",
            "/dashboard.evil.example",
            "/dashboard//evil",
            "/dashboard/../api",
            "/dashboard/%2e%2e/api",
            "/dashboard\\evil",
            "/dashboard/\r\nset-cookie: a=b",
            "/dashboard@evil",
            "javascript:alert(1)",
            " /dashboard",
            "/dashboard/\u{202e}",
        ] {
            assert_eq!(parse(bad), HOME, "{bad:?}");
        }
    }
}
