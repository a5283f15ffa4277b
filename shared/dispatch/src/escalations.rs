//! Writing to people about incidents: as many in one e-mail as there are to write about, and no more e-mails than anybody can read.

use futures_util::stream::{self, StreamExt};
use model::{ActionItem, Clock, Event, IncidentId, Kind, NoticeKind, Timestamp, Told};
use notify::{Entry, Topic, escalation_message};
use scoring::{Need, Policy};
use store::{Actions, Change, Consistency, Events, Kept, Life, Mailer, StoreError};

/// The most incidents one e-mail speaks of: enough that a storm fits in, and far below the 256 KB that SNS takes.
const INCIDENTS_A_MAIL: usize = 50;

/// How many incidents are claimed, or recorded, at the same time.
const WRITES_AT_ONCE: usize = 16;

/// What is needed to write to people. Make one per execution environment.
#[derive(Debug, Clone)]
pub struct Escalations {
    people: Topic,
    mailer: Mailer,
    events: Events,
    life: Life,
    policy: Policy,
    api: Option<String>,
}

/// An incident that people are to be written to about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its kind of trouble.
    pub kind: Kind,
    /// Why they are to be written to.
    pub notice: NoticeKind,
}

/// What came of writing to people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailed {
    /// How many e-mails were sent.
    pub mails: u64,
    /// How many incidents they speak of.
    pub told: u64,
    /// How many incidents wait for a later e-mail, because there have been enough by now.
    pub held: u64,
    /// How many incidents wait because something failed.
    pub failed: u64,
}

/// An incident that is the caller's to write about, as it was when it was claimed.
struct Claimed {
    id: IncidentId,
    notice: NoticeKind,
    kept: Kept,
}

impl Escalations {
    /// The first line listens to `people`. `events` are what incidents began with; `api` is the address of the API, for
    /// links, if it is known.
    #[must_use]
    pub fn new(people: Topic, events: Events, life: &Life, policy: &Policy, api: Option<String>) -> Self {
        Self { people, mailer: life.mailer(), events, life: life.clone(), policy: policy.clone(), api }
    }

    /// Writes to people about the incident of `kind` at once, if nobody has been told of it. Answers when that was done.
    ///
    /// What fails, or must wait for other e-mails, is the sweep's: the incident is due.
    pub async fn first(
        &self,
        kind: &Kind,
        about: Option<(&Event, &[ActionItem])>,
        api: Option<&str>,
        clock: &dyn Clock,
    ) -> Option<Timestamp> {
        let failed = |error: &StoreError| tracing::warn!(%error, "the first notice is left for the sweep");
        let kept = self.life.watches().get(kind).await.inspect_err(failed).ok()?;
        let need = self.policy.incidents.need(kept.watch.incident.as_ref()?, kept.tally, clock.now());
        if need != Need::Notice(NoticeKind::First) {
            return None;
        }
        let due = Due { kind: kind.clone(), notice: NoticeKind::First };
        let mut sent_at = None;
        let mailed = self.mail(&self.people, vec![due], about, api, clock, &mut sent_at).await;
        let mailed = mailed.inspect_err(failed).ok()?;
        sent_at.filter(|_| mailed.told > 0)
    }

    /// Writes to people about all of `due`, the oldest first: to those who listen to `topic`, or to the first line.
    pub async fn write(&self, topic: Option<&Topic>, due: &[Due], clock: &dyn Clock) -> Mailed {
        let topic = topic.unwrap_or(&self.people);
        let mut all = Mailed::default();
        for part in due.chunks(INCIDENTS_A_MAIL) {
            let number = part.len() as u64;
            match self.mail(topic, part.to_vec(), None, None, clock, &mut None).await {
                Ok(mailed) if mailed.held > 0 => {
                    all.held += (due.len() as u64).saturating_sub(all.told + all.failed);
                    break;
                }
                Ok(mailed) => {
                    all.mails += mailed.mails;
                    all.told += mailed.told;
                    all.failed += mailed.failed;
                }
                Err(error) => {
                    tracing::error!(%error, "people were not written to");
                    all.failed += number;
                }
            }
        }
        all
    }

    /// One e-mail: the right to send it, the incidents it speaks of, the sending, the record.
    async fn mail(
        &self,
        topic: &Topic,
        due: Vec<Due>,
        about: Option<(&Event, &[ActionItem])>,
        api: Option<&str>,
        clock: &dyn Clock,
        sent_at: &mut Option<Timestamp>,
    ) -> Result<Mailed, StoreError> {
        let rules = &self.policy.incidents;
        let number = due.len() as u64;
        if !self.mailer.take(rules.mail_every_seconds, rules.mail_burst, clock).await? {
            tracing::info!(held = number, "enough e-mails for now");
            return Ok(Mailed { held: number, ..Mailed::default() });
        }
        let claims = stream::iter(due).map(|due| self.claim(due, clock)).buffer_unordered(WRITES_AT_ONCE);
        let mut claimed: Vec<Claimed> = claims.filter_map(async |claimed| claimed).collect().await;
        claimed.sort_by_key(|claimed| (claimed.id.opened_at, claimed.id.kind.clone()));
        let leased = |claimed: &Claimed| {
            let incident = claimed.kept.watch.incident.as_ref();
            incident.and_then(|incident| incident.sending_until).is_some_and(|until| until > clock.now())
        };
        claimed.retain(leased);
        let entries: Vec<Entry<'_>> = claimed.iter().filter_map(Claimed::entry).collect();
        if entries.is_empty() {
            return Ok(Mailed { failed: number, ..Mailed::default() });
        }
        let found = if about.is_none() { self.about(&claimed).await? } else { None };
        let about = about.or(found.as_ref().map(|(event, actions)| (event, actions.as_slice())));
        let message = escalation_message(&self.policy, &entries, about, self.api.as_deref().or(api));
        if let Err(error) = topic.publish(&message).await {
            // Whoever looks next finds them due when the lease ends.
            tracing::warn!(%error, incidents = entries.len(), "people were not written to");
            return Ok(Mailed { failed: number, ..Mailed::default() });
        }
        let at = clock.now();
        *sent_at = Some(at);
        let told = claimed.len() as u64;
        let records: Vec<_> = claimed.iter().map(|claimed| self.record(claimed, told, at, clock)).collect();
        stream::iter(records).buffer_unordered(WRITES_AT_ONCE).collect::<Vec<()>>().await;
        Ok(Mailed { mails: 1, told, held: 0, failed: number.saturating_sub(told) })
    }

    /// None if it needs no such notice any more, or somebody else is writing about it.
    async fn claim(&self, due: Due, clock: &dyn Clock) -> Option<Claimed> {
        let rules = &self.policy.incidents;
        let mut notice = due.notice;
        let is_second = |kind: NoticeKind| kind == NoticeKind::SecondLine;
        let claim = self.life.change(&due.kind, clock, |kept| {
            let now = clock.now();
            let mut watch = kept.watch.clone();
            let Some(incident) = watch.incident.as_mut() else { return Ok(None) };
            match rules.need(incident, kept.tally, now) {
                Need::Notice(kind) if is_second(kind) == is_second(due.notice) => notice = kind,
                _ => return Ok(None),
            }
            rules.claim(incident, now);
            Ok::<_, StoreError>(Some(Change { watch, notice: None, at: now }))
        });
        let failed = |error: &StoreError| tracing::warn!(%error, "an incident was not claimed; it is due again");
        let kept = claim.await.inspect_err(failed).ok()??;
        let opened_at = kept.watch.incident.as_ref()?.opened_at;
        Some(Claimed { id: IncidentId { kind: due.kind, opened_at }, notice, kept })
    }

    /// What is known besides of an incident that has the e-mail for itself.
    async fn about(&self, claimed: &[Claimed]) -> Result<Option<(Event, Vec<ActionItem>)>, StoreError> {
        let [Claimed { kept, .. }] = claimed else { return Ok(None) };
        let Some(id) = kept.watch.incident.as_ref().and_then(|incident| incident.event_id) else { return Ok(None) };
        let Some(event) = self.events.get(id, Consistency::Strong).await? else { return Ok(None) };
        let actions: &Actions = self.life.actions();
        Ok(Some((event, actions.of_event(id).await?)))
    }

    /// Puts on record that people were written to. What cannot be recorded is sent again when its lease ends, under the
    /// same number.
    async fn record(&self, claimed: &Claimed, incidents: u64, at: Timestamp, clock: &dyn Clock) {
        let Claimed { id, notice, kept } = claimed;
        let Some(ours) = kept.watch.incident.as_ref() else { return };
        let told = Told { events: kept.tally.events, alarms: ours.alarms };
        let recorded = self.life.change(&id.kind, clock, |now| {
            let mut watch = now.watch.clone();
            let is_ours = |incident: &&mut model::Incident| {
                (incident.opened_at, incident.notices) == (ours.opened_at, ours.notices)
            };
            let Some(incident) = watch.incident.as_mut().filter(is_ours) else { return Ok(None) };
            let notice = self.policy.incidents.sent(incident, *notice, (kept.tally, told, incidents), at);
            Ok::<_, StoreError>(Some(Change { watch, notice: Some(notice), at }))
        });
        if let Err(error) = recorded.await {
            tracing::warn!(%error, incident = %id, "a notice is not on record");
        }
    }
}

impl Claimed {
    fn entry(&self) -> Option<Entry<'_>> {
        let incident = self.kept.watch.incident.as_ref()?;
        Some(Entry { id: &self.id, incident, tally: self.kept.tally, kind: self.notice })
    }
}
