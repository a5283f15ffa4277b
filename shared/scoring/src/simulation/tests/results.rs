//! The self-check, scores and bounds of results.

use super::*;

#[test]
fn self_check_counts_by_reason_what_the_replay_does_not_reproduce() {
    let mut builder = Builder::new();
    for (at, event_type) in [(0, "a"), (100, "b"), (200, "c"), (300, "d")] {
        builder.event(at, "billing", event_type, Severity::High);
    }
    builder.history.to = start().plus_seconds(4 * HOUR);
    let [sweep, other, lost, same] = [0, 1, 2, 3].map(|place| builder.history.events[place].id);
    let action = Action::BillingSyncRepair;
    // Verified by a sweep 20 seconds after the whole minute.
    let verified_at = |seconds| Some(start().plus_seconds(HOUR + seconds));
    builder.action(sweep, action, ActionStatus::Verified, 60).verified_at = verified_at(80);
    let recorded = builder.action(other, action, ActionStatus::Suppressed, 0);
    recorded.policy_hash = "earlier".to_owned();
    recorded.dispatched_at = None;
    builder.action(lost, action, ActionStatus::Undeliverable, 9000).dispatched_at = None;
    builder.action(same, action, ActionStatus::Verified, 60).verified_at = verified_at(360);
    let check = simulate((&policy(), HASH), &policy(), &builder.history).self_check;
    let reason = |event: EventId| {
        let of_event =
            |item: &&SelfCheckItem| item.about.event_id == Some(event) && item.kind == ConsequenceKind::Action;
        check.items.iter().find(of_event).map(|item| item.reason)
    };
    assert_eq!(reason(sweep), Some(UnreproducedReason::SweepTiming));
    assert_eq!(reason(other), Some(UnreproducedReason::OtherPolicy));
    assert_eq!(reason(lost), Some(UnreproducedReason::Dispatch));
    assert_eq!(reason(same), None);
    assert_eq!(check.reasons.iter().map(|it| it.count).sum::<u64>(), check.not_reproduced);
    let unexplained = check.items.iter().filter(|item| item.reason == UnreproducedReason::Unexplained);
    assert_eq!(unexplained.count(), 0, "{:#?}", check.items);
}

#[test]
fn word_of_an_alert_that_the_draft_maps_otherwise_changes_severity_and_scores() {
    let mut builder = Builder::new();
    let event = builder.event(10, "voice_engine", "Down", Severity::High);
    let word = Some("error".to_owned());
    builder.history.events[0].alert =
        Some(RecordedAlert { status: age_model::AlertStatus::Firing, severity_word: word });
    let counts = BTreeMap::from([(Severity::High, 1)]);
    let engine = builder.history.events[0].engine;
    let week = WeekCounts { from: start(), to: start().plus_days(7), counts: BTreeMap::from([(engine, counts)]) };
    builder.history.weeks.push(week);
    let mut draft = policy();
    draft.alertmanager.severities.insert("error".to_owned(), Severity::Critical);
    let simulation = simulate((&policy(), HASH), &draft, &builder.history);
    let [week] = &simulation.weeks[..] else { panic!("{:?}", simulation.weeks) };
    assert_eq!((week.active.risk_scores["client_risk"], week.draft.risk_scores["client_risk"]), (15, 25));
    let flips: Vec<_> = week.flips.iter().map(|flip| flip.category.as_deref()).collect();
    assert_eq!(flips, [None, Some("client_risk")]);
    let opened = simulation.difference.incidents.items.iter().find(|it| it.about.event_id == Some(event)).unwrap();
    assert!(opened.after.as_ref().is_some_and(|it| it.severity == Some(Severity::Critical)));
}

#[test]
fn simulation_of_the_active_policy_has_an_empty_difference_and_results_of_many_events_are_bounded() {
    let mut builder = Builder::new();
    builder.history.to = start().plus_days(91);
    let engines: Vec<String> = policy().engines.keys().map(ToString::to_string).collect();
    for number in 0..5000_i64 {
        let engine = &engines[usize::try_from(number * 7 % 8).unwrap()];
        let severity = if number % 3 == 0 { Severity::Critical } else { Severity::High };
        let event_type = format!("\u{1f600}type_{}_{}", number % 41, "x".repeat(100));
        let event = builder.event(number * 1560, engine, &event_type, severity);
        builder.action(event, Action::MaosAutoFix, ActionStatus::Failed, 120 + number % 900);
    }
    // Nobody acknowledges anything: with the times of the default policy, most of the work would be reminders.
    let mut active = policy();
    active.incidents.remind_after_seconds = 7 * 24 * HOUR;
    let same = simulate((&active, HASH), &active, &builder.history);
    assert!(same.difference.is_empty());
    let mut draft = active.clone();
    draft.incidents.min_severity = Severity::High;
    draft.incidents.digest_after_seconds = HOUR;
    let other = simulate((&active, HASH), &draft, &builder.history);
    let total = other.difference.notifications.total;
    assert!(total > 1000 && other.difference.notifications.items.len() < 500, "{total}");
    let bytes = serde_json::to_string(&other).unwrap().len();
    assert!(bytes < 350_000, "{bytes}");
    let text = serde_json::to_string(&builder.history).unwrap();
    assert_eq!(serde_json::from_str::<History>(&text).unwrap(), builder.history);
}

#[test]
fn what_began_before_the_period_continues() {
    let mut builder = Builder::new();
    let event = builder.event(0, "billing", "sync_failed", Severity::Critical);
    builder.action(event, Action::BillingSyncRepair, ActionStatus::Verified, 3000).verified_at =
        Some(start().plus_seconds(3000 + HOUR));
    let initial = Notification {
        number: 1,
        kind: NotificationKind::Initial,
        at: start(),
        new_event_count: 1,
        event_count: 1,
        incident_count: 1,
    };
    let id = IncidentId { key: builder.history.events[0].key(), opened_at: start() };
    builder.history.incidents.push(RecordedIncident {
        id: id.clone(),
        cause: IncidentCause::CriticalEvent,
        severity: Severity::Critical,
        status: IncidentStatus::Open,
        event_id: Some(event),
        events: 1,
        failed_remediations: 0,
        last_heard_at: None,
        notify_admin: Some(event),
        changes: Vec::new(),
        notifications: vec![initial],
    });
    let whole = replay(&policy(), &builder.history);
    builder.history.from = start().plus_seconds(10 * MINUTE);
    builder.history.earlier_events = std::mem::take(&mut builder.history.events);
    let rest = replay(&policy(), &builder.history);
    let action = (event, Action::BillingSyncRepair);
    assert_eq!(rest.actions[&action].verified_at, whole.actions[&action].verified_at);
    assert_eq!(kinds(&rest.incidents[&id]), kinds(&whole.incidents[&id]));
    assert_eq!(rest.incidents[&id].events, 1);
}
