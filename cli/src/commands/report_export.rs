//! `agectl report export`: a report in the formats of other programs.

use std::path::PathBuf;

use age_model::{BYTE_ORDER_MARK, Report, format_csv, report_rows, visible_line, visible_text};
use clap::{Args, ValueEnum};

use crate::api_response::parse_json;
use crate::commands::report_ref::ReportRef;
use crate::error::Error;
use crate::json_format::format_json;
use crate::report_markdown::format_markdown;
use crate::report_view::format_report;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct ExportReportArgs {
    /// Id of the report, as `agectl report list` lists it, or `latest`
    #[arg(default_value = "latest")]
    id: ReportRef,
    /// Format of the export
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
    /// Write to FILE, and replace it if it exists [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The report as the API has it
    #[default]
    Json,
    /// All figures and sentences in the columns `section`, `name` and `value`, with the API's names, for spreadsheets
    Csv,
    /// Tables and links, for a wiki or an issue
    Markdown,
    /// As `agectl report show` prints it
    Text,
}

impl ExportReportArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let client = session.api_client().await?;
        let report = self.id.get(&client).await?;
        let text = self.format.render(&report, &client.base_url())?;
        let Some(file) = self.output else { return Ok(session.stdout.write_unchanged(text.as_bytes())?) };
        // Programs that read standard output expect no mark.
        let mark = if self.format == ExportFormat::Csv { BYTE_ORDER_MARK } else { "" };
        let name = file.to_string_lossy().into_owned();
        let written = tokio::fs::write(&file, format!("{mark}{text}")).await;
        written.map_err(|cause| Error::WriteFile { name: name.clone(), cause })?;
        session.print_warning(&format!("Wrote the report to {name}"))
    }
}

impl ExportFormat {
    /// Returns `report`, which is JSON, in this format. No character of it can control a terminal.
    fn render(self, report: &str, base_url: &str) -> Result<String, Error> {
        let parse = || parse_json::<Report>(report);
        let text = match self {
            Self::Csv => {
                let rows = report_rows(&parse()?).into_iter();
                return Ok(format_csv(rows.map(|row| row.map(|cell| visible_line(&cell)))));
            }
            Self::Json => format_json(report),
            Self::Markdown => format_markdown(&parse()?, base_url),
            Self::Text => format_report(&parse()?, base_url),
        };
        Ok(visible_text(&format!("{text}\n")))
    }
}
