//! `agectl event list`: the events of a filter.

use age_model::{Engine, EventType, Severity, Timestamp};
use clap::Args;
use serde::Deserialize;

use crate::commands::event_show::RESOURCE;
use crate::error::Error;
use crate::format::{NO_VALUE, format_timestamp};
use crate::item_list::ItemList;
use crate::list_options::ListOptions;
use crate::session::Session;
use crate::value_parsers::{parse_day_or_time, severity_parser};

/// The API's maximum.
const PAGE_SIZE: usize = 500;

#[derive(Debug, Args)]
pub(crate) struct ListEventsArgs {
    /// List only events of this engine
    #[arg(long)]
    engine: Option<Engine>,
    /// List only events with this severity
    #[arg(long, value_parser = severity_parser())]
    severity: Option<Severity>,
    /// List only events of this type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<EventType>,
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
            ("engine", self.engine.map(|engine| engine.to_string())),
            ("severity", self.severity.map(|severity| severity.to_string())),
            ("eventType", self.event_type.map(String::from)),
            ("from", self.from.map(|from| from.to_string())),
            ("to", self.to.map(|to| to.to_string())),
        ];
        let list = ItemList {
            path: &[RESOURCE],
            filter: filter.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
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
