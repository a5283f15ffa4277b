//! Text of others in e-mails, changed so that mail programs make no links of it.

/// Schemes that mail programs link without `//`, such as `mailto:ops`.
const SCHEMES: &[&str] = &[
    "callto",
    "data",
    "facetime",
    "file",
    "geo",
    "im",
    "javascript",
    "magnet",
    "mailto",
    "news",
    "sip",
    "sips",
    "skype",
    "sms",
    "tel",
    "vbscript",
    "xmpp",
];

/// Returns `text` with its links defanged, as incident responders write them: `https[:]//host[.]example/path`, `ops[@]host[.]example`.
///
/// Changed are colons of schemes, dots of host names and of IPv4 addresses, `@` between an address and its host, and the `\\` of a
/// file share. A dot before a digit stays, as in `1.5`.
pub(crate) fn defanged(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut safe = String::with_capacity(text.len());
    for (index, character) in characters.iter().enumerate() {
        let (before, rest) = characters.split_at(index);
        let after = rest.get(1..).unwrap_or_default();
        if is_link_part(before, *character, after) {
            safe.extend(['[', *character, ']']);
        } else {
            safe.push(*character);
        }
    }
    safe
}

fn is_link_part(before: &[char], character: char, after: &[char]) -> bool {
    let touches = |characters: Option<&char>| characters.is_some_and(|neighbour| is_label(*neighbour));
    match character {
        // The full stops of other scripts separate labels as well (UTS #46).
        '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => {
            touches(before.last())
                && (after.first().is_some_and(|next| next.is_alphabetic()) || is_in_ipv4(before, after))
        }
        ':' => {
            after.first().is_some_and(|next| !next.is_whitespace())
                && (after.starts_with(&['/', '/']) || ends_with_scheme(before))
        }
        '@' => !before.last().is_none_or(|it| it.is_whitespace()) && touches(after.first()),
        '\\' => after.first() == Some(&'\\') && touches(after.get(1)),
        _ => false,
    }
}

/// Whether `character` may be in a label of a host name.
fn is_label(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '_')
}

/// Whether a dot between `before` and `after` is one of the three of an IPv4 address.
fn is_in_ipv4(before: &[char], after: &[char]) -> bool {
    let is_part = |character: &&char| character.is_ascii_digit() || **character == '.';
    let around = before.iter().rev().take_while(is_part).chain(after.iter().take_while(is_part));
    after.first().is_some_and(char::is_ascii_digit) && around.filter(|character| **character == '.').count() == 2
}

fn ends_with_scheme(before: &[char]) -> bool {
    let word: Vec<char> =
        before.iter().rev().take_while(|character| character.is_ascii_alphabetic()).copied().collect();
    let word: String = word.iter().rev().collect();
    SCHEMES.iter().any(|scheme| word.to_ascii_lowercase().ends_with(scheme))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_are_defanged() {
        for (text, expected) in [
            ("see https://evil.example/a?b=c.", "see https[:]//evil[.]example/a?b=c."),
            ("HTTP://EVIL.example", "HTTP[:]//EVIL[.]example"),
            ("www.evil.example", "www[.]evil[.]example"),
            ("evil.io/path", "evil[.]io/path"),
            ("sub_a.evil-b.co.uk:8080/x", "sub_a[.]evil-b[.]co[.]uk:8080/x"),
            ("пример.рф", "пример[.]рф"),
            ("evil\u{3002}com \u{ff0e}", "evil[\u{3002}]com \u{ff0e}"),
            ("10.0.0.1/login 10.0.0.1", "10[.]0[.]0[.]1/login 10[.]0[.]0[.]1"),
            ("ops@evil.example", "ops[@]evil[.]example"),
            ("mailto:ops TEL:+49 javascript:x data:text", "mailto[:]ops TEL[:]+49 javascript[:]x data[:]text"),
            (r"\\host\share", r"[\]\host\share"),
            ("slack://open", "slack[:]//open"),
        ] {
            assert_eq!(defanged(text), expected);
        }
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "1.5 s, v1.2.3, 12:30:00, 50 %",
            r#"{"rate":0.25,"at":"2026-11-23T00:05:00.000Z","ok":true}"#,
            "claim: paid, data: none",
            "The end. Next sentence... and @ops; a @ b",
            "arn:aws:sns:topic",
            "invoice_sync_failed",
            r"C:\dir",
        ] {
            assert_eq!(defanged(text), text);
        }
    }

    proptest! {
        /// Parts that mail programs link, in any order.
        #[test]
        fn no_link_is_left(parts in prop::collection::vec("[a-z]{1,3}|[.:/@]|://|www\\.|mailto:|\\\\\\\\| |[0-9]", 0..20)) {
            let safe = defanged(&parts.concat());
            prop_assert!(!safe.contains("://"), "{}", safe);
            let after_scheme = |rest: &str| rest.is_empty() || rest.starts_with(' ');
            prop_assert!(safe.split("mailto:").skip(1).all(after_scheme), "{}", safe);
            let is_host = |word: &str| {
                word.split_once('.').is_some_and(|(host, rest)| {
                    host.ends_with(|it: char| it.is_ascii_alphanumeric()) && rest.starts_with(|it: char| it.is_ascii_alphabetic())
                })
            };
            prop_assert!(!safe.split_whitespace().any(is_host), "{}", safe);
        }
    }
}
