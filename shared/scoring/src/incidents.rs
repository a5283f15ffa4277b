//! When an incident begins, when people are to be written to about it, and when it is over.

use model::{
    ActionStatus, Alarm, AlreadyTaken, Cause, Event, EventId, Incident, IncidentStatus, Mark, Notice, NoticeKind,
    NotifyAdmin, Severity, Tally, Timestamp, Told, Watch,
};

use crate::IncidentRules;

/// What is to be done about an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// People are to be written to.
    Notice(NoticeKind),
    /// It is over: somebody has taken it, and it has been quiet since.
    Resolve,
    /// Nothing before this moment.
    Wait(Timestamp),
    /// Nothing any more.
    Nothing,
}

impl IncidentRules {
    /// Takes `event` into the incident of its kind. It opens one if it is severe enough, or if it `must` be told.
    /// Answers whether an incident counts it.
    pub(crate) fn take(&self, watch: &mut Watch, event: &Event, must: Option<Cause>) -> bool {
        let (severity, now) = (event.reported.severity, event.occurred_at);
        if let Some(incident) = watch.open_incident_mut() {
            incident.severity = incident.severity.max(severity);
            self.hurry(incident, now);
            return true;
        }
        let cause = if severity >= self.from { Some(Cause::CriticalEvent) } else { must };
        if let Some(cause) = cause {
            begin(watch, cause, severity, Some(event.id), now);
        }
        cause.is_some()
    }

    /// Takes note of a remedy that came to a bad end, for an event of `severity`.
    pub fn alarm(&self, watch: &mut Watch, alarm: Alarm, severity: Severity) {
        if watch.open_incident().is_none() {
            begin(watch, Cause::Action, severity, Some(alarm.event_id), alarm.at);
        }
        if let Some(incident) = watch.open_incident_mut() {
            incident.alarms = incident.alarms.saturating_add(1);
            incident.last_alarm = Some(alarm);
            self.hurry(incident, alarm.at);
        }
    }

    /// Opens the incident of an engine from which nothing is heard, unless it is open. Answers whether it was not.
    pub fn silence(&self, watch: &mut Watch, now: Timestamp) -> bool {
        let is_new = watch.open_incident().is_none();
        if is_new {
            begin(watch, Cause::Silence, Severity::Critical, None, now);
        }
        is_new
    }

    /// More has come: the next digest tells of it.
    fn hurry(&self, incident: &mut Incident, now: Timestamp) {
        if incident.sending_until.is_some_and(|until| until > now) {
            return; // whoever is sending looks again
        }
        let next = self.next_digest(incident).max(now);
        incident.due_at = Some(incident.due_at.map_or(next, |due| due.min(next)));
    }

    fn next_digest(&self, incident: &Incident) -> Timestamp {
        incident.last_notice_at.map_or(incident.opened_at, |last| last.plus_seconds(self.digest_after_seconds))
    }

    fn second_line_due(&self, incident: &Incident) -> Timestamp {
        let first = incident.opened_at.plus_seconds(self.second_line_after_seconds);
        incident.second_line_at.map_or(first, |last| last.plus_seconds(self.remind_after_seconds))
    }

    fn over_at(&self, incident: &Incident, tally: Tally) -> Timestamp {
        let signs = [
            tally.last_event_at,
            incident.last_alarm.map(|alarm| alarm.at),
            incident.acknowledged.as_ref().map(|mark| mark.at),
        ];
        let last = signs.into_iter().flatten().fold(incident.opened_at, Timestamp::max);
        last.plus_seconds(self.resolve_after_seconds)
    }

    /// What is to be done about `incident` at `now`.
    #[must_use]
    pub fn need(&self, incident: &Incident, tally: Tally, now: Timestamp) -> Need {
        if let Some(until) = incident.sending_until.filter(|until| *until > now) {
            return Need::Wait(until);
        }
        if incident.status == IncidentStatus::Resolved {
            return incident.due_at.map_or(Need::Nothing, |_| Need::Notice(NoticeKind::Resolution));
        }
        let digest = self.next_digest(incident);
        let untold = tally.events > incident.told.events || incident.alarms > incident.told.alarms;
        let second_is_due = incident.status == IncidentStatus::Open && self.second_line_due(incident) <= now;
        // Where the first line cannot be reached, the second is not to wait for that.
        let is_late = digest.plus_seconds(self.digest_after_seconds) <= now;
        let Some(last) = incident.last_notice_at else {
            let kind = if second_is_due && is_late { NoticeKind::SecondLine } else { NoticeKind::First };
            return Need::Notice(kind);
        };
        if untold && digest <= now {
            let kind = if second_is_due && is_late { NoticeKind::SecondLine } else { NoticeKind::Digest };
            return Need::Notice(kind);
        }
        // A look when the time for a digest has come; then only what is to come whatever happens.
        let look = (digest > now).then_some(digest);
        let (later, need) = match incident.status {
            IncidentStatus::Open => {
                let (reminder, second) = (last.plus_seconds(self.remind_after_seconds), self.second_line_due(incident));
                let kind = if reminder <= now { NoticeKind::Reminder } else { NoticeKind::SecondLine };
                (reminder.min(second), Need::Notice(kind))
            }
            // It ends when the engine speaks.
            _ if incident.cause == Cause::Silence => (now.plus_seconds(self.resolve_after_seconds), Need::Nothing),
            _ => (self.over_at(incident, tally), Need::Resolve),
        };
        if later <= now { need } else { Need::Wait(look.map_or(later, |look| look.min(later))) }
    }

    /// `incident` is the caller's to write to people about, for a while.
    pub fn claim(&self, incident: &mut Incident, now: Timestamp) {
        let until = now.plus_seconds(self.lease_seconds);
        incident.sending_until = Some(until);
        incident.due_at = Some(until);
    }

    /// People were written to at `now`, in an e-mail about `incidents`, of as much as `tally` and `told` had then.
    pub fn sent(
        &self,
        incident: &mut Incident,
        kind: NoticeKind,
        (tally, told, incidents): (Tally, Told, u64),
        now: Timestamp,
    ) -> Notice {
        incident.sending_until = None;
        incident.notices = incident.notices.saturating_add(1);
        let before = incident.told;
        if kind == NoticeKind::SecondLine {
            incident.second_line_at = Some(now);
        } else {
            incident.told = told;
            incident.last_notice_at = Some(now);
            if let Some(notify) = incident.notify_admin.as_mut().filter(|notify| notify.status == ActionStatus::Pending)
            {
                notify.status = ActionStatus::Dispatched;
            }
        }
        incident.due_at = match incident.status {
            IncidentStatus::Resolved => None,
            // Not later than a digest would be: more may have come since `tally` was taken.
            _ => Some(match self.need(incident, tally, now) {
                Need::Wait(until) => until.min(now.plus_seconds(self.digest_after_seconds)),
                _ => now,
            }),
        };
        Notice {
            number: incident.notices,
            kind,
            at: now,
            new_events: incident.told.events.saturating_sub(before.events),
            events: tally.events,
            incidents,
        }
    }
}

/// Somebody takes `incident`. When it is next looked at stays as it is.
///
/// # Errors
/// [`AlreadyTaken`] if somebody has, or if it is over.
pub fn acknowledge(incident: &mut Incident, mark: Mark) -> Result<(), AlreadyTaken> {
    if incident.status != IncidentStatus::Open {
        return Err(taken(incident));
    }
    incident.status = IncidentStatus::Acknowledged;
    incident.acknowledged = Some(mark);
    settle_notify(incident);
    Ok(())
}

/// Ends `incident`. If it ends by itself, people are told so, once.
///
/// # Errors
/// [`AlreadyTaken`] if it is over already.
pub fn resolve(incident: &mut Incident, mark: Mark) -> Result<(), AlreadyTaken> {
    if incident.status == IncidentStatus::Resolved {
        return Err(taken(incident));
    }
    incident.status = IncidentStatus::Resolved;
    // Whoever is sending finds it resolved, and does not set it due again.
    incident.sending_until = None;
    incident.due_at = mark.by.is_none().then_some(mark.at);
    incident.resolved = Some(mark);
    settle_notify(incident);
    Ok(())
}

fn begin(watch: &mut Watch, cause: Cause, severity: Severity, event_id: Option<EventId>, now: Timestamp) {
    // INVARIANT: no two incidents of a kind are opened in the same millisecond; it is part of their name.
    let opened_at = watch.last_opened_at.map_or(now, |last| now.max(last.plus_millis(1)));
    watch.last_opened_at = Some(opened_at);
    watch.incident = Some(Incident {
        opened_at,
        cause,
        severity,
        status: IncidentStatus::Open,
        event_id,
        notify_admin: None,
        alarms: 0,
        last_alarm: None,
        told: Told::default(),
        notices: 0,
        last_notice_at: None,
        second_line_at: None,
        acknowledged: None,
        resolved: None,
        sending_until: None,
        due_at: Some(opened_at),
    });
}

/// Whoever takes an incident has been reached.
fn settle_notify(incident: &mut Incident) {
    if let Some(NotifyAdmin { status, .. }) = &mut incident.notify_admin {
        *status = ActionStatus::Succeeded;
    }
}

fn taken(incident: &Incident) -> AlreadyTaken {
    let mark = incident.resolved.as_ref().or(incident.acknowledged.as_ref());
    AlreadyTaken { status: incident.status, by: mark.and_then(|mark| mark.by.clone()) }
}

#[cfg(test)]
mod tests {
    use model::{Clock, Details, Engine, ManualClock, NewEvent};

    use super::*;
    use crate::Policy;

    const MINUTE: i64 = 60;
    const HOUR: i64 = 3600;

    /// One kind of trouble, and what people are told of it.
    struct Story {
        rules: IncidentRules,
        clock: ManualClock,
        watch: Watch,
        tally: Tally,
    }

    impl Story {
        fn new() -> Self {
            Self {
                rules: Policy::compiled().unwrap().incidents,
                clock: ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap()),
                watch: Watch::default(),
                tally: Tally::default(),
            }
        }

        fn event(&mut self, severity: Severity) -> bool {
            let reported = NewEvent {
                engine: Engine::Billing,
                event_type: "sync_failed".parse().unwrap(),
                severity,
                details: Details::default(),
                source_time: None,
            };
            let event =
                Event { id: EventId::fresh(&self.clock), reported, occurred_at: self.clock.now(), reported_by: None };
            let counted = self.rules.take(&mut self.watch, &event, None);
            if counted {
                self.tally.events += 1;
                self.tally.last_event_at = Some(self.clock.now());
            }
            counted
        }

        fn incident(&mut self) -> &mut Incident {
            self.watch.incident.as_mut().unwrap()
        }

        fn need(&self) -> Need {
            self.rules.need(self.watch.incident.as_ref().unwrap(), self.tally, self.clock.now())
        }

        /// Sweeps for so many seconds, a minute apart, and answers what was sent when: minutes, kind, new events.
        fn sweep(&mut self, seconds: i64) -> Vec<(i64, NoticeKind, u64)> {
            let mut sent = Vec::new();
            for minute in 0..=seconds / MINUTE {
                while self
                    .watch
                    .incident
                    .as_ref()
                    .is_some_and(|it| it.due_at.is_some_and(|due| due <= self.clock.now()))
                {
                    let (now, tally, rules) = (self.clock.now(), self.tally, self.rules.clone());
                    match self.need() {
                        Need::Notice(kind) => {
                            let incident = self.incident();
                            rules.claim(incident, now);
                            let told = Told { events: tally.events, alarms: incident.alarms };
                            let notice = rules.sent(incident, kind, (tally, told, 1), now);
                            sent.push((minute, kind, notice.new_events));
                        }
                        Need::Resolve => {
                            resolve(self.incident(), Mark { at: now, by: None, note: None }).unwrap();
                        }
                        Need::Wait(until) => {
                            assert!(until > now);
                            self.incident().due_at = Some(until);
                        }
                        Need::Nothing => panic!("due for nothing"),
                    }
                }
                if minute < seconds / MINUTE {
                    self.clock.advance(MINUTE);
                }
            }
            sent
        }

        fn mark(&self) -> Mark {
            Mark { at: self.clock.now(), by: Some("night-desk".parse().unwrap()), note: None }
        }
    }

    use NoticeKind::{Digest, First, Reminder, Resolution, SecondLine};

    #[test]
    fn nobody_takes_it() {
        let mut story = Story::new();
        assert!(!story.event(Severity::High), "no incident, nothing to count");
        assert!(story.event(Severity::Critical));
        assert_eq!(story.sweep(0), [(0, First, 1)]);
        assert_eq!(
            story.sweep(9 * HOUR),
            [(30, SecondLine, 0), (240, Reminder, 0), (270, SecondLine, 0), (480, Reminder, 0), (510, SecondLine, 0)]
        );
    }

    #[test]
    fn while_more_comes_there_is_a_digest_every_five_minutes() {
        let mut story = Story::new();
        story.event(Severity::Critical);
        story.sweep(0);
        let mut sent = Vec::new();
        for _ in 0..12 {
            story.event(Severity::High);
            sent.extend(story.sweep(MINUTE).iter().map(|(_, kind, new)| (*kind, *new)));
        }
        assert_eq!(sent, [(Digest, 5), (Digest, 5)]);
        // What came last is told, too, and what comes after a pause at once: the last digest is long ago.
        assert_eq!(story.sweep(10 * MINUTE), [(3, Digest, 2)]);
        story.event(Severity::High);
        assert_eq!(story.sweep(0), [(0, Digest, 1)]);
    }

    #[test]
    fn what_changes_nothing_needs_no_write() {
        let mut story = Story::new();
        story.event(Severity::Critical);
        let before = story.watch.clone();
        story.event(Severity::Critical);
        assert_eq!(story.watch, before, "counting alone");
        story.sweep(HOUR);
        let before = story.watch.clone();
        story.event(Severity::Critical);
        assert_ne!(story.watch, before, "it was at rest");
    }

    #[test]
    fn taken_and_quiet_it_is_over_and_says_so_once() {
        let mut story = Story::new();
        story.event(Severity::Critical);
        story.sweep(20 * MINUTE);
        let mark = story.mark();
        acknowledge(story.incident(), mark.clone()).unwrap();
        let again = acknowledge(story.incident(), mark).unwrap_err();
        assert_eq!(again.to_string(), "the incident is acknowledged already, by night-desk");
        assert_eq!(story.sweep(10 * HOUR), [], "no reminder, no second line");
        story.event(Severity::High);
        assert_eq!(story.sweep(30 * HOUR), [(0, Digest, 1), (24 * 60, Resolution, 0)]);
        assert_eq!((story.need(), story.incident().status), (Need::Nothing, IncidentStatus::Resolved));
        // It comes again: another incident, with another name.
        assert!(!story.event(Severity::High) && story.event(Severity::Critical));
        assert_eq!(story.incident().status, IncidentStatus::Open);
    }

    #[test]
    fn resolved_by_a_person_nobody_is_told() {
        let mut story = Story::new();
        story.event(Severity::Critical);
        let first = story.incident().opened_at;
        story.sweep(MINUTE);
        let mark = story.mark();
        resolve(story.incident(), mark.clone()).unwrap();
        assert_eq!(story.sweep(48 * HOUR), []);
        let again = resolve(story.incident(), mark).unwrap_err();
        assert_eq!(again.to_string(), "the incident is resolved already, by night-desk");
        assert!(story.event(Severity::Critical));
        assert!(story.incident().opened_at > first);
    }

    #[test]
    fn two_incidents_of_one_moment_have_two_names() {
        let mut story = Story::new();
        story.event(Severity::Critical);
        let first = story.incident().opened_at;
        let mark = story.mark();
        resolve(story.incident(), mark).unwrap();
        story.event(Severity::Critical);
        assert_eq!(story.incident().opened_at, first.plus_millis(1));
    }

    #[test]
    fn a_remedy_that_came_to_a_bad_end_opens_one_and_the_next_is_a_digest() {
        let mut story = Story::new();
        let alarm = |story: &Story| Alarm {
            action: model::Action::MaosAutoFix,
            event_id: EventId::fresh(&story.clock),
            status: ActionStatus::Failed,
            at: story.clock.now(),
        };
        let (rules, first) = (story.rules.clone(), alarm(&story));
        rules.alarm(&mut story.watch, first, Severity::High);
        assert_eq!((story.incident().cause, story.sweep(0)), (Cause::Action, vec![(0, First, 0)]));
        story.sweep(MINUTE);
        let second = alarm(&story);
        rules.alarm(&mut story.watch, second, Severity::High);
        assert_eq!(story.sweep(5 * MINUTE), [(4, Digest, 0)]);
        assert_eq!(story.incident().alarms, 2);
    }

    #[test]
    fn silence_is_opened_once_and_does_not_end_by_being_quiet() {
        let mut story = Story::new();
        let rules = story.rules.clone();
        let now = story.clock.now();
        assert!(rules.silence(&mut story.watch, now) && !rules.silence(&mut story.watch, now));
        story.sweep(MINUTE);
        let mark = story.mark();
        acknowledge(story.incident(), mark).unwrap();
        assert_eq!(story.sweep(72 * HOUR), []);
        assert_eq!(story.incident().status, IncidentStatus::Acknowledged);
    }

    #[test]
    fn what_comes_while_the_second_line_is_written_to_is_told_with_the_next_digest() {
        let mut story = Story::new();
        story.event(Severity::Critical);
        story.sweep(29 * MINUTE);
        story.clock.advance(MINUTE);
        let (rules, now, tally) = (story.rules.clone(), story.clock.now(), story.tally);
        assert_eq!(story.need(), Need::Notice(SecondLine));
        rules.claim(story.incident(), now);
        story.event(Severity::Critical);
        let told = story.incident().told;
        rules.sent(story.incident(), SecondLine, (tally, told, 1), now);
        assert_eq!(story.sweep(10 * MINUTE), [(5, Digest, 1)]);
    }

    #[test]
    fn a_first_line_that_cannot_be_reached_does_not_keep_the_second_from_being_told() {
        let mut story = Story::new();
        story.event(Severity::Critical);
        assert_eq!(story.need(), Need::Notice(First));
        story.clock.advance(30 * MINUTE);
        assert_eq!(story.need(), Need::Notice(SecondLine));
        assert_eq!(story.sweep(0), [(0, SecondLine, 0), (0, First, 1)]);
    }

    #[test]
    fn while_somebody_is_sending_nobody_else_does() {
        let mut story = Story::new();
        story.event(Severity::Critical);
        let (rules, now) = (story.rules.clone(), story.clock.now());
        rules.claim(story.incident(), now);
        story.event(Severity::Critical);
        assert_eq!(story.need(), Need::Wait(now.plus_seconds(30)));
        story.clock.advance(30);
        assert_eq!(story.sweep(0), [(0, First, 2)]);
    }
}
