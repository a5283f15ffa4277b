//! The list: those that wait for a person, unless others are asked for.

use std::fmt;
use std::str::FromStr;

use age_model::{ActionItem, ActionStatus, Severity, Timestamp};
use age_platform::{Problem, Query};
use age_store::{EventFilter, Position, StoreError};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::page::{self, Part};
use crate::session::Session;
use crate::text::Shown;
use crate::{App, Parts, actions};

/// How many that have not ended are shown.
const LIMIT: usize = 50;

/// Events are the directory of the others: so many are looked through at once, and so often for one page.
const EVENTS: usize = 50;
const MAX_ROUNDS: usize = 4;

/// A page that has so many is long enough.
const ENOUGH: usize = 25;

/// Which ones are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Waiting,
    UnderWay,
    BadEnd,
    Helped,
    NotDone,
    All,
}

impl Group {
    const ALL: &[Self] = &[Self::Waiting, Self::UnderWay, Self::BadEnd, Self::Helped, Self::NotDone, Self::All];

    const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::UnderWay => "under_way",
            Self::BadEnd => "bad_end",
            Self::Helped => "helped",
            Self::NotDone => "not_done",
            Self::All => "all",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting for approval",
            Self::UnderWay => "Under way",
            Self::BadEnd => "Bad ends",
            Self::Helped => "Helped",
            Self::NotDone => "Not done",
            Self::All => "All",
        }
    }

    const fn has(self, status: ActionStatus) -> bool {
        match self {
            Self::Waiting => matches!(status, ActionStatus::PendingApproval),
            Self::UnderWay => {
                matches!(status, ActionStatus::Pending | ActionStatus::Dispatched | ActionStatus::Succeeded)
            }
            Self::BadEnd => status.is_failure(),
            Self::Helped => matches!(status, ActionStatus::Verified),
            Self::NotDone => {
                matches!(status, ActionStatus::Denied | ActionStatus::Expired | ActionStatus::Suppressed)
            }
            Self::All => true,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no group.
struct NoGroup;

impl fmt::Display for NoGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Group::ALL.iter().map(|group| group.name()).collect();
        write!(f, "must be one of {}", names.join(", "))
    }
}

impl FromStr for Group {
    type Err = NoGroup;

    fn from_str(text: &str) -> Result<Self, NoGroup> {
        Self::ALL.iter().find(|group| group.name() == text).copied().ok_or(NoGroup)
    }
}

#[derive(Template)]
#[template(path = "actions.html")]
struct Page<'a> {
    session: &'a Session,
    part: Part,
    group: Group,
    groups: &'static [Group],
    rows: Vec<Row>,
    /// How many more there are that are not shown.
    more: usize,
    /// Where the list goes on.
    next: Option<String>,
    is_later: bool,
}

/// An action as the list has it.
struct Row {
    path: String,
    title: String,
    engine: String,
    event_type: Shown,
    severity: Severity,
    status: ActionStatus,
    created_at: Timestamp,
    due_at: Option<Timestamp>,
}

/// Some actions.
struct Found {
    items: Vec<ActionItem>,
    more: usize,
    next: Option<Position>,
}

pub(crate) async fn show(State(App(app)): State<App>, session: Session, mut query: Query) -> Result<Response, Problem> {
    let group: Group = query.take("status").unwrap_or(Group::Waiting);
    let cursor: Option<String> = query.take("cursor");
    query.finish()?;

    let scope = format!("dashboard actions {group}");
    let before = cursor.map(|cursor| app.cursors.open(&scope, &cursor)).transpose()?;
    let is_later = before.is_some();
    let Found { items, more, next } = match group {
        Group::Waiting | Group::UnderWay => app.open_actions(group).await?,
        _ => app.look_through(group, before).await?,
    };
    let next = next.map(|position| app.cursors.seal(&scope, &position));
    let page = Page {
        session: &session,
        part: Part::Actions,
        group,
        groups: Group::ALL,
        rows: items.iter().map(|item| app.row_of(item)).collect(),
        more,
        next: next.map(|cursor| format!("/dashboard/actions?status={group}&cursor={cursor}")),
        is_later,
    };
    Ok(page::html(StatusCode::OK, &page))
}

impl Parts {
    /// Those that have not ended, those to be looked at first before the others. The index of what is due has them all.
    async fn open_actions(&self, group: Group) -> Result<Found, StoreError> {
        let actions = self.tables.life.actions();
        let open_actions = actions.open_actions().await?;
        let mut due: Vec<_> =
            open_actions.into_iter().filter_map(Result::ok).filter(|row| group.has(row.status)).collect();
        let more = due.len().saturating_sub(LIMIT);
        due.truncate(LIMIT);
        let mut events: Vec<_> = due.iter().map(|row| row.event_id).collect();
        events.dedup();
        // The index is a moment behind: some may have moved on.
        let mut items = actions.of_events(events).await?;
        items.retain(|item| group.has(item.status) && item.due_at.is_some());
        Ok(Found { items, more, next: None })
    }

    /// Those whose events stand before `before`, newest first.
    async fn look_through(&self, group: Group, mut before: Option<Position>) -> Result<Found, StoreError> {
        let severe = Severity::ALL.iter().copied().filter(|severity| *severity >= self.policy.actions.min_severity);
        let filter = EventFilter { severities: severe.collect(), ..EventFilter::default() };
        let mut items = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let page = self.tables.listing.page(&filter, EVENTS, before, self.clock.as_ref()).await?;
            let ids = page.events.iter().map(|event| event.id).collect();
            let found = self.tables.life.actions().of_events(ids).await?;
            items.extend(found.into_iter().filter(|item| group.has(item.status)));
            before = page.next;
            if items.len() >= ENOUGH || before.is_none() {
                break;
            }
        }
        Ok(Found { items, more: 0, next: before })
    }

    fn row_of(&self, item: &ActionItem) -> Row {
        Row {
            path: actions::path(item.event_id, item.action),
            title: item.action.to_string(),
            engine: self.policy.title(item.engine).to_owned(),
            event_type: Shown::new(item.event_type.as_str()),
            severity: item.severity,
            status: item.status,
            created_at: item.created_at,
            due_at: item.due_at.filter(|_| item.status == ActionStatus::PendingApproval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_group_and_one_only() {
        for status in ActionStatus::ALL {
            let groups = Group::ALL.iter().filter(|group| **group != Group::All && group.has(*status));
            assert_eq!(groups.count(), 1, "{status}");
        }
    }
}
