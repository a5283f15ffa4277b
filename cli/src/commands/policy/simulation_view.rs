//! A simulation as text for people.

use age_model::{Timestamp, visible_line};
use age_scoring::simulation::{
    About, Change, ChangeKind, Consequence, ConsequenceKind, Difference, LeftOut, LevelFlip, SelfCheck, SelfCheckItem,
    Simulation, UnreproducedReason, WeekComparison, WeekRisk,
};

use crate::commands::policy::bounded_list::format_bounded_list;
use crate::commands::policy::simulated_decisions_view::format_decisions;
use crate::format::{NO_VALUE, format_count, format_name, format_timestamp};
use crate::table::format_table;

/// The changes of each kind that are listed without `--all`.
const LISTED: usize = 10;

/// Formats `simulation` in sections. Lists `all` changes that it has, or the first ones.
pub(super) fn format_simulation(simulation: &Simulation, all: bool) -> String {
    let Simulation { from, to, weeks, difference, decisions, self_check, left_out, .. } = simulation;
    let title = format!(
        "Simulation from {} to {}, compared with the active policy",
        format_timestamp(*from),
        format_timestamp(*to)
    );
    let lists = [
        ("Actions", &difference.actions),
        ("Approvals", &difference.approvals),
        ("Incidents", &difference.incidents),
        ("Notifications", &difference.notifications),
    ];
    let lists = lists.into_iter().filter(|(_, changes)| changes.total > 0);
    let limit = if all { usize::MAX } else { LISTED };
    [title, format_weeks(weeks), format_counts(difference)]
        .into_iter()
        .chain(
            lists.map(|(title, changes)| {
                format_bounded_list(title, (changes.total, &changes.items), limit, format_change)
            }),
        )
        .chain([format_self_check(self_check, all)])
        .chain(format_decisions(decisions, limit, all))
        .chain(format_left_out(left_out))
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn format_weeks(weeks: &[WeekComparison]) -> String {
    let risk = |risk: &WeekRisk| format!("{} {}", risk.risk_score, risk.risk_level);
    let row = |week: &WeekComparison| {
        let flips: Vec<_> = week.flips.iter().map(format_flip).collect();
        let flips = if flips.is_empty() { NO_VALUE.to_owned() } else { flips.join(", ") };
        let days = format!("{} to {}", week.from.day(), week.to.plus_millis(-1).day());
        [days, risk(&week.active), risk(&week.draft), flips]
    };
    format_table(["week", "active", "draft", "changed levels"], weeks.iter().map(row))
}

fn format_flip(flip: &LevelFlip) -> String {
    let level = |level: &Option<_>| level.as_ref().map_or_else(|| NO_VALUE.to_owned(), ToString::to_string);
    let of = flip.category.as_deref().unwrap_or("week");
    format!("{of} {} → {}", level(&flip.before), level(&flip.after))
}

fn format_counts(difference: &Difference) -> String {
    if difference.is_empty() {
        return "No action, approval, incident or notification would be added, removed or changed.".to_owned();
    }
    let rows = difference.counts.iter().map(|count| {
        let kind = match count.kind {
            ConsequenceKind::Action => "actions",
            ConsequenceKind::Approval => "approvals",
            ConsequenceKind::Incident => "incidents",
            ConsequenceKind::Notification => "notifications",
        };
        let numbers = [count.added, count.removed, count.changed].map(|number| number.to_string());
        let [added, removed, changed] = numbers;
        [kind.to_owned(), count.engine.to_string(), added, removed, changed]
    });
    format_table(["what", "engine", "added", "removed", "changed"], rows)
}

fn format_change(change: &Change) -> String {
    let Change { change: kind, about, before, after, real } = change;
    let (sign, outcome) = match kind {
        ChangeKind::Added => ('+', status(after.as_ref())),
        ChangeKind::Removed => ('-', status(before.as_ref())),
        ChangeKind::Changed => ('~', differing(before.as_ref(), after.as_ref())),
    };
    let compared = if *kind == ChangeKind::Added { after } else { before };
    let real = real.as_ref().filter(|real| compared.as_ref().is_none_or(|it| it.status != real.status));
    let real = real.map(|real| format!(" (it really was {})", format_name(&real.status))).unwrap_or_default();
    format!("  {sign} {}", visible_line(&format!("{}: {outcome}{real}", subject(about))))
}

/// Says what a change is about.
fn subject(about: &About) -> String {
    let About { engine, event_type, at, action, notification, incident_id, event_id } = about;
    let object = match (action, notification, incident_id, event_id) {
        (Some(action), Some(notification), ..) => format!(", {notification} of {action}"),
        (Some(action), None, ..) => format!(", {action}"),
        (None, Some(notification), ..) => format!(", {notification}"),
        (None, None, Some(incident), _) => format!(", {incident}"),
        (None, None, None, Some(event)) => format!(", event {event}"),
        (None, None, None, None) => String::new(),
    };
    format!("{} {engine} {}{object}", format_timestamp(*at), event_type.as_str())
}

fn status(consequence: Option<&Consequence>) -> String {
    consequence.map_or_else(|| NO_VALUE.to_owned(), |it| format_name(&it.status))
}

/// Returns what differs.
fn differing(before: Option<&Consequence>, after: Option<&Consequence>) -> String {
    let (Some(before), Some(after)) = (before, after) else { return NO_VALUE.to_owned() };
    let time = |time: Option<Timestamp>| time.map_or_else(|| NO_VALUE.to_owned(), format_timestamp);
    let severity = |it: &Consequence| it.severity.as_ref().map_or_else(|| NO_VALUE.to_owned(), ToString::to_string);
    let events = |it: &Consequence| it.events.map_or_else(|| NO_VALUE.to_owned(), |events| events.to_string());
    let fields = [
        ("", format_name(&before.status), format_name(&after.status)),
        ("at ", time(Some(before.at)), time(Some(after.at))),
        ("ended ", time(before.ended_at), time(after.ended_at)),
        ("severity ", severity(before), severity(after)),
        ("events ", events(before), events(after)),
    ];
    let differing = fields.into_iter().filter(|(_, before, after)| before != after);
    let differing: Vec<_> = differing.map(|(name, before, after)| format!("{name}{before} → {after}")).collect();
    if differing.is_empty() { format_name(&after.status) } else { differing.join(", ") }
}

fn format_self_check(check: &SelfCheck, all: bool) -> String {
    let SelfCheck { reproduced, not_reproduced, reasons, items } = check;
    let total = reproduced.saturating_add(*not_reproduced);
    let title = format!(
        "Self-check: under the active policy, the simulation reproduces {reproduced} of {total} actions, incidents and notifications"
    );
    let reasons = reasons.iter().map(|reason| format!("  {:>5}  {}", reason.count, reason_text(reason.reason)));
    let items = items.iter().filter(|_| all).map(format_self_check_item);
    std::iter::once(title).chain(reasons).chain(items).collect::<Vec<_>>().join("\n")
}

fn format_self_check_item(SelfCheckItem { reason, about, replayed, real, .. }: &SelfCheckItem) -> String {
    let (simulated, really) = (status(replayed.as_ref()), status(real.as_ref()));
    let line = format!("{}: simulated {simulated}, really {really} ({})", subject(about), reason_text(*reason));
    format!("  {}", visible_line(&line))
}

/// Says why the replay does not reproduce something.
const fn reason_text(reason: UnreproducedReason) -> &'static str {
    match reason {
        UnreproducedReason::OtherPolicy => "another policy was active then",
        UnreproducedReason::EarlierState => "began before the period, or follow from what did",
        UnreproducedReason::LeftOut => "their events were not read",
        UnreproducedReason::Dispatch => "the message to the worker was late, or could not be delivered",
        UnreproducedReason::SweepTiming => "the sweep ran at another time, or not at all",
        UnreproducedReason::NotificationTiming => "e-mails waited for the e-mail budget, the sweep or a subscriber",
        UnreproducedReason::Repeats => "the problem was heard again, which AGE does not record each time",
        UnreproducedReason::SameMillisecond => "events of the same millisecond, whose order is not recorded",
        UnreproducedReason::Unexplained => "not explained: please report it as an error of the simulation",
    }
}

/// Says what the simulation does not have. `None`: it has everything.
fn format_left_out(left_out: &LeftOut) -> Option<String> {
    let LeftOut {
        events,
        complete_since,
        unreadable,
        incidents_cut,
        incidents_about_permits,
        decisions_complete_since,
    } = left_out;
    let since = complete_since.map(|since| format!(": all are read since {}", format_timestamp(since)));
    let lines = [
        (
            *events,
            format!(
                "{} not read, because the period has too many{}",
                format_count(*events, "event"),
                since.unwrap_or_default()
            ),
        ),
        (*unreadable, format!("{} that this version of AGE cannot read", format_count(*unreadable, "row"))),
        (*incidents_cut, format!("notifications or changes of {}", format_count(*incidents_cut, "incident"))),
        (
            *incidents_about_permits,
            format!(
                "{} about permits and events that do not match",
                format_count(*incidents_about_permits, "incident")
            ),
        ),
    ];
    let lines = lines.into_iter().filter(|(count, _)| *count > 0).map(|(_, line)| format!("  {line}"));
    let decisions = decisions_complete_since
        .map(|since| format!("  decisions before {}, because the period has too many", format_timestamp(since)));
    let lines: Vec<_> = lines.chain(decisions).collect();
    (!lines.is_empty()).then(|| format!("Left out\n{}", lines.join("\n")))
}
