//! `agectl report`: lists and shows reports.

use age_model::{Report, ReportId};
use clap::Subcommand;

use crate::api_client::{ApiClient, ListedItems};
use crate::api_response::parse_json;
use crate::error::Error;
use crate::format::{format_name, format_timestamp};
use crate::report_view::format_report;
use crate::session::Session;
use crate::value_parsers::positive_integer_parser;

const RESOURCE: &str = "reports";
/// The API's maximum.
const PAGE_SIZE: usize = 100;

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// List reports, newest first
    List {
        /// List at most N reports
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = positive_integer_parser())]
        limit: usize,
    },
    /// Show a report
    Show {
        /// Id of the report, as `agectl report list` lists it [default: the newest report]
        id: Option<ReportId>,
    },
}

impl ReportCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let api_client = session.api_client().await?;
        match self {
            Self::List { limit } => list_reports(&api_client, limit, session).await,
            Self::Show { id } => show_report(&api_client, id, session).await,
        }
    }
}

async fn list_reports(api_client: &ApiClient, limit: usize, session: &mut Session<'_>) -> Result<(), Error> {
    let ListedItems { items, unreadable } = api_client.list(&[RESOURCE], &[], limit, PAGE_SIZE).await?;
    session.warn_unreadable(&unreadable)?;
    if session.json {
        return session.print_json_list(RESOURCE, &items);
    }
    let headings = ["id", "kind", "period", "risk score", "risk level", "events", "generated"];
    session.print_table(headings, &items, |report: Report| table_row(&report))
}

fn table_row(report: &Report) -> [String; 7] {
    [
        report.id.to_string(),
        format_name(report.kind.as_str()),
        report.report_period.replace('_', " "),
        report.risk_score.to_string(),
        report.risk_level.to_string(),
        report.summary.total_events.to_string(),
        format_timestamp(report.generated_at),
    ]
}

async fn show_report(api_client: &ApiClient, id: Option<ReportId>, session: &mut Session<'_>) -> Result<(), Error> {
    let report = match id {
        Some(id) => api_client.get(&[RESOURCE, &id.to_string()], &[]).await?.body,
        None => newest_report(api_client).await?,
    };
    if session.json {
        return session.print_json(&report);
    }
    let text = format_report(&parse_json(&report)?, &api_client.base_url());
    Ok(writeln!(session.stdout, "{text}")?)
}

async fn newest_report(api_client: &ApiClient) -> Result<String, Error> {
    let newest = api_client.list(&[RESOURCE], &[], 1, PAGE_SIZE).await?.items.pop();
    newest.map(|report| report.get().to_owned()).ok_or(Error::NoReport)
}
