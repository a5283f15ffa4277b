//! The command lines that e-mails print work as they stand.

use std::path::Path;

use agectl::Cli;
use clap::Parser;

const EVENT: &str = "01936f2e-0000-7000-8000-00000000000a";
const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The values of the placeholders in the source texts of e-mails.
const VALUES: &[(&str, &str)] = &[
    ("{previous}", HASH),
    ("{hash}", HASH),
    ("{kid}", "night-desk"),
    ("{renewal}", " --expires-in 90d"),
    ("{event_id}", EVENT),
    ("{decision_id}", EVENT),
    ("{digest}", HASH),
    ("{engine}", "billing"),
    ("{name}", "ops-chat"),
    ("{action}", "permission_reset"),
    ("{id}", "billing.1795403565678.a~20b"),
    ("EVENT_ID", EVENT),
    ("ACTION", "permission_reset"),
    ("ID", "billing.1795403565678.a~20b"),
];

/// Returns each text that begins with `agectl ` in the sources of `age-notify`, without their tests, up to the end of its literal or
/// line.
fn command_lines() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/notify/src");
    let entries = [folder.clone(), folder.join("channels")].map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = entries.into_iter().flatten().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let files = paths.map(|path| std::fs::read_to_string(path).unwrap());
    let lines = files.flat_map(|source| {
        let source = source.split("#[cfg(test)]").next().unwrap();
        let starts = source.match_indices("agectl ").map(|(start, _)| source[start..].to_owned());
        starts.collect::<Vec<_>>()
    });
    lines.map(|text| text.replace("\\\"", "\u{0}")).map(|text| until_end(&text)).collect()
}

/// Returns `text` up to the end of its line or literal. Quotes that the shell removes are removed.
fn until_end(text: &str) -> String {
    let end = text.find(['"', '\n', '\\', '`']).unwrap_or(text.len());
    text[..end].replace('\u{0}', "")
}

/// Returns `line` with a value for each placeholder.
fn fill(line: &str) -> String {
    VALUES.iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value))
}

#[test]
fn all_command_lines_of_emails_parse() {
    let lines = command_lines();
    assert!(lines.len() >= 5, "{lines:?}");
    for line in lines {
        Cli::try_parse_from(fill(&line).split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn command_line_of_an_approval_parses_with_the_values() {
    for line in ["agectl action show {event_id} {action}", "agectl action show EVENT_ID ACTION"] {
        Cli::try_parse_from(fill(line).split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}
