//! Several notices in one message: their numbers by kind, and a line of each.

use age_model::{ChannelMessage, Severity};

use crate::channels::notice::ChannelNotice;

/// The content of a message about several notices.
#[derive(Debug)]
pub(crate) struct Summary<'a> {
    /// The latest notice of each incident, approval or other subject, the most severe first, else in the order given.
    pub(crate) latest: Vec<&'a ChannelNotice>,
}

impl<'a> Summary<'a> {
    pub(crate) fn of(notices: &'a [ChannelNotice]) -> Self {
        let mut latest: Vec<(String, &ChannelNotice)> = Vec::new();
        for notice in notices {
            let key = notice.key();
            match latest.iter_mut().find(|(other, _)| *other == key) {
                Some(place) => place.1 = notice,
                None => latest.push((key, notice)),
            }
        }
        let mut latest: Vec<&ChannelNotice> = latest.into_iter().map(|(_, notice)| notice).collect();
        latest.sort_by_key(|notice| std::cmp::Reverse(notice.severity));
        Self { latest }
    }

    /// Returns the numbers by kind, such as `12 incidents: 3 CRITICAL, 9 HIGH; 2 approvals`.
    pub(crate) fn numbers(&self) -> String {
        let parts = ChannelMessage::ALL.iter().filter_map(|kind| {
            let of_kind: Vec<_> = self.latest.iter().filter(|notice| notice.message == *kind).collect();
            let counted = counted(of_kind.len(), *kind)?;
            if *kind != ChannelMessage::Incident {
                return Some(counted);
            }
            let severities = of_kind.iter().filter_map(|notice| notice.severity);
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
