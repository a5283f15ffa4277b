//! `agectl policy list`: the versions.

use age_model::{PolicyHash, PolicyShadow, Timestamp};
use clap::Args;
use serde::Deserialize;

use crate::commands::policy::resource::{MAX_PAGE, RESOURCE};
use crate::error::Error;
use crate::format::{NO_VALUE, format_timestamp};
use crate::item_list::ItemList;
use crate::list_options::ListOptions;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    options: ListOptions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedVersion {
    hash: PolicyHash,
    version: u64,
    author: Option<String>,
    created_at: Option<Timestamp>,
    active: bool,
    shadow: Option<PolicyShadow>,
    last_activated_at: Option<Timestamp>,
}

impl ListArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let list = ItemList {
            path: &[RESOURCE],
            filter: Vec::new(),
            page_size: MAX_PAGE,
            headings: ["version", "status", "author", "stored", "last activated", "hash"],
        };
        list.print(self.options, session, ListedVersion::table_row).await
    }
}

impl ListedVersion {
    fn table_row(self) -> [String; 6] {
        let time = |time: Option<Timestamp>| time.map_or_else(|| NO_VALUE.to_owned(), format_timestamp);
        let status = match (self.active, self.last_activated_at) {
            (true, _) => "active",
            (false, _) if self.shadow.is_some() => "shadow",
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
