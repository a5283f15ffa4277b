//! Messages for webhooks of the Workflows app of Microsoft Teams, as an Adaptive Card.
//!
//! Every text is a `TextRun`, which has no Markdown: `TextBlock` and `FactSet` would render links, emphasis and lists. The card has no
//! entities, so `<at>` mentions nobody.

use age_model::{IncidentStatus, Severity};
use serde_json::{Value, json};

use crate::channels::notice::ChannelNotice;
use crate::channels::summary::{Summary, origin, quoted_lines};

/// The most bytes of a message, in UTF-8 and in UTF-16. Teams accepts about 28 KB and does not say in which encoding.
const MAX_BYTES: usize = 28_000;

/// The most notices that a message about several has a line of.
const MAX_LINES: usize = 20;

/// How many lines of quotations a card tries to have: the most that fit.
const QUOTED_LINES: [usize; 5] = [24, 12, 6, 3, 0];

/// Returns the body for a webhook of Workflows: all of one notice, or a summary of several.
#[must_use]
pub fn teams_message(notices: &[ChannelNotice]) -> Value {
    match notices {
        [notice] => {
            largest_fitting(QUOTED_LINES.iter().map(|lines| card(&body_of_one(notice, *lines), &buttons(notice))))
        }
        several => {
            let summary = Summary::of(several);
            largest_fitting((0..=MAX_LINES).rev().map(|lines| card(&body_of_several(&summary, lines), &[])))
        }
    }
}

/// Returns the first of `cards` that Teams accepts, or else the last.
fn largest_fitting(cards: impl Iterator<Item = Value>) -> Value {
    let mut last = Value::Null;
    for card in cards {
        let text = card.to_string();
        last = card;
        if text.len() <= MAX_BYTES && text.encode_utf16().count().saturating_mul(2) <= MAX_BYTES {
            break;
        }
    }
    last
}

fn card(body: &[Value], actions: &[Value]) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.5",
                "msteams": { "width": "Full" },
                "body": body,
                "actions": actions,
            },
        }],
    })
}

/// Returns the body of a card about one notice, with up to `lines` of quotations.
fn body_of_one(notice: &ChannelNotice, lines: usize) -> Vec<Value> {
    let mut body = vec![heading(&notice.title, color(notice))];
    if !notice.state.is_empty() {
        body.push(text("Small", &[run(&notice.state)]));
    }
    for (name, value) in &notice.facts {
        body.push(text("None", &[bold(&format!("{name}: ")), run(value)]));
    }
    for (index, action) in notice.taken_actions.iter().enumerate() {
        let spacing = if index == 0 { "Medium" } else { "None" };
        body.push(text(spacing, &[bold("AGE did: "), run(action)]));
    }
    body.extend(quotations(notice, lines));
    body.push(text("Medium", &[subtle(&origin(notice))]));
    body
}

/// Returns a container for each quotation, with up to `most` lines in all.
fn quotations(notice: &ChannelNotice, most: usize) -> Vec<Value> {
    let mut left = most;
    let mut containers = Vec::new();
    for quote in notice.quotes.iter().take(most) {
        let lines: Vec<String> = quoted_lines(&quote.text).collect();
        let mut items = vec![text("None", &[bold(&format!("{}:", quote.source))])];
        items.extend(lines.iter().take(left).map(|line| text("None", &[run(line)])));
        if lines.len() > left {
            items.push(text("None", &[run("…")]));
        }
        left = left.saturating_sub(lines.len());
        containers.push(json!({ "type": "Container", "style": "emphasis", "spacing": "Medium", "items": items }));
    }
    containers
}

/// Returns the body of a card about several notices, with a line of up to `lines` of them.
fn body_of_several(summary: &Summary<'_>, lines: usize) -> Vec<Value> {
    let worst = summary.lines.first().map_or("Default", |line| color(line.latest));
    let mut body = vec![heading(&summary.numbers(), worst)];
    for line in summary.lines.iter().take(lines) {
        let mut run = run(&line.headline());
        if let (Some(link), Some(fields)) = (line.latest.links.first(), run.as_object_mut()) {
            fields.insert("selectAction".to_owned(), open_url(&link.label, &link.url));
        }
        body.push(text("Small", &[run]));
    }
    let more = summary.lines.len().saturating_sub(lines);
    if more > 0 {
        body.push(text("Small", &[run(&format!("and {more} more"))]));
    }
    body.push(text("Medium", &[subtle("AGE")]));
    body
}

fn buttons(notice: &ChannelNotice) -> Vec<Value> {
    notice.links.iter().map(|link| open_url(&link.label, &link.url)).collect()
}

fn open_url(title: &str, url: &str) -> Value {
    json!({ "type": "Action.OpenUrl", "title": title, "url": url })
}

fn heading(title: &str, color: &str) -> Value {
    text("None", &[json!({ "type": "TextRun", "text": title, "size": "Large", "weight": "Bolder", "color": color })])
}

fn text(spacing: &str, inlines: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "spacing": spacing, "inlines": inlines })
}

fn run(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text })
}

fn bold(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text, "weight": "Bolder" })
}

fn subtle(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text, "isSubtle": true, "size": "Small" })
}

/// Returns the color of the title. The severity or status is a word beside it.
fn color(notice: &ChannelNotice) -> &'static str {
    let is_resolved = notice.incident.as_ref().is_some_and(|incident| incident.status == IncidentStatus::Resolved);
    match notice.severity {
        _ if is_resolved => "Good",
        Some(Severity::Critical) => "Attention",
        Some(Severity::High) => "Warning",
        _ => "Default",
    }
}

#[cfg(test)]
mod tests {
    use age_model::ChannelMessage;

    use super::*;
    use crate::channels::notices;

    #[test]
    fn card_about_one_approval_has_all_of_it() {
        let message = r#"{"type":"notification","decisions":[{"kind":"request","id":"01936f2e-0000-7000-8000-00000000000a",
            "engine":"billing","subjectType":"engine","subjectId":"billing","action":"refund","resourceType":"invoice",
            "resourceId":"4711","reasons":[{"rule":"large_refunds","code":"rule_matched","message":"refunds over 1,000"}],
            "requestedAt":"2026-11-23T03:12:45.000Z","approveBy":"2026-11-24T03:12:45.000Z","isPolicyActive":true,
            "links":{"dashboard":"https://age.example/dashboard/decisions/01936f2e-0000-7000-8000-00000000000a"}}]}"#;
        let card = teams_message(&notices(message).unwrap());
        assert_eq!(card["type"], "message");
        let content = &card["attachments"][0]["content"];
        assert_eq!((&content["type"], &content["version"]), (&json!("AdaptiveCard"), &json!("1.5")));
        assert_eq!(content["body"][0]["inlines"][0]["text"], "HIGH approval of billing: refund");
        assert_eq!(content["body"][1]["inlines"][0]["text"], "approval needed");
        assert_eq!(content["actions"][0]["title"], "Open approval");
        let text = content.to_string();
        for part in ["> Action: refund", "> Resource: invoice 4711", "> large_refunds: refunds over 1,000"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn card_about_several_notices_has_a_link_in_each_line() {
        let mut notice = ChannelNotice::new(ChannelMessage::Report, "Weekly report");
        notice.add_link("Open report", Some("https://age.example/dashboard/reports/1"));
        let other = ChannelNotice::new(ChannelMessage::System, "other");
        let card = teams_message(&[notice, other]);
        let body = &card["attachments"][0]["content"]["body"];
        assert_eq!(body[0]["inlines"][0]["text"], "1 report; 1 message about AGE");
        assert_eq!(body[1]["inlines"][0]["selectAction"]["url"], "https://age.example/dashboard/reports/1");
        assert_eq!(body[2]["inlines"][0]["text"], "other");
    }
}
