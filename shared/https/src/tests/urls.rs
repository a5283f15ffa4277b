use super::receiver::{Authority, NAME};
use super::world::{LOOPBACK, client, settings, url};
use crate::{AddressRule, HttpsError, HttpsSettings, HttpsUrl, InvalidHttpsUrl, MAX_URL_BYTES, TlsFailure};

#[test]
fn url_is_read_as_browsers_read_it() {
    for (text, host, port, whole) in [
        ("https://hooks.slack.com/services/T/B/x", "hooks.slack.com", 443, "https://hooks.slack.com/services/T/B/x"),
        ("HTTPS://HOOKS.Example.COM", "hooks.example.com", 443, "https://hooks.example.com/"),
        ("https://a.example:8443/p?q=1&s=%2F", "a.example", 8443, "https://a.example:8443/p?q=1&s=%2F"),
        ("https://a.example:443/", "a.example", 443, "https://a.example/"),
        ("https://a.example./", "a.example", 443, "https://a.example./"),
        ("https://a%2Eexample/", "a.example", 443, "https://a.example/"),
        ("https://xn--bcher-kva.example/%C3%BC", "xn--bcher-kva.example", 443, "https://xn--bcher-kva.example/%C3%BC"),
        ("https://a_b.example/", "a_b.example", 443, "https://a_b.example/"),
        ("https://a.example/a/../b", "a.example", 443, "https://a.example/b"),
        ("https://a.example/{x}|^`\"<>?{x}|^`\"<>'", "a.example", 443, ""),
        ("https://8.8.8.8/", "8.8.8.8", 443, "https://8.8.8.8/"),
        ("https://134744072/", "8.8.8.8", 443, "https://8.8.8.8/"),
        ("https://[2606:4700::1111]:8443/", "[2606:4700::1111]", 8443, "https://[2606:4700::1111]:8443/"),
    ] {
        let url: HttpsUrl = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((url.host(), url.port()), (host, port), "{text}");
        assert!(whole.is_empty() || url.reveal() == whole, "{text}: {}", url.reveal());
        assert_eq!(url.reveal().parse::<HttpsUrl>().unwrap(), url, "{text}");
    }
}

#[test]
fn url_that_is_not_allowed_is_refused() {
    use InvalidHttpsUrl as Invalid;
    let long = format!("https://a.example/{}", "x".repeat(MAX_URL_BYTES));
    for (text, expected) in [
        ("", Invalid::OtherScheme),
        ("a.example", Invalid::OtherScheme),
        ("http://a.example/", Invalid::OtherScheme),
        ("file:///etc/passwd", Invalid::OtherScheme),
        ("https:a.example", Invalid::OtherScheme),
        ("https:/a.example/", Invalid::OtherScheme),
        (" https://a.example/", Invalid::OtherScheme),
        ("https:\\\\a.example", Invalid::OtherScheme),
        ("https://", Invalid::Malformed),
        ("https:///a.example/", Invalid::Malformed),
        ("https://?a.example", Invalid::Malformed),
        ("https://a..example/", Invalid::Malformed),
        ("https://a.example../", Invalid::Malformed),
        ("https://.example/", Invalid::Malformed),
        ("https://a.exa%00mple/", Invalid::Malformed),
        ("https://a.exa%2Fmple/", Invalid::Malformed),
        ("https://1.2.3.4.5/", Invalid::Malformed),
        ("https://1.2.3.256/", Invalid::Malformed),
        ("https://[::1/", Invalid::Malformed),
        ("https://[fe80::1%25eth0]/", Invalid::Malformed),
        ("https://a.example:0/", Invalid::Port),
        ("https://a.example:65536/", Invalid::Port),
        ("https://a.example:x/", Invalid::Port),
        ("https://user@a.example/", Invalid::UserInformation),
        ("https://user:password@a.example/", Invalid::UserInformation),
        ("https://:password@a.example/", Invalid::UserInformation),
        ("https://8.8.8.8@127.0.0.1/", Invalid::UserInformation),
        ("https://a.example/#", Invalid::Fragment),
        ("https://a.example/#part", Invalid::Fragment),
        ("https://a.exam\tple/", Invalid::ForbiddenCharacter),
        ("https://a.example/a b", Invalid::ForbiddenCharacter),
        ("https://a.example/\n", Invalid::ForbiddenCharacter),
        ("https://a.example\\@b.example/", Invalid::ForbiddenCharacter),
        ("https://bücher.example/", Invalid::ForbiddenCharacter),
        ("https://a.example/ü", Invalid::ForbiddenCharacter),
        ("https://127。0。0。1/", Invalid::ForbiddenCharacter),
        ("https://①②⑦.0.0.1/", Invalid::ForbiddenCharacter),
        ("https://127.0.0%EF%BC%8E1/", Invalid::Malformed),
        ("https://b%C3%BCcher.example/", Invalid::Malformed),
        (&long, Invalid::TooLong),
    ] {
        let error = text.parse::<HttpsUrl>().unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!error.to_string().contains("a.example"), "{error}");
    }
}

#[test]
fn longest_url_is_accepted() {
    let start = "https://a.example/";
    let text = format!("{start}{}", "x".repeat(MAX_URL_BYTES - start.len()));
    assert_eq!(text.parse::<HttpsUrl>().unwrap().reveal(), text);
}

#[test]
fn debug_and_display_show_no_secret() {
    let authority = Authority::new();
    let url = url(NAME, 8443);
    assert_eq!(url.to_string(), "https://hooks.example.com");
    assert_eq!(format!("{url:?}"), "HttpsUrl(https://hooks.example.com)");
    let settings: HttpsSettings = settings(&authority);
    let host = || NAME.to_owned();
    let errors = [
        HttpsError::TlsSetup("no roots"),
        HttpsError::InvalidHeader("authorization"),
        HttpsError::AddressRefused { host: host() },
        HttpsError::DnsFailed { host: host() },
        HttpsError::ConnectionFailed { host: host(), reason: std::io::ErrorKind::ConnectionRefused },
        HttpsError::TlsFailed { host: host(), reason: TlsFailure::Expired },
        HttpsError::TimedOut { host: host(), limit: settings.timeout },
        HttpsError::Protocol { host: host() },
    ];
    let mut texts = vec![format!("{settings:?}"), format!("{:?}", client(settings)), format!("{url:#?}")];
    texts.push(format!("{:?}", AddressRule::PublicOr(vec![LOOPBACK])));
    texts.extend(errors.iter().flat_map(|error| [error.to_string(), format!("{error:?}")]));
    for text in texts {
        assert!(!text.contains("SECRET") && !text.contains("services") && !text.contains("sig"), "{text}");
    }
}
