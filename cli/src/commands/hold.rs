//! `agectl hold`: stops engines, or one of their operations, for a time.

use std::time::Duration;

use age_model::{Engine, HoldId, HoldStatus, Note, Timestamp};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use crate::api_response::ApiResponse;
use crate::error::Error;
use crate::format::format_timestamp;
use crate::item_list::ItemList;
use crate::list_options::{ListOptions, filter};
use crate::session::Session;
use crate::value_parsers::{hold_status_parser, parse_day_or_time};

const RESOURCE: &str = "holds";

/// The API's maximum.
const PAGE_SIZE: usize = 200;

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// List holds: the active ones first, and of each status the one that was set last
    List(ListHoldsArgs),
    /// Stop an engine, or one of its operations: AGE answers deny to every request for a decision from now on
    ///
    /// A hold ends by itself after 30 days at most.
    Set(SetHoldArgs),
    /// End a hold before its time
    End {
        /// Id of the hold, as `agectl hold list` lists it
        id: HoldId,
        /// Why the hold ends, for its record
        #[arg(long, value_name = "TEXT")]
        reason: Option<Note>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ListHoldsArgs {
    /// List only holds with one of these statuses, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = hold_status_parser())]
    status: Vec<HoldStatus>,
    /// List only holds of these engines, separated by commas
    #[arg(long, value_delimiter = ',')]
    engine: Vec<Engine>,
    /// List only holds that were set at TIME or later: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    from: Option<Timestamp>,
    /// List only holds that were set before TIME: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    to: Option<Timestamp>,
    #[command(flatten)]
    options: ListOptions,
}

#[derive(Debug, Args)]
pub(crate) struct SetHoldArgs {
    /// Engine to stop
    engine: Engine,
    /// Name of the operation to stop [default: all operations of the engine]
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Reason, which people and the engine are shown: up to 1,000 characters
    #[arg(long, value_name = "TEXT")]
    reason: Note,
    #[command(flatten)]
    end: EndOfHold,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct EndOfHold {
    /// When the hold ends by itself, RFC 3339, such as 2026-11-24T06:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Time until the hold ends by itself, such as 4h
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
}

#[derive(Serialize)]
struct SetHoldRequest {
    engine: Engine,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    reason: String,
    until: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hold {
    id: String,
    engine: String,
    operation: Option<String>,
    reason: String,
    /// A status of a later version is shown as it is.
    status: String,
    set_by: Option<String>,
    rule: Option<String>,
    until: Timestamp,
    ended_at: Option<Timestamp>,
}

impl HoldCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::List(args) => args.run(session).await,
            Self::Set(args) => args.run(session).await,
            Self::End { id, reason } => {
                let client = session.api_client().await?;
                let query = filter("reason", reason.map(String::from));
                let response = client.delete_with(&[RESOURCE, &id.to_string()], &query).await?;
                print_hold(&response, session)
            }
        }
    }
}

impl ListHoldsArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let filter = [
            filter("status", &self.status),
            filter("engine", &self.engine),
            filter("from", self.from),
            filter("to", self.to),
        ];
        let list = ItemList {
            path: &[RESOURCE],
            filter: filter.concat(),
            page_size: PAGE_SIZE,
            headings: ["id", "status", "engine", "operation", "until", "set by", "reason"],
        };
        list.print(self.options, session, Hold::table_row).await
    }
}

impl SetHoldArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let Self { engine, operation, reason, end: EndOfHold { until, duration } } = self;
        let after = |duration: Duration| session.now.plus_seconds(duration.as_secs().try_into().unwrap_or(i64::MAX));
        let until = until.or_else(|| duration.map(after)).unwrap_or(session.now);
        let request = SetHoldRequest { engine, operation, reason: reason.into(), until };
        let client = session.api_client().await?;
        // Idempotent: AGE recognizes the same hold by the same credential.
        let response = client.post_idempotent(&[RESOURCE], &request).await?;
        print_hold(&response, session)
    }
}

/// Prints a hold that was set or ended.
fn print_hold(response: &ApiResponse, session: &mut Session<'_>) -> Result<(), Error> {
    if session.json {
        return session.print_json(&response.body);
    }
    let hold: Hold = response.parse()?;
    let target = match &hold.operation {
        Some(operation) => format!("operation {operation} of {}", hold.engine),
        None => hold.engine.clone(),
    };
    session.print_line(&match hold.ended_at {
        None => format!("Hold of {target} until {}: {} ({})", format_timestamp(hold.until), hold.reason, hold.id),
        Some(at) => format!("Hold of {target} ended at {} ({})", format_timestamp(at), hold.id),
    })
}

impl Hold {
    fn table_row(self) -> [String; 7] {
        let rule = self.rule.map(|rule| format!("policy: {rule}"));
        [
            self.id,
            self.status,
            self.engine,
            self.operation.unwrap_or_else(|| "all".to_owned()),
            format_timestamp(self.ended_at.unwrap_or(self.until)),
            self.set_by.or(rule).unwrap_or_default(),
            self.reason,
        ]
    }
}
