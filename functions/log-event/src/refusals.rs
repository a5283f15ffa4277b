//! What AGE refuses, or does not understand, in a request that its sender takes for a success. Nobody reads the results of a batch or
//! a group, so operators learn of it: by the log, by metrics with an alarm, and by system alerts.

use std::collections::BTreeMap;
use std::time::Duration;

use age_http::FieldError;
use age_model::{KeyId, SystemAlert, SystemAlertKind, shortened, visible_text};
use age_runtime::metrics;

use crate::app::App;

/// The parts of an event or alert that system alerts name. A sender chooses the names of other fields, so they have no alert each.
const SUBJECTS: [&str; 25] = [
    "labels/engine",
    "labels/alertname",
    "labels",
    "annotations",
    "status",
    "startsAt",
    "endsAt",
    "fingerprint",
    "engine",
    "eventType",
    "severity",
    "details",
    "sourceTime",
    "decisionId",
    "decisionid",
    "idempotencyKey",
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "datacontenttype",
    "data",
    "data_base64",
    SEVERITY_LABEL,
];

const SEVERITY_LABEL: &str = "labels/severity";

/// How many characters of a sender's word logs and alerts repeat.
const MAX_WORD_CHARS: usize = 60;

/// How many system alerts one request records.
const MAX_ALERTS: usize = 5;

/// A response waits no longer than this for the system alerts.
const RECORD_TIMEOUT: Duration = Duration::from_secs(1);

/// What a request has that AGE refuses or does not understand.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    refused: u64,
    unmapped_severities: u64,
    /// By kind and subject, with the text of the first occurrence.
    occurrences: BTreeMap<(SystemAlertKind, &'static str), (u64, String)>,
    first: Option<String>,
}

impl Refusals {
    /// Adds a refused event with its errors, of which the pointers lead into the event.
    pub(crate) fn add(&mut self, errors: &[FieldError]) {
        self.refused += 1;
        for error in errors {
            let subject = subject(&error.pointer);
            self.first.get_or_insert_with(|| format!("{subject} {}", shortened(&visible_text(&error.detail), 200)));
            self.add_occurrence(SystemAlertKind::RefusedEvent, subject, &error.detail);
        }
    }

    /// Adds an alert whose sender's word for its severity is not in the policy.
    pub(crate) fn add_unmapped_severity(&mut self, word: &str) {
        self.unmapped_severities += 1;
        self.add_occurrence(
            SystemAlertKind::UnmappedSeverity,
            SEVERITY_LABEL,
            &shortened(&visible_text(word), MAX_WORD_CHARS),
        );
    }

    fn add_occurrence(&mut self, kind: SystemAlertKind, subject: &'static str, detail: &str) {
        self.occurrences.entry((kind, subject)).or_insert_with(|| (0, detail.to_owned())).0 += 1;
    }

    /// Reports everything that was added; nothing, without any call, if nothing was. A failure is only logged.
    pub(crate) async fn report(self, sender: &KeyId, app: &App) {
        let mut metrics = Vec::new();
        if let Some(reason) = &self.first {
            let count = self.refused;
            tracing::warn!(caller.id = %sender, count, reason, "refused {count} events of credential {sender}, first: {reason}");
            metrics.push(("RefusedEvents".to_owned(), i64::try_from(count).unwrap_or(i64::MAX)));
        }
        if let Some((count, word)) = self.occurrences.get(&(SystemAlertKind::UnmappedSeverity, SEVERITY_LABEL)) {
            tracing::warn!(caller.id = %sender, count, word, "the policy does not map the severity {word:?} of credential {sender}, of {count} alerts");
            metrics.push(("UnmappedSeverities".to_owned(), i64::try_from(*count).unwrap_or(i64::MAX)));
        }
        if metrics.is_empty() {
            return;
        }
        metrics::emit(&metrics, app.clock());
        let now = app.clock().now();
        let record = async {
            for ((kind, subject), (count, detail)) in self.occurrences.into_iter().take(MAX_ALERTS) {
                let alert = SystemAlert::new(kind, sender.as_str(), subject, &detail, count, now);
                if let Err(error) = app.system_alerts().record(&alert).await {
                    tracing::warn!(%error, caller.id = %sender, "cannot record the system alert {kind} of credential {sender}: {error}");
                }
            }
        };
        if tokio::time::timeout(RECORD_TIMEOUT, record).await.is_err() {
            tracing::warn!(caller.id = %sender, "recording the system alerts of credential {sender} took too long");
        }
    }
}

/// Returns the part of an event or alert in which `pointer` leads.
fn subject(pointer: &str) -> &'static str {
    let is_in = |subject: &&&str| {
        let rest = pointer.strip_prefix('/').and_then(|path| path.strip_prefix(**subject));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match SUBJECTS.iter().find(is_in) {
        Some(subject) => subject,
        None if pointer.is_empty() => "event",
        None => "other fields",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_is_a_part_that_age_knows() {
        for (pointer, expected) in [
            ("/labels/engine", "labels/engine"),
            ("/labels/secret", "labels"),
            ("/details/user/0/name", "details"),
            ("/data", "data"),
            ("/data_base64", "data_base64"),
            ("", "event"),
            ("/severty", "other fields"),
        ] {
            assert_eq!(subject(pointer), expected, "{pointer}");
        }
    }

    #[test]
    fn occurrences_are_counted_by_subject_and_the_first_reason_is_kept() {
        let mut refusals = Refusals::default();
        let missing = FieldError::new("engine", "is required");
        refusals.add(&[missing.clone(), FieldError::new("secret\u{202e}", "is not a known field")]);
        refusals.add(&[missing]);
        refusals.add_unmapped_severity("sev\u{3164}");
        assert_eq!((refusals.refused, refusals.first.as_deref()), (2, Some("engine is required")));
        let counts: Vec<_> =
            refusals.occurrences.into_iter().map(|((_, subject), (count, _))| (subject, count)).collect();
        assert_eq!(counts, [("engine", 2), ("other fields", 1), (SEVERITY_LABEL, 1)]);
    }
}
