//! Events for PagerDuty, as its Events API v2 accepts them.

use age_model::{IncidentStatus, Severity, shortened};
use serde_json::{Map, Value, json};

use crate::channels::notice::{ChannelNotice, sha256};
use crate::channels::summary::quoted_lines;

/// The longest deduplication key and the longest summary of PagerDuty, in characters.
const MAX_DEDUP_KEY_CHARS: usize = 255;
const MAX_SUMMARY_CHARS: usize = 1024;

/// The change that an event makes to the alert of its deduplication key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagerDutyAction {
    /// Opens an alert, or adds to the one that is open.
    Trigger,
    /// Acknowledges the alert.
    Acknowledge,
    /// Resolves the alert.
    Resolve,
}

impl PagerDutyAction {
    /// Returns the word of the Events API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

/// Returns what a notice does with its alert: it follows the status of the incident. A notice without an incident triggers one.
#[must_use]
pub fn pagerduty_action(notice: &ChannelNotice) -> PagerDutyAction {
    match notice.incident.as_ref().map(|incident| incident.status) {
        Some(IncidentStatus::Acknowledged) => PagerDutyAction::Acknowledge,
        Some(IncidentStatus::Resolved) => PagerDutyAction::Resolve,
        _ => PagerDutyAction::Trigger,
    }
}

/// Returns the event that does `change` with the alert of `notice`. `routing_key` is the integration key of the service.
///
/// All notices of an incident or an approval have the same deduplication key. An event has less than 16 KB; PagerDuty accepts 512 KB.
#[must_use]
pub fn pagerduty_event(notice: &ChannelNotice, routing_key: &str, change: PagerDutyAction) -> Value {
    let engine = notice.engines.first().map_or("age", |engine| engine.as_str());
    let links: Vec<Value> = notice.links.iter().map(|link| json!({ "href": link.url, "text": link.label })).collect();
    let mut payload = json!({
        "summary": shortened(&notice.title, MAX_SUMMARY_CHARS),
        "source": engine,
        "severity": severity(notice.severity),
        "component": engine,
        "group": "AGE",
        "class": class(notice),
        "custom_details": details(notice),
    });
    if let (Some(at), Some(fields)) = (notice.occurred_at, payload.as_object_mut()) {
        fields.insert("timestamp".to_owned(), json!(at));
    }
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": change.as_str(),
        "dedup_key": dedup_key(notice),
        "payload": payload,
        "links": links,
        "client": "AGE",
    });
    if let (Some(link), Some(fields)) = (notice.links.first(), event.as_object_mut()) {
        fields.insert("client_url".to_owned(), json!(link.url));
    }
    event
}

fn dedup_key(notice: &ChannelNotice) -> String {
    let key = format!("age/{}", notice.key());
    if key.chars().count() > MAX_DEDUP_KEY_CHARS { format!("age/{}", sha256(&key)) } else { key }
}

fn class(notice: &ChannelNotice) -> &str {
    let event_type = notice.incident.as_ref().map(|incident| incident.event_type.as_str());
    event_type.filter(|text| !text.is_empty()).unwrap_or(notice.message.as_str())
}

const fn severity(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical) => "critical",
        // A severity of a later version may be a serious one.
        Some(Severity::High | Severity::Unknown(_)) => "error",
        Some(Severity::Medium) => "warning",
        Some(Severity::Low) | None => "info",
    }
}

/// Returns what is new, the facts, what AGE did, and what others wrote. A name that occurs twice gets a number.
fn details(notice: &ChannelNotice) -> Map<String, Value> {
    let mut details = Map::new();
    let mut add = |name: &str, value: Value| {
        let numbered = (2..).map(|number: u32| format!("{name} {number}"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !details.contains_key(name));
        if let Some(name) = free {
            details.insert(name, value);
        }
    };
    if !notice.state.is_empty() {
        add("State", json!(notice.state));
    }
    for (name, value) in &notice.facts {
        add(name, json!(value));
    }
    if !notice.taken_actions.is_empty() {
        add("AGE did", json!(notice.taken_actions));
    }
    for quote in &notice.quotes {
        add(&quote.source, json!(quoted_lines(&quote.text).collect::<Vec<_>>()));
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::notices;

    fn incident(status: &str, id: &str) -> ChannelNotice {
        let message = json!({ "type": "notification", "incidents": [{
            "kind": "digest", "id": id, "engine": "billing", "eventType": "invoice_sync_failed", "severity": "CRITICAL",
            "status": status, "openedAt": "2026-11-23T00:05:00.000Z", "eventCount": 40, "newEventCount": 12,
            "looksLike": ["invoice_sync_fai1ed", "invoice_sync_failеd"],
            "links": { "dashboard": "https://age.example/dashboard/incidents/x" },
        }]});
        notices(&message.to_string()).unwrap().remove(0)
    }

    #[test]
    fn event_about_an_incident_has_its_severity_key_and_links() {
        let notice = incident("open", "billing.1.invoice_sync_failed");
        let event = pagerduty_event(&notice, "key", pagerduty_action(&notice));
        assert_eq!(event["event_action"], "trigger");
        assert_eq!(event["routing_key"], "key");
        assert_eq!(event["dedup_key"], "age/billing.1.invoice_sync_failed");
        assert_eq!(event["client_url"], "https://age.example/dashboard/incidents/x");
        let payload = &event["payload"];
        assert_eq!(payload["summary"], "CRITICAL billing: invoice_sync_failed");
        assert_eq!((&payload["severity"], &payload["source"]), (&json!("critical"), &json!("billing")));
        assert_eq!(payload["timestamp"], "2026-11-23T00:05:00.000Z");
        assert_eq!(payload["class"], "invoice_sync_failed");
        assert_eq!(payload["custom_details"]["State"], "12 new events, 40 in total");
        let lookalike = "Looks like another event type, in other characters";
        assert!(payload["custom_details"][format!("{lookalike} 2")].is_array(), "{payload}");
    }

    #[test]
    fn action_follows_the_status_of_the_incident() {
        for (status, action) in
            [("open", "trigger"), ("acknowledged", "acknowledge"), ("resolved", "resolve"), ("later", "trigger")]
        {
            assert_eq!(pagerduty_action(&incident(status, "a")).as_str(), action, "{status}");
        }
    }

    #[test]
    fn long_key_is_replaced_by_its_hash() {
        let long = incident("open", &"x".repeat(1000));
        let key = pagerduty_event(&long, "", PagerDutyAction::Trigger)["dedup_key"].as_str().unwrap().to_owned();
        let other = incident("open", &"x".repeat(1001));
        assert_eq!(key.len(), 68);
        assert_ne!(pagerduty_event(&other, "", PagerDutyAction::Trigger)["dedup_key"], key);
    }
}
