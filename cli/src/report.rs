//! `agectl report`: what AGE makes of a week.

use age_model::{Report, ReportId};
use clap::Subcommand;
use serde_json::value::RawValue;

use crate::api::{Api, read};
use crate::args;
use crate::error::Error;
use crate::picture;
use crate::session::Session;
use crate::table;

const PATH: &str = "reports";
/// The most that AGE lists at once.
const PAGE: usize = 100;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists reports, newest first
    List {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = args::positive())]
        limit: usize,
    },
    /// Shows a report
    Show {
        /// Its id, as `agectl report list` shows it; that of the newest by default
        id: Option<ReportId>,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let api = session.api().await?;
        match self {
            Self::List { limit } => list(&api, limit, session).await,
            Self::Show { id } => show(&api, id, session).await,
        }
    }
}

async fn list(api: &Api, limit: usize, session: &mut Session<'_>) -> Result<(), Error> {
    let reports = api.list(PATH, &[], limit, PAGE).await?;
    if session.json {
        return session.show_list(PATH, &reports);
    }
    let rows: Vec<_> = reports.iter().map(|report| Ok(row(&read(report.get())?))).collect::<Result<_, Error>>()?;
    let names = ["id", "kind", "period", "risk", "level", "events", "made"];
    Ok(writeln!(session.out, "{}", table::of(names, rows))?)
}

fn row(report: &Report) -> [String; 7] {
    [
        report.id.to_string(),
        report.kind.to_string(),
        report.report_period.replace('_', " "),
        report.risk_score.to_string(),
        report.risk_level.to_string(),
        report.summary.total_events.to_string(),
        table::moment(report.generated_at),
    ]
}

async fn show(api: &Api, id: Option<ReportId>, session: &mut Session<'_>) -> Result<(), Error> {
    let report = match id {
        Some(id) => api.get(&[PATH, &id.to_string()], &[]).await?.body,
        None => newest(api).await?,
    };
    if session.json {
        return session.show_json(&report);
    }
    Ok(writeln!(session.out, "{}", picture::of(&read(&report)?))?)
}

async fn newest(api: &Api) -> Result<String, Error> {
    let newest = api.list(PATH, &[], 1, PAGE).await?.pop();
    let text = newest.map(|report: Box<RawValue>| report.get().to_owned());
    text.ok_or(Error::NoReport)
}
