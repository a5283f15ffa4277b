//! Several notices in one message: their numbers by kind, and a line of each.

use age_model::{ChannelMessage, Severity};

use crate::channels::notice::ChannelNotice;

/// The content of a message about several notices.
#[derive(Debug)]
pub(crate) struct Summary<'a> {
    /// A line of each incident, approval or other subject, the most severe first, else in the order given.
    pub(crate) lines: Vec<SummaryLine<'a>>,
}

/// The notices of one subject in a summary.
#[derive(Debug)]
pub(crate) struct SummaryLine<'a> {
    /// The latest of them.
    pub(crate) latest: &'a ChannelNotice,
    /// The number of notices.
    notices: usize,
    /// The new events of all of them.
    new_events: u64,
}

impl SummaryLine<'_> {
    /// Returns what is new and where, with the new events of all notices.
    pub(crate) fn headline(&self) -> String {
        let sum = counted_events(self.new_events).filter(|_| self.notices > 1);
        let latest = headline(self.latest);
        sum.map_or(latest.clone(), |sum| format!("{sum}. {latest}"))
    }
}

impl<'a> Summary<'a> {
    pub(crate) fn of(notices: &'a [ChannelNotice]) -> Self {
        let mut by_subject: Vec<(String, SummaryLine<'_>)> = Vec::new();
        for latest in notices {
            let key = latest.key();
            match by_subject.iter_mut().find(|(other, _)| *other == key) {
                Some((_, line)) => {
                    let new_events = line.new_events.saturating_add(latest.new_events);
                    *line = SummaryLine { latest, notices: line.notices.saturating_add(1), new_events };
                }
                None => by_subject.push((key, SummaryLine { latest, notices: 1, new_events: latest.new_events })),
            }
        }
        let mut lines: Vec<SummaryLine<'_>> = by_subject.into_iter().map(|(_, line)| line).collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.latest.severity));
        Self { lines }
    }

    /// Returns the numbers by kind, such as `12 incidents with 40 new events: 3 CRITICAL, 9 HIGH; 2 approvals`.
    pub(crate) fn numbers(&self) -> String {
        let parts = ChannelMessage::ALL.iter().filter_map(|kind| {
            let of_kind: Vec<_> = self.lines.iter().filter(|line| line.latest.message == *kind).collect();
            let counted = counted(of_kind.len(), *kind)?;
            if *kind != ChannelMessage::Incident {
                return Some(counted);
            }
            let new_events = of_kind.iter().map(|line| line.new_events).fold(0, u64::saturating_add);
            let counted =
                counted_events(new_events).map_or(counted.clone(), |events| format!("{counted} with {events}"));
            let severities = of_kind.iter().filter_map(|line| line.latest.severity);
            Some(match by_severity(severities) {
                severities if severities.is_empty() => counted,
                severities => format!("{counted}: {severities}"),
            })
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() { "nothing new".to_owned() } else { parts.join("; ") }
    }
}

/// Returns the number of notices of one kind; None of none.
fn counted(number: usize, kind: ChannelMessage) -> Option<String> {
    let (one, many) = match kind {
        ChannelMessage::Incident => ("incident", "incidents"),
        ChannelMessage::Approval => ("approval", "approvals"),
        ChannelMessage::Report => ("report", "reports"),
        ChannelMessage::System | ChannelMessage::Unknown(_) => ("message about AGE", "messages about AGE"),
    };
    match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{number} {many}")),
    }
}

/// Returns the number of new events; None of none.
fn counted_events(number: u64) -> Option<String> {
    match number {
        0 => None,
        1 => Some("1 new event".to_owned()),
        _ => Some(format!("{number} new events")),
    }
}

fn by_severity(severities: impl Iterator<Item = Severity>) -> String {
    let severities: Vec<_> = severities.collect();
    let known = Severity::ALL
        .iter()
        .rev()
        .map(|severity| (severities.iter().filter(|it| *it == severity).count(), severity.as_str()));
    let other = severities.iter().filter(|it| !Severity::ALL.contains(it)).count();
    let numbers = known.chain([(other, "of another severity")]).filter(|(number, _)| *number > 0);
    numbers.map(|(number, word)| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
}

/// Returns what is new and where, in one line. The title ends it, because it ends with a name that others chose.
pub(crate) fn headline(notice: &ChannelNotice) -> String {
    if notice.state.is_empty() { notice.title.clone() } else { format!("{}: {}", notice.state, notice.title) }
}

/// Returns the lines of a text of others, each marked as quoted.
pub(crate) fn quoted_lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| format!("> {line}"))
}

/// Returns where and when, as the last line of a message about one notice.
pub(crate) fn origin(notice: &ChannelNotice) -> String {
    let id = notice.incident.as_ref().map(|incident| format!("incident {}", incident.id));
    let at = notice.occurred_at.map(age_model::Timestamp::in_words);
    ["AGE".to_owned()].into_iter().chain(id).chain(at).collect::<Vec<_>>().join(", ")
}
