//! The message that notifies people of credentials that expire, of those that are used after they have expired, and of admins that
//! an operator made.
//!
//! Its first line says what is wrong; the second what AGE does; the third what the reader can do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use age_model::{Credential, CredentialNotificationKind, CredentialRecord, KeyId, Role, Timestamp};
use age_policy::Policy;
use serde::Serialize;
use utoipa::ToSchema;

use crate::message::{Attribute, Message, MessageType};

const DAY_SECONDS: i64 = 86_400;

/// For how long the suggested command renews a credential.
const RENEWAL: &str = "90d";

/// A credential of which a message notifies people.
#[derive(Debug, Clone, Copy)]
pub struct NotifiedCredential<'a> {
    /// The name of the credential.
    pub kid: &'a KeyId,
    /// The credential.
    pub credential: &'a Credential,
    /// Its record, if it has one that can be read.
    pub record: Option<&'a CredentialRecord>,
    /// The kind of notification.
    pub kind: CredentialNotificationKind,
    /// When the credential expires, or the secret if one was refused; or when an operator made it.
    pub at: Timestamp,
}

/// Credentials that expire or have expired, or that an operator made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialsContent<'a> {
    credentials: Vec<CredentialNotice<'a>>,
}

/// A credential of which people are notified.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialNotice<'a> {
    kind: CredentialNotificationKind,
    kid: &'a KeyId,
    role: Role,
    /// When the credential or its refused secret expires; or when an operator made the credential.
    at: Timestamp,
    /// The command that issues a new token or, of a credential that an operator made, revokes it.
    command: String,
}

/// Returns the message about `credentials`, as of `now`.
#[must_use]
pub fn credential_message(policy: &Policy, credentials: &[NotifiedCredential<'_>], now: Timestamp) -> Message {
    let (subject, text) = match credentials {
        [one] => (format!("[AGE] {}", one.headline(now)), text_of_one(policy, one, now)),
        many => (subject_of_many(many), text_of_many(policy, many, now)),
    };
    let engines: BTreeSet<String> =
        credentials.iter().flat_map(|it| &it.credential.grant.engines).map(ToString::to_string).collect();
    // SNS refuses an attribute without a value.
    let attributes = if engines.is_empty() { BTreeMap::new() } else { [("engine", Attribute::Any(engines))].into() };
    let content = CredentialsContent { credentials: credentials.iter().map(CredentialNotice::new).collect() };
    Message { attributes, ..Message::new(MessageType::Credentials, &subject, text, &content) }
}

impl<'a> CredentialNotice<'a> {
    fn new(notified: &NotifiedCredential<'a>) -> Self {
        let NotifiedCredential { kid, credential, kind, at, .. } = *notified;
        Self { kind, kid, role: credential.grant.role, at, command: notified.command() }
    }
}

impl NotifiedCredential<'_> {
    /// Whether one of the credential's older secrets has expired, and not the credential.
    fn is_about_old_secret(&self) -> bool {
        self.kind == CredentialNotificationKind::Refused
            && self.credential.expires_at().is_none_or(|expires_at| self.at < expires_at)
    }

    fn headline(&self, now: Timestamp) -> String {
        let kid = self.kid;
        if self.kind == CredentialNotificationKind::MadeByOperator {
            format!("An AWS operator has made the admin {kid}")
        } else if self.is_about_old_secret() {
            format!("Old token of {kid} has expired and is still used")
        } else if self.kind == CredentialNotificationKind::Refused {
            format!("Credential {kid} has expired and is still used")
        } else if self.at <= now {
            format!("Credential {kid} has expired")
        } else {
            let seconds = self.at.seconds().saturating_sub(now.seconds());
            let days = seconds.saturating_add(DAY_SECONDS - 1) / DAY_SECONDS;
            format!("Credential {kid} expires within {days} {}", if days == 1 { "day" } else { "days" })
        }
    }

    /// Returns the command that issues a new token, or revokes the credential, to be pasted. A name has no character that is special
    /// in a shell.
    fn command(&self) -> String {
        let kid = self.kid;
        if self.kind == CredentialNotificationKind::MadeByOperator {
            return format!("agectl credential revoke {kid}");
        }
        // The credential itself is live: its expiry stays.
        let renewal = if self.is_about_old_secret() { String::new() } else { format!(" --expires-in {RENEWAL}") };
        format!("agectl credential rotate {kid}{renewal}")
    }
}

fn subject_of_many(credentials: &[NotifiedCredential<'_>]) -> String {
    let count = |kind| credentials.iter().filter(|it| it.kind == kind).count();
    let used = count(CredentialNotificationKind::Refused);
    let made = count(CredentialNotificationKind::MadeByOperator);
    let expiring = credentials.len() - used - made;
    let parts = [(expiring, "expiring"), (used, "expired and still used"), (made, "made by an AWS operator")];
    let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
    format!("[AGE] {} credentials: {}", credentials.len(), parts.collect::<Vec<_>>().join(", "))
}

fn text_of_one(policy: &Policy, one: &NotifiedCredential<'_>, now: Timestamp) -> String {
    let mut text = format!("{}: {}\n", one.headline(now), one.at.in_words());
    let (effect, request) = if one.kind == CredentialNotificationKind::MadeByOperator {
        (
            "AGE accepts its token for every route.",
            "If none of you did this, revoke it, and find out who may invoke first-admin",
        )
    } else if one.is_about_old_secret() {
        (
            "AGE refuses its requests. The new token is valid.",
            "Give the new token to its caller. If it is lost, as an admin",
        )
    } else if one.at <= now {
        ("AGE refuses its requests.", "To renew it, as an admin")
    } else {
        ("AGE refuses its requests from then on.", "To renew it, as an admin")
    };
    let _ = writeln!(text, "{effect}\n{request}: {}\n", one.command());
    facts(&mut text, policy, one);
    text
}

fn text_of_many(policy: &Policy, many: &[NotifiedCredential<'_>], now: Timestamp) -> String {
    let mut text = String::new();
    let is_made = |it: &NotifiedCredential<'_>| it.kind == CredentialNotificationKind::MadeByOperator;
    let also_made = if many.iter().any(is_made) { ", or were made by an AWS operator" } else { "" };
    let _ = writeln!(text, "{} credentials expire soon, or are used after they have expired{also_made}", many.len());
    let _ = writeln!(text, "AGE refuses the requests of a credential from the moment at which it expires.");
    let _ = writeln!(text, "To renew one: run its command as an admin, and give the new token to its caller.");
    for one in many {
        let _ = writeln!(text, "\n{}", one.headline(now));
        facts(&mut text, policy, one);
        line(&mut text, "Command", &one.command());
    }
    text
}

/// How many engines of a credential are named, so that a message about all credentials fits.
const MAX_NAMED_ENGINES: usize = 5;

fn facts(text: &mut String, policy: &Policy, one: &NotifiedCredential<'_>) {
    let NotifiedCredential { kid, credential, record, kind, at } = one;
    let by = |kid: Option<&KeyId>| kid.map_or_else(|| "an AWS operator".to_owned(), KeyId::to_string);
    let created_by = record.map(|record| format!(" by {}", by(record.created_by.as_ref()))).unwrap_or_default();
    let issuer = |hash| record.map(|record| format!(" by {}", by(record.issuer(hash)))).unwrap_or_default();
    line(text, "Credential", kid.as_str());
    line(text, "Role", credential.grant.role.as_str());
    let engines = &credential.grant.engines;
    let named = engines.iter().take(MAX_NAMED_ENGINES).map(|engine| format!("{} ({engine})", policy.title(engine)));
    let rest = engines.len().saturating_sub(MAX_NAMED_ENGINES);
    let named: Vec<String> = named.chain((rest > 0).then(|| format!("and {rest} more"))).collect();
    if !named.is_empty() {
        line(text, "Engines", &named.join(", "));
    }
    if *kind != CredentialNotificationKind::MadeByOperator {
        line(text, "Expires", &at.in_words());
    }
    line(text, "Created", &format!("{}{created_by}", credential.created_at.in_words()));
    if let Some(newest) = credential.secrets.first().filter(|newest| newest.created_at != credential.created_at) {
        line(text, "Rotated", &format!("{}{}", newest.created_at.in_words(), issuer(&newest.hash)));
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<11} {value}");
}

#[cfg(test)]
mod tests {
    use age_model::{Clock, CredentialRegistry, Engine, Grant, ManualClock, Rotation, Token};

    use super::*;

    fn credential(role: Role, engines: &[Engine], expires_at: Option<Timestamp>) -> (KeyId, CredentialRecord) {
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let (kid, by): (KeyId, KeyId) = ("billing-worker".parse().unwrap(), "ops-admin".parse().unwrap());
        let token = Token::fresh(kid.clone(), &clock).unwrap();
        let grant = Grant { role, engines: engines.iter().copied().collect(), expires_at };
        let mut registry = CredentialRegistry::default();
        let record = registry.create(&token, grant, None, clock.now()).unwrap();
        (kid, CredentialRecord { created_by: Some(by), ..record })
    }

    fn message(entries: &[NotifiedCredential<'_>], now: &str) -> Message {
        credential_message(&Policy::compiled().unwrap(), entries, now.parse().unwrap())
    }

    #[test]
    fn message_says_which_credential_when_it_expires_and_the_command_that_renews_it() {
        let expires_at: Timestamp = "2026-12-23T12:00:00Z".parse().unwrap();
        let (worker, record) = credential(
            Role::Engine,
            &[Engine::from_static("billing"), Engine::from_static("deep_agent")],
            Some(expires_at),
        );
        let kind = CredentialNotificationKind::ExpiresInAWeek;
        let entry = NotifiedCredential {
            kid: &worker,
            credential: &record.credential,
            record: Some(&record),
            kind,
            at: expires_at,
        };
        let sent = message(&[entry], "2026-12-16T12:00:30Z");
        assert_eq!(sent.subject(), "[AGE] Credential billing-worker expires within 7 days");
        assert_eq!(
            sent.text(),
            "Credential billing-worker expires within 7 days: Wed 23 Dec 2026, 12:00:00 UTC\n\
             AGE refuses its requests from then on.\n\
             To renew it, as an admin: agectl credential rotate billing-worker --expires-in 90d\n\
             \n\
             Credential  billing-worker\n\
             Role        engine\n\
             Engines     Billing (billing), Deep Agent (deep_agent)\n\
             Expires     Wed 23 Dec 2026, 12:00:00 UTC\n\
             Created     Mon 23 Nov 2026, 00:05:00 UTC by ops-admin\n"
        );
        let subject = |kind, now: &str| message(&[NotifiedCredential { kind, ..entry }], now).subject().to_owned();
        let (day, refused) = (CredentialNotificationKind::ExpiresInADay, CredentialNotificationKind::Refused);
        assert_eq!(subject(day, "2026-12-22T12:00:00Z"), "[AGE] Credential billing-worker expires within 1 day");
        assert_eq!(subject(day, "2026-12-23T12:00:00Z"), "[AGE] Credential billing-worker has expired");
        assert_eq!(
            subject(refused, "2026-12-24T00:00:00Z"),
            "[AGE] Credential billing-worker has expired and is still used"
        );
    }

    #[test]
    fn message_about_as_many_credentials_as_may_be_live_fits() {
        let engines: Vec<Engine> = (0..64).map(|number| format!("e{number:_>31}").parse().unwrap()).collect();
        let (_, record) = credential(Role::Engine, &engines, Some("2026-12-23T12:00:00Z".parse().unwrap()));
        let kids: Vec<KeyId> = (0..200).map(|number| format!("{number:x<40}").parse().unwrap()).collect();
        let (kind, at) = (CredentialNotificationKind::Refused, "2026-12-23T12:00:00Z".parse().unwrap());
        let entry = |kid| NotifiedCredential { kid, credential: &record.credential, record: Some(&record), kind, at };
        let sent = message(&kids.iter().map(entry).collect::<Vec<_>>(), "2026-12-24T12:00:00Z");
        assert!(sent.size_bytes() <= crate::message::MAX_MESSAGE_BYTES, "{}", sent.size_bytes());
        assert!(sent.text().contains(", and 59 more\n"), "{}", sent.text());
    }

    #[test]
    fn old_token_is_replaced_by_the_new_one() {
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let (worker, by): (KeyId, KeyId) = ("night-desk".parse().unwrap(), "ops-admin".parse().unwrap());
        let mut registry = CredentialRegistry::default();
        let grant = |role| Grant { role, engines: BTreeSet::new(), expires_at: None };
        registry.create(&Token::fresh(by.clone(), &clock).unwrap(), grant(Role::Admin), None, clock.now()).unwrap();
        registry
            .create(&Token::fresh(worker.clone(), &clock).unwrap(), grant(Role::Reader), None, clock.now())
            .unwrap();
        clock.advance(60);
        let rotation = Rotation { overlap_seconds: 3600, expires_at: None };
        let next = Token::fresh(worker.clone(), &clock).unwrap();
        let record = registry.rotate(&next, rotation, Some(&by), clock.now()).unwrap();
        let (kind, at) = (CredentialNotificationKind::Refused, clock.now().plus_seconds(3600));
        let (credential, record) = (&record.credential, Some(&record));
        let sent =
            message(&[NotifiedCredential { kid: &worker, credential, record, kind, at }], "2026-11-23T02:00:00Z");
        assert_eq!(sent.subject(), "[AGE] Old token of night-desk has expired and is still used");
        for line in [
            "Give the new token to its caller. If it is lost, as an admin: agectl credential rotate night-desk",
            "Created     Mon 23 Nov 2026, 00:05:00 UTC by an AWS operator",
            "Rotated     Mon 23 Nov 2026, 00:06:00 UTC by ops-admin",
        ] {
            assert!(sent.text().lines().any(|found| found == line), "{line}\n{}", sent.text());
        }
    }

    #[test]
    fn message_about_many_has_a_command_for_each() {
        let expires_at: Timestamp = "2026-12-23T12:00:00Z".parse().unwrap();
        let (worker, record) = credential(Role::Responder, &[], Some(expires_at));
        let (credential, record) = (&record.credential, Some(&record));
        let entry = |kind| NotifiedCredential { kid: &worker, credential, record, kind, at: expires_at };
        let kinds = [CredentialNotificationKind::ExpiresInADay, CredentialNotificationKind::Refused];
        let sent = message(&kinds.map(entry), "2026-12-23T13:00:00Z");
        assert_eq!(sent.subject(), "[AGE] 2 credentials: 1 expiring, 1 expired and still used");
        assert_eq!(
            sent.text().matches("Command     agectl credential rotate billing-worker --expires-in 90d").count(),
            2
        );
        assert!(sent.attributes.is_empty());
    }

    #[test]
    fn message_about_an_admin_that_an_operator_made_has_the_command_that_revokes_it() {
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let token = Token::fresh("first".parse().unwrap(), &clock).unwrap();
        let mut registry = CredentialRegistry::default();
        let record = registry.create_first_admin(&token, &BTreeSet::new(), clock.now()).unwrap();
        let made = NotifiedCredential {
            kid: token.kid(),
            credential: &record.credential,
            record: Some(&record),
            kind: CredentialNotificationKind::MadeByOperator,
            at: clock.now(),
        };
        let sent = message(&[made], "2026-11-23T00:10:00Z");
        assert_eq!(sent.subject(), "[AGE] An AWS operator has made the admin first");
        assert_eq!(
            sent.text(),
            "An AWS operator has made the admin first: Mon 23 Nov 2026, 00:05:00 UTC\n\
             AGE accepts its token for every route.\n\
             If none of you did this, revoke it, and find out who may invoke first-admin: agectl credential revoke first\n\
             \n\
             Credential  first\n\
             Role        admin\n\
             Created     Mon 23 Nov 2026, 00:05:00 UTC by an AWS operator\n"
        );
        let refused = NotifiedCredential { kind: CredentialNotificationKind::Refused, ..made };
        let both = message(&[made, refused], "2026-11-23T00:10:00Z");
        assert_eq!(both.subject(), "[AGE] 2 credentials: 1 expired and still used, 1 made by an AWS operator");
    }
}
