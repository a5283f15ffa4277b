//! `agectl incident ack` and `resolve`: one incident, several, or all that match a filter.

use age_model::{Engine, IncidentId, IncidentStatus, KeyId, Note, Severity, Timestamp};
use clap::{ArgGroup, Args};
use serde::{Deserialize, Serialize};

use crate::api_client::ApiClient;
use crate::error::Error;
use crate::format::format_count;
use crate::session::Session;
use crate::value_parsers::{incident_status_parser, severity_parser};

pub(crate) const RESOURCE: &str = "incidents";
/// The API's maximum.
const MAX_IDS: usize = 500;

/// The arguments that select incidents by a filter.
const FILTER: [&str; 7] = ["engine", "status", "severity", "type_prefix", "opened_from", "opened_before", "opened_by"];

/// The change of the incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BulkVerb {
    Acknowledge,
    Resolve,
}

/// The arguments of `ack` and `resolve`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("filter").args(FILTER).multiple(true)))]
pub(crate) struct BulkArgs {
    /// Ids of the incidents, as `agectl incident list` lists them
    #[arg(value_name = "ID", required_unless_present = "filter", conflicts_with_all = ["filter", "expected_count"])]
    ids: Vec<IncidentId>,
    /// All incidents of this engine
    #[arg(long)]
    engine: Option<Engine>,
    /// All incidents with this status [default: `ack`: open; `resolve`: open and acknowledged]
    #[arg(long, value_parser = incident_status_parser())]
    status: Option<IncidentStatus>,
    /// All incidents with this severity
    #[arg(long, value_parser = severity_parser())]
    severity: Option<Severity>,
    /// All incidents whose event type begins with TEXT
    #[arg(long, value_name = "TEXT")]
    type_prefix: Option<String>,
    /// All incidents that were opened at TIME or later, RFC 3339, such as 2026-11-23T00:05:00Z
    #[arg(long, value_name = "TIME")]
    opened_from: Option<Timestamp>,
    /// All incidents that were opened before TIME, RFC 3339, such as 2026-11-23T00:05:00Z
    #[arg(long, value_name = "TIME")]
    opened_before: Option<Timestamp>,
    /// All incidents that an event opened which the credential KID reported
    #[arg(long, value_name = "KID")]
    opened_by: Option<KeyId>,
    /// Number of incidents that match; if another number does, nothing is changed [default: ask]
    #[arg(long, value_name = "N")]
    expected_count: Option<u64>,
    /// Do not ask for a confirmation
    #[arg(long)]
    yes: bool,
    /// Note for the timeline of each incident
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<Note>,
}

#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct BulkRequest {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<Engine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<IncidentStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_by: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BulkResponse {
    changed_count: u64,
    unchanged_count: u64,
    failed_count: u64,
    remaining_count: u64,
    failures: Vec<Failure>,
    as_of: Timestamp,
}

#[derive(Clone, Deserialize, Serialize)]
struct Failure {
    id: String,
    status: u16,
    detail: String,
}

/// The sum of all responses, and what `--json` prints.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Total {
    changed_count: u64,
    unchanged_count: u64,
    failed_count: u64,
    failures: Vec<Failure>,
}

impl BulkVerb {
    /// The last segment of the path.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }

    const fn past(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledged",
            Self::Resolve => "resolved",
        }
    }
}

impl BulkArgs {
    /// Returns the id, if it is the only one.
    pub(crate) fn only_id(&self) -> Option<&IncidentId> {
        if let [id] = self.ids.as_slice() { Some(id) } else { None }
    }

    pub(crate) async fn run(self, verb: BulkVerb, session: &mut Session<'_>) -> Result<(), Error> {
        let client = session.api_client().await?;
        let total = if self.ids.is_empty() {
            self.change_matching(&client, verb, session).await?
        } else {
            self.change_ids(&client, verb).await?
        };
        total.print(verb, session)
    }

    /// Changes the incidents with these ids. A repeat continues where the time for one request was not enough.
    async fn change_ids(self, client: &ApiClient, verb: BulkVerb) -> Result<Total, Error> {
        let note = self.note.map(String::from);
        let mut total = Total::default();
        for ids in self.ids.chunks(MAX_IDS) {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let request = BulkRequest { ids, note: note.clone(), ..BulkRequest::default() };
            loop {
                let response = send(client, verb, &request).await?;
                total.changed_count += response.changed_count;
                if response.remaining_count == 0 {
                    total.add_failures(&response);
                    break;
                }
                response.check_progress()?;
            }
        }
        let changed_or_failed = total.changed_count + total.failed_count;
        total.unchanged_count = (self.ids.len() as u64).saturating_sub(changed_or_failed);
        Ok(total)
    }

    /// Changes all incidents that match, and none that is opened meanwhile.
    async fn change_matching(
        self,
        client: &ApiClient,
        verb: BulkVerb,
        session: &mut Session<'_>,
    ) -> Result<Total, Error> {
        let request = BulkRequest {
            ids: Vec::new(),
            engine: self.engine,
            status: self.status,
            severity: self.severity,
            event_type_prefix: self.type_prefix,
            opened_from: self.opened_from,
            opened_before: self.opened_before,
            opened_by: self.opened_by,
            expected_count: None,
            note: self.note.map(String::from),
        };
        let count = match self.expected_count {
            Some(count) => count,
            None => count_matching(client, verb, &request).await?,
        };
        let incidents = format_count(count, "incident");
        if count > 0 && !self.yes && !session.confirm(&format!("Mark {incidents} as {}?", verb.past())).await? {
            return Err(Error::NotConfirmed);
        }
        change_counted(request, count, client, verb, session).await
    }
}

/// Changes the `count` incidents that match `request`, and none that is opened meanwhile.
async fn change_counted(
    mut request: BulkRequest,
    count: u64,
    client: &ApiClient,
    verb: BulkVerb,
    session: &mut Session<'_>,
) -> Result<Total, Error> {
    let incidents = format_count(count, "incident");
    let (mut total, mut expected, mut is_first) = (Total::default(), count, true);
    loop {
        request.expected_count = Some(expected);
        let response = match send(client, verb, &request).await {
            // Somebody else has changed some of the incidents that are left.
            Err(Error::Api(problem)) if !is_first && problem.actual_count.is_some_and(|it| it < expected) => {
                expected = problem.actual_count.unwrap_or_default();
                continue;
            }
            response => response?,
        };
        is_first = false;
        request.opened_before.get_or_insert(response.as_of);
        total.changed_count += response.changed_count;
        total.unchanged_count += response.unchanged_count;
        if response.remaining_count == 0 {
            total.add_failures(&response);
            return Ok(total);
        }
        response.check_progress()?;
        expected = response.remaining_count + response.failed_count;
        writeln!(session.stderr, "{} of {incidents} {} so far", total.changed_count, verb.past())?;
    }
}

/// Returns how many unresolved incidents an event opened which the credential `kid` reported.
pub(crate) async fn count_opened_by(kid: &KeyId, client: &ApiClient) -> Result<u64, Error> {
    count_matching(client, BulkVerb::Resolve, &opened_by(kid)).await
}

/// Resolves the incidents that an event opened which the credential `kid` reported. They are counted again: its events may have
/// opened more since they were counted last.
pub(crate) async fn resolve_opened_by(
    kid: &KeyId,
    client: &ApiClient,
    session: &mut Session<'_>,
) -> Result<Total, Error> {
    let count = count_opened_by(kid, client).await?;
    change_counted(opened_by(kid), count, client, BulkVerb::Resolve, session).await
}

fn opened_by(kid: &KeyId) -> BulkRequest {
    BulkRequest { opened_by: Some(kid.clone()), ..BulkRequest::default() }
}

/// Returns how many incidents match. No incident is changed: the request is carried out only if none matches.
async fn count_matching(client: &ApiClient, verb: BulkVerb, request: &BulkRequest) -> Result<u64, Error> {
    match send(client, verb, &BulkRequest { expected_count: Some(0), ..request.clone() }).await {
        Ok(_) => Ok(0),
        Err(Error::Api(problem)) if problem.actual_count.is_some() => Ok(problem.actual_count.unwrap_or_default()),
        Err(error) => Err(error),
    }
}

async fn send(client: &ApiClient, verb: BulkVerb, request: &BulkRequest) -> Result<BulkResponse, Error> {
    client.post_idempotent(&[RESOURCE, verb.path()], request).await?.parse()
}

impl BulkResponse {
    /// Fails if a repeat would change nothing.
    fn check_progress(&self) -> Result<(), Error> {
        if self.changed_count + self.unchanged_count > 0 {
            return Ok(());
        }
        Err(Error::IncidentsFailed { count: self.remaining_count + self.failed_count })
    }
}

impl Total {
    fn add_failures(&mut self, response: &BulkResponse) {
        self.failed_count += response.failed_count;
        self.failures.extend_from_slice(&response.failures);
    }

    fn print(&self, verb: BulkVerb, session: &mut Session<'_>) -> Result<(), Error> {
        if session.json {
            session.print_value(self)?;
        }
        self.print_text(verb, session)
    }

    /// Prints the numbers, unless JSON has them, and the failures.
    pub(crate) fn print_text(&self, verb: BulkVerb, session: &mut Session<'_>) -> Result<(), Error> {
        if !session.json {
            let unchanged = match self.unchanged_count {
                0 => String::new(),
                unchanged => format!("; {unchanged} had been {} already", verb.past()),
            };
            let changed = format_count(self.changed_count, "incident");
            writeln!(session.stdout, "{changed} {}{unchanged}", verb.past())?;
        }
        for Failure { id, detail, .. } in &self.failures {
            session.print_warning(&format!("{id}: {detail}"))?;
        }
        if self.failed_count == 0 { Ok(()) } else { Err(Error::IncidentsFailed { count: self.failed_count }) }
    }
}
