//! Where a browser goes on after signing in: to a page of the dashboard, and nowhere else.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// The dashboard's first page.
pub(crate) const HOME: &str = "/dashboard";

/// The longest place that is gone on to.
const MAX_BYTES: usize = 2000;

/// A path of the dashboard, with its query. What is none becomes the first page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Next(String);

impl Default for Next {
    fn default() -> Self {
        Self(HOME.to_owned())
    }
}

impl FromStr for Next {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let below = text.strip_prefix(HOME).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        // Nothing that a browser might mend into another place, nor anything that is no header.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?&=%+".contains(&byte);
        let path = text.split('?').next().unwrap_or_default();
        let stays = text.len() <= MAX_BYTES && text.bytes().all(plain) && !path.contains("//") && !path.contains("..");
        // Dots and slashes that are encoded in a path are none of ours either.
        let fits = below.is_some() && stays && !path.contains('%');
        Ok(if fits { Self(text.to_owned()) } else { Self::default() })
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dashboard_is_gone_on_to() {
        let next = |text: &str| text.parse::<Next>().unwrap().to_string();
        for good in [
            "/dashboard",
            "/dashboard?x=1",
            "/dashboard/incidents/billing.1795403565678.a~2Eb",
            "/dashboard/incidents?status=open&cursor=A-_",
        ] {
            assert_eq!(next(good), good);
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
            assert_eq!(next(bad), HOME, "{bad:?}");
        }
    }
}
