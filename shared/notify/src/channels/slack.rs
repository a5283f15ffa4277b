//! Messages for incoming webhooks of Slack, as Block Kit.
//!
//! Every text is a `plain_text` object, in which Slack renders no Markdown, link or mention. The fallback text, for notifications and
//! screen readers, is escaped.

use serde_json::{Value, json};

use crate::channels::notice::{ChannelNotice, Link};
use crate::channels::summary::{Summary, headline, origin, quoted_lines};

/// The limits of Slack, in characters: of a header, a section, a field, a button, a link, a context element and the fallback text.
const MAX_HEADER_CHARS: usize = 150;
const MAX_SECTION_CHARS: usize = 3000;
const MAX_FIELD_CHARS: usize = 2000;
const MAX_BUTTON_CHARS: usize = 75;
const MAX_URL_CHARS: usize = 3000;
const MAX_CONTEXT_CHARS: usize = 2000;
const MAX_FALLBACK_CHARS: usize = 4000;

/// The limits of Slack: fields of a section, and buttons of a block (25, of which people read a few).
const MAX_FIELDS: usize = 10;
const MAX_BUTTONS: usize = 5;

/// The most notices that a message about several has a line of. With header, context and the rest it has fewer than the 50 blocks
/// that Slack allows.
const MAX_LINES: usize = 20;

/// Returns the body for an incoming webhook: all of one notice, or a summary of several.
#[must_use]
pub fn slack_message(notices: &[ChannelNotice]) -> Value {
    let (fallback, blocks) = match notices {
        [notice] => (headline(notice), blocks_of_one(notice)),
        several => {
            let summary = Summary::of(several);
            (summary.numbers(), blocks_of_several(&summary))
        }
    };
    json!({
        "text": escaped(&fallback),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    })
}

fn blocks_of_one(notice: &ChannelNotice) -> Vec<Value> {
    let mut blocks = vec![header(&notice.title)];
    blocks.extend(section(&notice.state));
    let fields: Vec<Value> = notice
        .facts
        .iter()
        .take(MAX_FIELDS)
        .map(|(name, value)| plain_text(&format!("{name}\n{value}"), MAX_FIELD_CHARS))
        .collect();
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    if !notice.taken_actions.is_empty() {
        blocks.extend(section(&format!("AGE did:\n{}", notice.taken_actions.join("\n"))));
    }
    for quote in &notice.quotes {
        let lines: Vec<String> = quoted_lines(&quote.text).collect();
        blocks.extend(section(&format!("{}:\n{}", quote.source, lines.join("\n"))));
    }
    let buttons: Vec<Value> = notice.links.iter().take(MAX_BUTTONS).filter_map(button).collect();
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    blocks.push(context(&origin(notice)));
    blocks
}

fn blocks_of_several(summary: &Summary<'_>) -> Vec<Value> {
    let mut blocks = vec![header(&summary.numbers())];
    for line in summary.lines.iter().take(MAX_LINES) {
        let mut section = json!({ "type": "section", "text": plain_text(&line.headline(), MAX_SECTION_CHARS) });
        if let (Some(button), Some(fields)) = (line.latest.links.first().and_then(button), section.as_object_mut()) {
            fields.insert("accessory".to_owned(), button);
        }
        blocks.push(section);
    }
    let more = summary.lines.len().saturating_sub(MAX_LINES);
    if more > 0 {
        blocks.extend(section(&format!("and {more} more")));
    }
    blocks.push(context("AGE"));
    blocks
}

fn header(text: &str) -> Value {
    json!({ "type": "header", "text": plain_text(text, MAX_HEADER_CHARS) })
}

/// Slack refuses an empty text.
fn section(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({ "type": "section", "text": plain_text(text, MAX_SECTION_CHARS) }))
}

fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [plain_text(text, MAX_CONTEXT_CHARS)] })
}

fn button(link: &Link) -> Option<Value> {
    let fits = link.url.chars().count() <= MAX_URL_CHARS;
    fits.then(|| json!({ "type": "button", "text": plain_text(&link.label, MAX_BUTTON_CHARS), "url": link.url }))
}

/// Returns a text object. Names such as `:tada:` do not become emoji in it.
fn plain_text(text: &str, max: usize) -> Value {
    json!({ "type": "plain_text", "text": shortened_utf16(text, max), "emoji": false })
}

/// Returns up to `max` UTF-16 code units of `text`, because Slack does not say what a character is.
fn shortened_utf16(text: &str, max: usize) -> String {
    if text.encode_utf16().count() <= max {
        return text.to_owned();
    }
    let (mut short, mut length) = (String::new(), 1);
    for character in text.chars() {
        length += character.len_utf16();
        if length > max {
            break;
        }
        short.push(character);
    }
    short.push('…');
    short
}

/// Returns `text` escaped as Slack asks for, within the limit.
fn escaped(text: &str) -> String {
    // The longest escape is `&amp;`.
    let short = shortened_utf16(text, MAX_FALLBACK_CHARS / "&amp;".len());
    short.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use age_model::{ChannelMessage, Severity};

    use super::*;
    use crate::channels::notices;

    const INITIAL: &str = r#"{"schemaVersion":1,"type":"notification","incidents":[{"kind":"initial",
        "id":"billing.1795392300000.invoice_sync_failed","engine":"billing","eventType":"invoice_sync_failed",
        "severity":"CRITICAL","status":"open","cause":"critical_event","openedAt":"2026-11-23T00:05:00.000Z","eventCount":1,
        "newEventCount":1,"failedRemediationCount":0,"event":{"details":{"invoices":1204},"eventType":"invoice_sync_failed"},
        "actions":[{"action":"billing_sync_repair","status":"dispatched"},{"action":"notify_admin","status":"pending"}],
        "links":{"dashboard":"https://age.example/dashboard/incidents/billing.1795392300000.invoice_sync_failed"}}]}"#;

    #[test]
    fn message_about_one_incident_has_all_of_it() {
        let message = slack_message(&notices(INITIAL).unwrap());
        assert_eq!(message["text"], "opened: CRITICAL billing: invoice_sync_failed");
        let blocks = message["blocks"].as_array().unwrap();
        let types: Vec<&str> = blocks.iter().map(|block| block["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["header", "section", "section", "section", "section", "actions", "context"]);
        assert_eq!(blocks[0]["text"]["text"], "CRITICAL billing: invoice_sync_failed");
        assert_eq!(blocks[1]["text"]["text"], "opened");
        assert_eq!(blocks[2]["fields"][0]["text"], "Engine\nbilling");
        assert_eq!(blocks[3]["text"]["text"], "AGE did:\nbilling_sync_repair: dispatched, no outcome yet");
        assert_eq!(
            blocks[4]["text"]["text"],
            "The engine reported, in its own words:\n> Event type: invoice_sync_failed\n> Details: {\"invoices\":1204}"
        );
        assert_eq!(
            blocks[5]["elements"][0]["url"],
            "https://age.example/dashboard/incidents/billing.1795392300000.invoice_sync_failed"
        );
        assert_eq!(
            blocks[6]["elements"][0]["text"],
            "AGE, incident billing.1795392300000.invoice_sync_failed, Mon 23 Nov 2026, 00:05:00 UTC"
        );
    }

    #[test]
    fn message_about_several_notices_has_exact_numbers_and_says_how_many_it_leaves_out() {
        let of = |message, severity, title: &str| {
            let mut notice = ChannelNotice::new(message, title);
            notice.severity = severity;
            notice
        };
        let mut all: Vec<ChannelNotice> =
            (0..30).map(|number| of(ChannelMessage::Incident, Some(Severity::High), &number.to_string())).collect();
        all.push(of(ChannelMessage::Incident, Some(Severity::Critical), "worst"));
        all.push(of(ChannelMessage::Approval, Some(Severity::High), "an approval"));
        all.push(of(ChannelMessage::System, None, "a token expires"));
        let message = slack_message(&all);
        let numbers = "31 incidents: 1 CRITICAL, 30 HIGH; 1 approval; 1 message about AGE";
        assert_eq!(message["text"], numbers);
        let blocks = message["blocks"].as_array().unwrap();
        assert_eq!(blocks[0]["text"]["text"], numbers);
        assert_eq!(blocks[1]["text"]["text"], "worst");
        assert_eq!(blocks[21]["text"]["text"], "and 13 more");
        assert_eq!(slack_message(&[])["text"], "nothing new");
    }

    #[test]
    fn summary_has_the_latest_notice_of_each_incident() {
        let resolved = INITIAL.replace("\"initial\"", "\"resolution\"");
        let both = [notices(INITIAL).unwrap(), notices(&resolved).unwrap()].concat();
        let message = slack_message(&both);
        assert_eq!(message["text"], "1 incident with 1 new event: 1 CRITICAL");
        let line = "1 new event. resolved: CRITICAL billing: invoice_sync_failed";
        assert_eq!(message["blocks"][1]["text"]["text"], line);
        assert!(message["blocks"][1]["accessory"]["url"].is_string());
    }
}
