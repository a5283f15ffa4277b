//! `agectl policy list`: the versions.

use age_model::{PolicyHash, Timestamp};
use clap::Args;
use serde::Deserialize;

use crate::api_client::ListedItems;
use crate::commands::policy::resource::{MAX_PAGE, RESOURCE};
use crate::error::Error;
use crate::format::{NO_VALUE, format_timestamp};
use crate::session::Session;
use crate::value_parsers::positive_integer_parser;

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// List at most N versions
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = positive_integer_parser())]
    limit: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedVersion {
    hash: PolicyHash,
    version: u64,
    author: Option<String>,
    created_at: Option<Timestamp>,
    active: bool,
    last_activated_at: Option<Timestamp>,
}

impl ListArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let client = session.api_client().await?;
        let ListedItems { items, unreadable } = client.list(&[RESOURCE], &[], self.limit, MAX_PAGE).await?;
        session.warn_unreadable(&unreadable)?;
        if session.json {
            return session.print_json_list(RESOURCE, &items);
        }
        let headings = ["version", "status", "author", "stored", "last activated", "hash"];
        session.print_table(headings, &items, |version: ListedVersion| version.table_row())
    }
}

impl ListedVersion {
    fn table_row(self) -> [String; 6] {
        let time = |time: Option<Timestamp>| time.map_or_else(|| NO_VALUE.to_owned(), format_timestamp);
        let status = match (self.active, self.last_activated_at) {
            (true, _) => "active",
            (false, None) if self.version > 0 => "draft",
            (false, _) => NO_VALUE,
        };
        [
            self.version.to_string(),
            status.to_owned(),
            self.author.unwrap_or_else(|| "AGE".to_owned()),
            time(self.created_at),
            time(self.last_activated_at),
            self.hash.to_string(),
        ]
    }
}
