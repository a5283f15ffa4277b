//! `agectl report`: makes, lists, shows and exports reports.

use age_model::{Report, ReportKind, Timestamp};
use clap::{Args, Subcommand};

use crate::api_client::ApiClient;
use crate::api_response::parse_json;
use crate::commands::report_export::ExportReportArgs;
use crate::commands::report_ref::{PAGE_SIZE, RESOURCE, ReportRef};
use crate::error::Error;
use crate::format::{format_name, format_timestamp};
use crate::item_list::ItemList;
use crate::list_options::{ListOptions, filter};
use crate::report_view::format_report;
use crate::session::Session;
use crate::value_parsers::{parse_day_or_time, report_kind_parser};

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// List reports, newest first
    List(ListReportsArgs),
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

#[derive(Debug, Args)]
pub(crate) struct ListReportsArgs {
    /// List only reports of these kinds, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = report_kind_parser())]
    kind: Vec<ReportKind>,
    /// List only reports that were generated at TIME or later: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    from: Option<Timestamp>,
    /// List only reports that were generated before TIME: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    to: Option<Timestamp>,
    #[command(flatten)]
    options: ListOptions,
}

impl ReportCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::List(args) => list_reports(args, session).await,
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

async fn list_reports(args: ListReportsArgs, session: &mut Session<'_>) -> Result<(), Error> {
    let filter = [filter("kind", &args.kind), filter("from", args.from), filter("to", args.to)];
    let list = ItemList {
        path: &[RESOURCE],
        filter: filter.concat(),
        page_size: PAGE_SIZE,
        headings: ["id", "kind", "period", "risk score", "risk level", "events", "generated"],
    };
    list.print(args.options, session, |report: Report| table_row(&report)).await
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
