//! The consequences that a version would have added, removed or changed, as people read them.

use age_model::Timestamp;
use age_policy::Policy;
use age_scoring::simulation::{
    About, Change, ChangeCount, ChangeKind, Changes, Consequence, ConsequenceKind, Difference, SelfCheckItem,
};

use crate::engine_title::engine_title;
use crate::format::to_words;
use crate::paths::{action_path, event_path};
use crate::safe_text::SafeText;

/// The numbers of changes of one kind.
pub(crate) struct CountView {
    pub(crate) kind: &'static str,
    pub(crate) engine: SafeText,
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) changed: u64,
}

/// The changes of one kind.
pub(crate) struct ChangesView {
    pub(crate) title: &'static str,
    pub(crate) total: u64,
    pub(crate) items: Vec<ChangeView>,
}

/// Something that differs: what it is about, and what follows before, after and in reality.
pub(crate) struct ChangeView {
    /// The word for the kind of the change, after a symbol.
    pub(crate) label: &'static str,
    pub(crate) subject: SubjectView,
    pub(crate) before: SafeText,
    pub(crate) after: SafeText,
    pub(crate) real: SafeText,
}

/// The subject of a consequence, with links to the events and incidents that there really are.
pub(crate) struct SubjectView {
    pub(crate) engine: SafeText,
    pub(crate) event_type: SafeText,
    pub(crate) at: Timestamp,
    /// The action, or the kind of the notification.
    pub(crate) what: Option<SafeText>,
    pub(crate) event_path: Option<String>,
    pub(crate) action_path: Option<String>,
    pub(crate) incident_path: Option<String>,
}

/// Something that the replay does not reproduce.
pub(crate) struct UnreproducedView {
    pub(crate) kind: &'static str,
    pub(crate) subject: SubjectView,
    pub(crate) replayed: SafeText,
    pub(crate) real: SafeText,
}

pub(super) fn counts(difference: &Difference, policy: &Policy) -> Vec<CountView> {
    let count = |count: &ChangeCount| CountView {
        kind: kind_title(count.kind),
        engine: engine_title(policy, count.engine),
        added: count.added,
        removed: count.removed,
        changed: count.changed,
    };
    difference.counts.iter().map(count).collect()
}

/// Returns the kinds that have changes.
pub(super) fn changes(difference: &Difference, policy: &Policy) -> Vec<ChangesView> {
    let kinds = [
        (ConsequenceKind::Action, &difference.actions),
        (ConsequenceKind::Approval, &difference.approvals),
        (ConsequenceKind::Incident, &difference.incidents),
        (ConsequenceKind::Notification, &difference.notifications),
    ];
    let view = |(kind, Changes { total, items }): (ConsequenceKind, &Changes)| ChangesView {
        title: kind_title(kind),
        total: *total,
        items: items.iter().map(|change| ChangeView::of(change, policy)).collect(),
    };
    kinds.into_iter().map(view).filter(|changes| changes.total > 0).collect()
}

impl ChangesView {
    /// How many changes are not listed.
    pub(crate) fn more(&self) -> u64 {
        self.total.saturating_sub(self.items.len() as u64)
    }
}

impl ChangeView {
    fn of(change: &Change, policy: &Policy) -> Self {
        let label = match change.change {
            ChangeKind::Added => "+ added",
            ChangeKind::Removed => "− removed",
            ChangeKind::Changed => "≠ changed",
        };
        Self {
            label,
            subject: SubjectView::of(&change.about, change.real.as_ref(), policy),
            before: describe(change.before.as_ref()),
            after: describe(change.after.as_ref()),
            real: describe(change.real.as_ref()),
        }
    }
}

impl UnreproducedView {
    pub(super) fn of(item: &SelfCheckItem, policy: &Policy) -> Self {
        Self {
            kind: kind_title(item.kind),
            subject: SubjectView::of(&item.about, item.real.as_ref(), policy),
            replayed: describe(item.replayed.as_ref()),
            real: describe(item.real.as_ref()),
        }
    }
}

impl SubjectView {
    fn of(about: &About, real: Option<&Consequence>, policy: &Policy) -> Self {
        // An incident is named by its key and the time when it was opened. A page exists only for what really followed.
        let is_real_incident = real.is_some_and(|real| real.at == about.at) && about.notification.is_none();
        let incident = about.incident_id.as_ref().filter(|_| is_real_incident);
        let action = about.event_id.zip(about.action).filter(|_| real.is_some());
        let what = about.notification.as_deref().map(to_words).or_else(|| Some(about.action?.to_string()));
        Self {
            engine: engine_title(policy, about.engine),
            event_type: SafeText::new(about.event_type.as_str()),
            at: about.at,
            what: what.map(|what| SafeText::new(&what)),
            event_path: about.event_id.map(event_path),
            action_path: action.map(|(event, action)| action_path(event, action)),
            incident_path: incident.map(|id| format!("/dashboard/incidents/{id}")),
        }
    }
}

/// Returns what follows, in words: status, severity and number of events.
fn describe(consequence: Option<&Consequence>) -> SafeText {
    let Some(Consequence { status, severity, events, .. }) = consequence else { return SafeText::new("nothing") };
    let severity = severity.map(|severity| format!(", {severity}")).unwrap_or_default();
    let events = events.map(|events| format!(", {}", crate::format::format_count(events, "event"))).unwrap_or_default();
    SafeText::new(&format!("{}{severity}{events}", to_words(status)))
}

const fn kind_title(kind: ConsequenceKind) -> &'static str {
    match kind {
        ConsequenceKind::Action => "Actions",
        ConsequenceKind::Approval => "Approvals",
        ConsequenceKind::Incident => "Incidents",
        ConsequenceKind::Notification => "Notifications",
    }
}
