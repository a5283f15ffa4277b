//! Markdown, with GitHub's tables, that shows the texts of others as they are.

use std::fmt::Write;

use age_model::visible_line;

/// The characters that Markdown, or what GitHub adds to it, gives a meaning anywhere in a line.
const SPECIAL: &str = "\\`*_{}[]<>#|~&$^!";
/// Further characters that have a meaning at the beginning of a line.
const SPECIAL_AT_START: &str = "+-=";

/// How the cells of a column are aligned.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alignment {
    Left,
    Right,
}

/// Returns `text` on one line, escaped so that it neither formats nor links anything.
pub(crate) fn escape(text: &str) -> String {
    let line = visible_line(text);
    let leading_digits = line.chars().take_while(char::is_ascii_digit).count();
    let mut escaped = String::with_capacity(line.len());
    let mut characters = line.chars().enumerate().peekable();
    while let Some((index, character)) = characters.next() {
        let is_special = match character {
            // `1.` begins a numbered list. GitHub links what begins with `www.`, `https://` or `mailto:`.
            '.' => index == leading_digits || ends_with_word(&escaped, "www"),
            ')' => index == leading_digits,
            ':' => {
                let is_before_path = characters.peek().is_some_and(|(_, next)| *next == '/');
                is_before_path || ["mailto", "xmpp"].iter().any(|scheme| ends_with_word(&escaped, scheme))
            }
            _ => SPECIAL.contains(character) || index == 0 && SPECIAL_AT_START.contains(character),
        };
        if is_special {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn ends_with_word(text: &str, word: &str) -> bool {
    let start = text.len().saturating_sub(word.len());
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Returns a table of texts.
pub(crate) fn table<const N: usize>(
    columns: [(&str, Alignment); N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let headings = columns.map(|(heading, _)| heading.to_owned());
    let rules = columns.map(|(_, alignment)| match alignment {
        Alignment::Left => "---".to_owned(),
        Alignment::Right => "---:".to_owned(),
    });
    let rows = rows.into_iter().map(|row| row.map(|cell| escape(&cell)));
    let lines = [headings, rules].into_iter().chain(rows).map(|cells| format!("| {} |", cells.join(" | ")));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a link to `url` with this text.
pub(crate) fn link(text: &str, url: &str) -> String {
    let mut address = String::with_capacity(url.len());
    for character in visible_line(url).chars() {
        match character {
            // These characters would end the address, or begin an escape or an entity such as `&lt;`.
            '<' | '>' | '\\' | ';' => {
                // Writing to a string cannot fail.
                let _ = write!(address, "%{:02X}", u32::from(character));
            }
            _ => address.push(character),
        }
    }
    format!("[{}](<{address}>)", escape(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;

    /// Returns the texts that a reader of `markdown` sees, each cell on a line, and the addresses of its links.
    ///
    /// # Panics
    /// If it has anything but text, tables and links.
    fn read(markdown: &str) -> (String, Vec<String>) {
        let (mut text, mut links) = (String::new(), Vec::new());
        for event in Parser::new_ext(markdown, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
            match event {
                Event::Text(part) => text.push_str(&part),
                Event::Start(Tag::TableCell) => text.push('\n'),
                Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.into_string()),
                Event::Start(Tag::Paragraph | Tag::Table(_) | Tag::TableHead | Tag::TableRow) | Event::End(_) => {}
                other => panic!("{other:?} in {markdown}"),
            }
        }
        (text, links)
    }

    #[test]
    fn text_with_a_meaning_in_markdown_is_escaped_and_a_sentence_is_not() {
        for (text, escaped) in [
            ("Billing risk is 100, above the threshold of 30. Points: Billing 300", None),
            ("2026-11-16 (a/b; c=d+e) 50 %, \"f\" 'g'?", None),
            ("voice_engine *now*", Some("voice\\_engine \\*now\\*")),
            ("<img src=x> [a](b) a|b", Some("\\<img src=x\\> \\[a\\](b) a\\|b")),
            ("at 00:05:01Z: a", None),
            ("https://evil.example Www.evil.example", Some("https\\://evil.example Www\\.evil.example")),
            ("mailto:a@evil.example", Some("mailto\\:a@evil.example")),
            ("1. a", Some("1\\. a")),
            ("- a", Some("\\- a")),
            ("a\n# b\u{202e}", Some("a\\[U+000A\\]\\# b\\[U+202E\\]")),
        ] {
            assert_eq!(escape(text), escaped.unwrap_or(text));
        }
    }

    #[test]
    fn address_of_a_link_cannot_be_left() {
        let url = "http://a.example/x>y\\z?a=b c&lt;d)";
        let link = link("a](b", url);
        assert_eq!(read(&link), ("a](b".to_owned(), vec!["http://a.example/x%3Ey%5Cz?a=b c&lt%3Bd)".to_owned()]));
    }

    proptest! {
        #[test]
        fn any_text_is_shown_as_it_is(text in "[ -~é\n]{0,20}") {
            let shown = visible_line(&text);
            prop_assert_eq!(read(&escape(&text)).0, shown.trim());
            let cells = read(&table([("a", Alignment::Left), ("b", Alignment::Right)], [[text.clone(), "end".to_owned()]])).0;
            prop_assert_eq!(cells, format!("\na\nb\n{}\nend", shown.trim()));
            let (linked, links) = read(&link(&text, "http://a.example"));
            if !shown.trim().is_empty() {
                prop_assert_eq!((linked, links), (shown.clone(), vec!["http://a.example".to_owned()]));
            }
        }
    }
}
