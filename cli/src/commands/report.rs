//! `agectl report`: makes, lists, shows and exports reports.

use age_model::Report;
use clap::Subcommand;

use crate::api_client::ApiClient;
use crate::api_response::parse_json;
use crate::commands::report_export::ExportReportArgs;
use crate::commands::report_ref::{PAGE_SIZE, RESOURCE, ReportRef};
use crate::error::Error;
use crate::format::{format_name, format_timestamp};
use crate::item_list::ItemList;
use crate::list_options::ListOptions;
use crate::report_view::format_report;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// List reports, newest first
    List {
        #[command(flatten)]
        options: ListOptions,
    },
    /// Show a report
    Show {
        /// Id of the report, as `agectl report list` lists it, or `latest`
        #[arg(default_value = "latest")]
        id: ReportRef,
    },
    /// Write a report to a file or to standard output
    Export(ExportReportArgs),
    /// Make a report of the last 7 days, and show it
    Make,
}

impl ReportCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::List { options } => list_reports(options, session).await,
            Self::Show { id } => {
                let client = session.api_client().await?;
                let report = id.get(&client).await?;
                print_report(&report, &client, session)
            }
            Self::Export(args) => args.run(session).await,
            Self::Make => {
                let client = session.api_client().await?;
                let report = client.post_without_body(&["report"]).await?.body;
                print_report(&report, &client, session)
            }
        }
    }
}

async fn list_reports(options: ListOptions, session: &mut Session<'_>) -> Result<(), Error> {
    let list = ItemList {
        path: &[RESOURCE],
        filter: Vec::new(),
        page_size: PAGE_SIZE,
        headings: ["id", "kind", "period", "risk score", "risk level", "events", "generated"],
    };
    list.print(options, session, |report: Report| table_row(&report)).await
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

fn print_report(report: &str, client: &ApiClient, session: &mut Session<'_>) -> Result<(), Error> {
    if session.json {
        return session.print_json(report);
    }
    let text = format_report(&parse_json(report)?, &client.base_url());
    Ok(writeln!(session.stdout, "{text}")?)
}
