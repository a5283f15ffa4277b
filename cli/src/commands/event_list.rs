//! `agectl event list`: the events of a filter.

use age_model::{Engine, EventType, Severity, Timestamp};
use clap::Args;
use serde::Deserialize;

use crate::commands::event_show::RESOURCE;
use crate::error::Error;
use crate::format::{NO_VALUE, format_timestamp};
use crate::item_list::ItemList;
use crate::list_options::{ListOptions, filter};
use crate::session::Session;
use crate::value_parsers::{parse_day_or_time, severity_parser};

/// The API's maximum.
const PAGE_SIZE: usize = 500;

#[derive(Debug, Args)]
pub(crate) struct ListEventsArgs {
    /// List only events of these engines, separated by commas
    #[arg(long, value_delimiter = ',')]
    engine: Vec<Engine>,
    /// List only events with one of these severities, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = severity_parser())]
    severity: Vec<Severity>,
    /// List only events of this type; repeat the option for several types
    #[arg(long = "type", value_name = "TYPE")]
    event_types: Vec<EventType>,
    /// List only events that AGE accepted at TIME or later: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    from: Option<Timestamp>,
    /// List only events that AGE accepted before TIME: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    to: Option<Timestamp>,
    #[command(flatten)]
    options: ListOptions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedEvent {
    id: String,
    engine: String,
    event_type: String,
    severity: Severity,
    occurred_at: Timestamp,
    reported_by: Option<String>,
}

impl ListEventsArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let filter = [
            filter("engine", &self.engine),
            filter("severity", &self.severity),
            filter("eventType", self.event_types.iter().map(EventType::as_str)),
            filter("from", self.from),
            filter("to", self.to),
        ];
        let list = ItemList {
            path: &[RESOURCE],
            filter: filter.concat(),
            page_size: PAGE_SIZE,
            headings: ["id", "severity", "accepted", "reported by", "engine", "type"],
        };
        list.print(self.options, session, ListedEvent::table_row).await
    }
}

impl ListedEvent {
    fn table_row(self) -> [String; 6] {
        [
            self.id,
            self.severity.to_string(),
            format_timestamp(self.occurred_at),
            self.reported_by.unwrap_or_else(|| NO_VALUE.to_owned()),
            self.engine,
            self.event_type,
        ]
    }
}
