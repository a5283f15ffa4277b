//! `agectl policy history`: the activations.

use clap::Args;

use crate::commands::policy::policy_ref::short;
use crate::commands::policy::resource::{MAX_PAGE, RESOURCE};
use crate::commands::policy::stored_version::Activation;
use crate::error::Error;
use crate::format::format_timestamp;
use crate::item_list::ItemList;
use crate::list_options::ListOptions;
use crate::session::Session;

const LIST: &str = "activations";

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    options: ListOptions,
}

impl HistoryArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let list = ItemList {
            path: &[RESOURCE, LIST],
            filter: Vec::new(),
            page_size: MAX_PAGE,
            headings: ["activated", "by", "from", "to", "version", "reason"],
        };
        list.print(self.options, session, Activation::table_row).await
    }
}

impl Activation {
    fn table_row(self) -> [String; 6] {
        [
            format_timestamp(self.at),
            self.by,
            short(&self.previous),
            short(&self.hash),
            self.version.to_string(),
            self.reason,
        ]
    }
}
