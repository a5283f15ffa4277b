//! Every key string of every table.

mod due;
mod position;

use age_model::{
    Day, Delivery, Engine, HoldId, Hour, IncidentId, IncidentKey, IncidentStatus, PolicyHash, Severity,
    SystemAlertKind, Timestamp, TopicName,
};

pub use due::DueStep;
pub(crate) use due::{
    DueKey, RETRIES, after_due_group, due_action, due_decision, due_group, due_in_group, due_incident, due_of_engine,
    due_shard, due_shards, parse_due_action,
};
pub use position::{InvalidPosition, Position};

/// Returns `rollups.engine_shard`.
pub(crate) fn engine_shard(engine: Engine, shard: u32) -> String {
    format!("{engine}#{shard}")
}

/// Returns `events.bucket` and `actions.bucket`, the partition of an index `timeline`.
pub(crate) fn bucket(engine: Engine, day: Day, shard: u32) -> String {
    format!("{engine}#{day}#{shard}")
}

/// Returns the attribute of a rollup that counts `severity` in `hour`: a letter for each, such as `hC` for CRITICAL events from
/// 7 to 8 o'clock. Names are short because a row has up to 96 of them and is charged by its size.
pub(crate) fn counter(hour: Hour, severity: Severity) -> String {
    let initial = severity.as_str().get(..1).unwrap_or_default();
    format!("{}{initial}", char::from(b'a' + hour.number()))
}

/// Whether an attribute of a rollup is named like a counter.
pub(crate) fn is_counter(name: &str) -> bool {
    matches!(name.as_bytes(), [b'a'..=b'x' | b'0'..=b'9', .., b'A'..=b'Z'])
}

/// The partition of all channels.
pub(crate) const CHANNEL: &str = "channel";

/// The row of a channel's queue.
pub(crate) const LANE: &str = "lane";

/// The beginning of the rows of deliveries that a channel has yet to get.
pub(crate) const PENDING: &str = "pending#";

/// The beginning of the rows of alerts that are open in a pager.
pub(crate) const ALERT: &str = "alert#";

/// Returns `deliveries.id` of a delivery that its channel has yet to get. Rows sort by the time of their message.
pub(crate) fn pending(Delivery { queued_at, message, part, .. }: &Delivery) -> String {
    format!("{PENDING}{queued_at}#{message}#{part:04}")
}

/// Returns `deliveries.id` of the alert of an incident.
pub(crate) fn alert(incident: &str) -> String {
    format!("{ALERT}{incident}")
}

/// Returns `deliveries.scope` of the attempts to deliver messages about an incident. No name of a channel has a `#`.
pub(crate) fn attempts(incident: &str) -> String {
    format!("incident#{incident}")
}

/// Returns `deliveries.id` of an attempt to deliver a message: the same for the same attempt.
pub(crate) fn attempt(delivery: &Delivery, at: Timestamp) -> String {
    let Delivery { channel, message, part, .. } = delivery;
    format!("{at}#{channel}#{message}#{part:04}")
}

/// Returns `rollups.day` of the row that counts the outcomes of an engine's remediations of `day`. It sorts after the row of shard 0
/// that counts the events of the day, so that one query reads both.
pub(crate) fn outcomes(day: Day) -> String {
    format!("{day}#outcomes")
}

/// Returns `rollups.day` of a row that counts the decisions of a day in a shard. In shard 0 it sorts between the row of the day's events
/// and that of its outcomes, so that one query reads all three.
pub(crate) fn decisions(day: Day) -> String {
    format!("{day}#decisions")
}

/// Returns `incidents.fingerprint` of an incident key.
pub(crate) fn fingerprint(key: &IncidentKey) -> String {
    format!("{}#{}", key.engine, key.event_type.as_str())
}

/// Returns the prefix of `incidents.fingerprint` of the incident keys of `engine`.
pub(crate) fn fingerprints(engine: Engine) -> String {
    format!("{engine}#")
}

/// Parses the incident key of a fingerprint.
pub(crate) fn incident_key(fingerprint: &str) -> Option<IncidentKey> {
    let (engine, event_type) = fingerprint.split_once('#')?;
    Some(IncidentKey { engine: engine.parse().ok()?, event_type: event_type.parse().ok()? })
}

/// `incidents.listing` of incidents that are not resolved, those with an unknown status among them.
pub(crate) const UNRESOLVED: &str = "unresolved";

/// `incidents.listing` of resolved incidents.
pub(crate) const RESOLVED: &str = "resolved";

/// Returns `incidents.listing`, the partition of the index `listing`, of an incident with this status.
pub(crate) const fn listing(status: IncidentStatus) -> &'static str {
    if matches!(status, IncidentStatus::Resolved) { RESOLVED } else { UNRESOLVED }
}

/// `incidents.opened_at` of the row with the state of an incident key and its latest incident.
pub(crate) const STATE: &str = "state";

/// Returns `incidents.opened_at` of a notification, which sorts after its incident and by number.
pub(crate) fn notification(opened_at: Timestamp, number: u32) -> String {
    format!("{opened_at}#{number:06}")
}

/// Returns the prefix of `incidents.opened_at` of an incident's notifications.
pub(crate) fn notifications(opened_at: Timestamp) -> String {
    format!("{opened_at}#")
}

/// Returns `incidents.opened_at` of a change of an incident, which sorts by number.
pub(crate) fn incident_change(opened_at: Timestamp, number: u32) -> String {
    format!("{opened_at}/{number:06}")
}

/// Returns the prefix of `incidents.opened_at` of an incident's changes.
pub(crate) fn incident_changes(opened_at: Timestamp) -> String {
    format!("{opened_at}/")
}

/// Returns `incidents.opened_at` of a shard that counts events of an incident.
pub(crate) fn incident_shard(opened_at: Timestamp, shard: u32) -> String {
    format!("{opened_at}+{shard:04}")
}

/// Returns the prefix of `incidents.opened_at` of an incident's shards.
pub(crate) fn incident_shards(opened_at: Timestamp) -> String {
    format!("{opened_at}+")
}

/// Returns `incidents.listed`, the sort key of the list of incidents.
pub(crate) fn listed(id: &IncidentId) -> String {
    format!("{}#{}", id.opened_at, fingerprint(&id.key))
}

/// `incidents.fingerprint` of rows about AGE itself.
pub(crate) const AGE: &str = "age";

/// `incidents.opened_at` of the rate limiter of e-mails to the first line.
pub(crate) const EMAIL_RATE_LIMITER: &str = "email_rate_limiter";

/// `incidents.opened_at` of the rate limiter of the e-mails that engines send to it at once beyond that.
pub(crate) const ENGINES_RATE_LIMITER: &str = "engines_rate_limiter";

/// `incidents.opened_at` of the rate limiter of e-mails to the second line.
pub(crate) const SECOND_LINE_RATE_LIMITER: &str = "second_line_rate_limiter";

/// Returns `incidents.opened_at` of the row that limits the rate of the e-mails that each engine may always send at once.
pub(crate) fn engine_rate_limiter(engine: Engine) -> String {
    format!("email_rate_limiter#{engine}")
}

/// `incidents.opened_at` of the notifications about credentials that were sent.
pub(crate) const CREDENTIAL_NOTIFICATIONS: &str = "credential_notifications";

/// `incidents.opened_at` of the notifications about policy activations that were sent.
pub(crate) const POLICY_NOTIFICATIONS: &str = "policy_notifications";

/// `incidents.opened_at` of the sessions of the dashboard that were ended.
pub(crate) const ENDED_SESSIONS: &str = "ended_sessions";

/// `incidents.opened_at` of AGE's health.
pub(crate) const HEALTH: &str = "health";

/// `incidents.opened_at` of the state of the fleet: the posture and the holds.
pub(crate) const FLEET_STATE: &str = "fleet_state";

/// The prefix of the attributes of the state of the fleet that have holds, each under its id.
const HOLD: &str = "hold#";

/// Returns the attribute of the state of the fleet that has the hold `id`.
pub(crate) fn hold(id: HoldId) -> String {
    format!("{HOLD}{id}")
}

/// Returns the text of the id of the hold that an attribute of the state of the fleet has.
pub(crate) fn hold_id(attribute: &str) -> Option<&str> {
    attribute.strip_prefix(HOLD)
}

/// `incidents.fingerprint` of the records of holds, each under its id. Ids sort by the time at which the holds were set.
pub(crate) const HOLDS: &str = "holds";

/// Returns `incidents.opened_at` that sorts before the records of holds that were set at `time` or later, and after the others.
pub(crate) fn holds_from(time: Timestamp) -> String {
    let millis = u64::try_from(time.millis()).unwrap_or(0);
    format!("{:08x}-{:04x}", millis >> 16, millis & 0xffff)
}

/// Returns the attribute of AGE's health that says whether `topic` has a confirmed subscription.
pub(crate) fn topic_is_subscribed(topic: TopicName) -> String {
    format!("{topic}_subscribed")
}

/// Returns the attribute of AGE's health that says whether `topic` ever had a subscription.
pub(crate) fn topic_was_used(topic: TopicName) -> String {
    format!("{topic}_used")
}

/// `incidents.fingerprint` of system alerts. They have a partition of their own, so that a flood of them delays nothing else.
pub(crate) const SYSTEM_ALERTS: &str = "system_alerts";

/// Returns `incidents.opened_at` of a system alert.
pub(crate) fn system_alert(kind: SystemAlertKind, sender: &str, subject: &str) -> String {
    format!("{kind}#{sender}#{subject}")
}

/// Returns the prefix of `incidents.opened_at` of the system alerts of a kind.
pub(crate) fn system_alerts(kind: SystemAlertKind) -> String {
    format!("{kind}#")
}

/// `credentials.kind` of the keyring, which is one row.
pub(crate) const KEYRING: &str = "keyring";

/// `credentials.kid` of the keyring.
pub(crate) const KEYRING_KID: &str = "*";

/// `credentials.kind` of the records of credentials, each under its name.
pub(crate) const RECORD: &str = "record";

/// `policies.kind` of the pointer to the active version, which is one row.
pub(crate) const ACTIVE: &str = "active";

/// `policies.id` of the pointer to the active version.
pub(crate) const ACTIVE_ID: &str = "*";

/// `policies.kind` of the documents, each under its hash.
pub(crate) const DOCUMENT: &str = "document";

/// `policies.kind` of the list of versions, without their documents.
pub(crate) const VERSION: &str = "version";

/// Returns `policies.id` of a version in the list. The default policies of several releases are all version 0.
pub(crate) fn policy_version(number: u64, hash: &PolicyHash) -> String {
    if number == 0 { format!("{}#{hash}", numbered(number)) } else { numbered(number) }
}

/// `policies.kind` of the activations.
pub(crate) const ACTIVATION: &str = "activation";

/// `policies.kind` of the simulations, each under its id.
pub(crate) const SIMULATION: &str = "simulation";

/// Returns `policies.id` of an activation, and the beginning of that of a version. Sorts by number.
pub(crate) fn numbered(number: u64) -> String {
    format!("{number:010}")
}

/// The attribute of the row with all credentials that holds the key with which AGE seals.
pub(crate) const SEALING_KEY: &str = "key";

#[cfg(test)]
mod tests {
    use age_model::{Clock, ManualClock};

    use super::*;

    #[test]
    fn keys_have_their_documented_form() {
        let day: Day = "2026-11-23".parse().unwrap();
        assert_eq!(engine_shard(Engine::from_static("billing"), 3), "billing#3");
        assert_eq!(bucket(Engine::from_static("deep_agent"), day, 0), "deep_agent#2026-11-23#0");
        assert_eq!(counter(Hour::new(7).unwrap(), Severity::High), "hH");
        let counters: std::collections::BTreeSet<_> =
            Hour::all().flat_map(|hour| Severity::ALL.iter().map(move |severity| counter(hour, *severity))).collect();
        assert_eq!(counters.len(), 96);
        assert!(counters.iter().all(|name| is_counter(name)) && !is_counter("shard_count") && !is_counter("day"));
    }

    #[test]
    fn rows_of_decisions_sort_between_those_of_events_and_of_outcomes() {
        let day: Day = "2026-11-23".parse().unwrap();
        let of_day = [day.to_string(), decisions(day), outcomes(day), day.next().to_string()];
        assert!(of_day.is_sorted(), "{of_day:?}");
    }

    #[test]
    fn fingerprint_parses_to_its_incident_key() {
        let key = |event_type: &str| IncidentKey {
            engine: Engine::from_static("qa"),
            event_type: event_type.parse().unwrap(),
        };
        for event_type in ["suite_failed", "a#b", "é"] {
            assert_eq!(super::incident_key(&fingerprint(&key(event_type))), Some(key(event_type)));
        }
        assert_eq!(super::incident_key(AGE), None);
    }

    #[test]
    fn records_of_holds_sort_by_time() {
        let clock = ManualClock::at("2026-11-23T00:05:00.123Z".parse().unwrap());
        let (id, now) = (HoldId::fresh(&clock).to_string(), clock.now());
        assert!(holds_from(now) <= id && id < holds_from(now.plus_millis(1)), "{id}");
        assert_eq!(hold_id(&hold(id.parse().unwrap())), Some(id.as_str()));
        assert_eq!((hold_id("holds_version"), hold_id("levels")), (None, None));
    }
}
