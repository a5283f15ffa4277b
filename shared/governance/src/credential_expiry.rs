//! Which notifications about credentials are due.

use age_model::{
    Credential, CredentialNotification, CredentialNotificationKind, KeyId, Keyring, SystemAlert, Timestamp,
};

const DAY_SECONDS: i64 = 86_400;

/// How long before a credential expires people are notified, in seconds.
const NOTICES: [(CredentialNotificationKind, i64); 2] = [
    (CredentialNotificationKind::ExpiresInAWeek, 7 * DAY_SECONDS),
    (CredentialNotificationKind::ExpiresInADay, DAY_SECONDS),
];

/// For how long after the expiry, or the creation, a notice is still sent that could not be sent before, in seconds.
const LATE_SECONDS: i64 = 7 * DAY_SECONDS;

/// Returns the notices that credentials of `keyring` expire, from the time at which each is due. One that was due before the
/// newest secret was issued is left out: the admin who issued it knew the expiry.
pub(crate) fn notices(keyring: &Keyring, now: Timestamp) -> Vec<CredentialNotification> {
    let of_credential = |(kid, credential): (&KeyId, &Credential)| {
        let expires_at = credential.expires_at().filter(|expires_at| now < expires_at.plus_seconds(LATE_SECONDS))?;
        let is_due = |(_, seconds): &(CredentialNotificationKind, i64)| {
            let due_at = expires_at.plus_seconds(-seconds);
            credential.issued_at() < due_at && due_at <= now
        };
        let due = NOTICES.into_iter().filter(is_due);
        Some(due.map(|(kind, _)| CredentialNotification { kid: kid.clone(), kind, at: expires_at }).collect::<Vec<_>>())
    };
    keyring.all().filter_map(of_credential).flatten().collect()
}

/// Returns the notifications that would be due if requests with what has expired at `now` were refused.
pub(crate) fn possible_refusals(keyring: &Keyring, now: Timestamp) -> Vec<CredentialNotification> {
    let of_credential = |(kid, credential): (&KeyId, &Credential)| {
        let expiries = expiries(credential).filter(|expires_at| *expires_at <= now);
        expiries.map(|expires_at| refused(kid, expires_at)).collect::<Vec<_>>()
    };
    keyring.all().flat_map(of_credential).collect()
}

/// Returns the notifications about requests that were refused because of an expiry, as `alerts` have them.
pub(crate) fn refusals(keyring: &Keyring, alerts: &[SystemAlert]) -> Vec<CredentialNotification> {
    let of_alert = |alert: &SystemAlert| {
        let kid: KeyId = alert.sender.parse().ok()?;
        let credential = keyring.get(&kid)?;
        let had_expired = |expires_at: &Timestamp| *expires_at <= alert.last_at;
        let expires_at = credential.expires_at().filter(had_expired);
        Some(refused(&kid, expires_at.or_else(|| expiries(credential).filter(had_expired).max())?))
    };
    alerts.iter().filter_map(of_alert).collect()
}

/// Returns the notifications about admins that an operator with rights on AWS made in the last week.
pub(crate) fn made_by_operator(keyring: &Keyring, now: Timestamp) -> Vec<CredentialNotification> {
    let is_recent = |credential: &Credential| {
        credential.is_made_by_operator && now < credential.created_at.plus_seconds(LATE_SECONDS)
    };
    let notification = |(kid, credential): (&KeyId, &Credential)| {
        let kind = CredentialNotificationKind::MadeByOperator;
        CredentialNotification { kid: kid.clone(), kind, at: credential.created_at }
    };
    keyring.all().filter(|(_, credential)| is_recent(credential)).map(notification).collect()
}

/// Returns when the credential and its secrets expire.
fn expiries(credential: &Credential) -> impl Iterator<Item = Timestamp> {
    let of_secrets = credential.secrets.iter().filter_map(|secret| secret.expires_at);
    credential.expires_at().into_iter().chain(of_secrets)
}

fn refused(kid: &KeyId, expires_at: Timestamp) -> CredentialNotification {
    CredentialNotification { kid: kid.clone(), kind: CredentialNotificationKind::Refused, at: expires_at }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use age_model::{Clock, CredentialRegistry, Grant, ManualClock, Role, Rotation, SystemAlertKind, Token};

    use super::*;

    const HOUR: i64 = 3600;

    struct Scenario {
        registry: CredentialRegistry,
        clock: ManualClock,
        start: Timestamp,
    }

    impl Scenario {
        fn new() -> Self {
            let start = "2026-11-23T00:05:00Z".parse().unwrap();
            Self { registry: CredentialRegistry::default(), clock: ManualClock::at(start), start }
        }

        fn create(&mut self, kid: &str, days: i64) {
            let expires_at = Some(self.clock.now().plus_days(days));
            let grant = Grant { role: Role::Reader, engines: BTreeSet::new(), expires_at };
            let token = Token::fresh(kid.parse().unwrap(), &self.clock).unwrap();
            self.registry.create(&token, grant, None, self.clock.now()).unwrap();
        }

        fn rotate(&mut self, kid: &str, overlap_seconds: i64, expires_at: Option<Timestamp>) {
            let token = Token::fresh(kid.parse().unwrap(), &self.clock).unwrap();
            let rotation = Rotation { overlap_seconds, expires_at };
            self.registry.rotate(&token, rotation, None, self.clock.now()).unwrap();
        }

        fn notices(&self, hours: i64) -> Vec<CredentialNotificationKind> {
            let due = notices(self.registry.keyring(), self.start.plus_seconds(hours * HOUR));
            due.iter().map(|notification| notification.kind).collect()
        }
    }

    #[test]
    fn notices_are_due_a_week_and_a_day_before_the_expiry() {
        use CredentialNotificationKind::{ExpiresInADay, ExpiresInAWeek};
        let mut scenario = Scenario::new();
        scenario.create("worker", 90);
        assert_eq!(scenario.notices(83 * 24 - 1), []);
        assert_eq!(scenario.notices(83 * 24), [ExpiresInAWeek]);
        assert_eq!(scenario.notices(89 * 24), [ExpiresInAWeek, ExpiresInADay]);
        assert_eq!(scenario.notices(97 * 24 - 1), [ExpiresInAWeek, ExpiresInADay], "late is better than never");
        assert_eq!(scenario.notices(97 * 24), []);
    }

    #[test]
    fn credential_with_less_time_left_has_only_the_notices_that_lie_ahead() {
        use CredentialNotificationKind::ExpiresInADay;
        let mut scenario = Scenario::new();
        scenario.create("worker", 7);
        scenario.create("day-pass", 1);
        assert_eq!(scenario.notices(0), []);
        assert_eq!(scenario.notices(6 * 24), [ExpiresInADay]);
        scenario.clock.advance(2 * 24 * HOUR);
        scenario.rotate("worker", 0, Some(scenario.start.plus_days(90)));
        assert_eq!(scenario.notices(6 * 24), [], "it was renewed");
        let revoked = "worker".parse().unwrap();
        scenario.registry.revoke(&revoked, None, scenario.clock.now()).unwrap();
        assert_eq!(scenario.notices(89 * 24), []);
    }

    #[test]
    fn refusal_is_about_the_credential_or_the_secret_that_had_expired() {
        let mut scenario = Scenario::new();
        scenario.create("worker", 90);
        scenario.rotate("worker", HOUR, None);
        let refusals_at = |scenario: &Scenario, hours: i64| {
            let at = scenario.start.plus_seconds(hours * HOUR);
            let alert = SystemAlert::new(SystemAlertKind::ExpiredCredential, "worker", "secret", "", 1, at);
            let found = refusals(scenario.registry.keyring(), &[alert]);
            found.iter().map(|notification| notification.at).collect::<Vec<_>>()
        };
        let (secret, credential) = (scenario.start.plus_seconds(HOUR), scenario.start.plus_days(90));
        assert_eq!(refusals_at(&scenario, 2), [secret]);
        assert_eq!(refusals_at(&scenario, 90 * 24), [credential]);
        assert_eq!(possible_refusals(scenario.registry.keyring(), secret).len(), 1);
        assert_eq!(possible_refusals(scenario.registry.keyring(), credential).len(), 2);
        scenario.clock.advance(91 * 24 * HOUR);
        scenario.rotate("worker", 0, Some(scenario.start.plus_days(180)));
        assert!(refusals_at(&scenario, 90 * 24).is_empty(), "it was renewed after the refusal");
        assert!(possible_refusals(scenario.registry.keyring(), scenario.clock.now()).is_empty());
    }

    #[test]
    fn admin_made_by_an_operator_is_notified_for_a_week() {
        let mut scenario = Scenario::new();
        let token = Token::fresh("first".parse().unwrap(), &scenario.clock).unwrap();
        scenario.registry.create_first_admin(&token, &BTreeSet::new(), scenario.start).unwrap();
        scenario.create("worker", 90);
        let due = |hours: i64| made_by_operator(scenario.registry.keyring(), scenario.start.plus_seconds(hours * HOUR));
        let [notification] = due(0).try_into().unwrap();
        assert_eq!((notification.kid.as_str(), notification.at), ("first", scenario.start));
        assert_eq!((due(7 * 24 - 1).len(), due(7 * 24).len()), (1, 0));
    }
}
