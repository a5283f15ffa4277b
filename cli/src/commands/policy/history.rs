//! `agectl policy history`: the activations.

use clap::Args;

use crate::api_client::ListedItems;
use crate::commands::policy::policy_ref::short;
use crate::commands::policy::resource::{MAX_PAGE, RESOURCE};
use crate::commands::policy::stored_version::Activation;
use crate::error::Error;
use crate::format::format_timestamp;
use crate::session::Session;
use crate::value_parsers::positive_integer_parser;

const LIST: &str = "activations";

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// List at most N activations
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = positive_integer_parser())]
    limit: usize,
}

impl HistoryArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let client = session.api_client().await?;
        let ListedItems { items, unreadable } = client.list(&[RESOURCE, LIST], &[], self.limit, MAX_PAGE).await?;
        session.warn_unreadable(&unreadable)?;
        if session.json {
            return session.print_json_list(LIST, &items);
        }
        let headings = ["activated", "by", "from", "to", "version", "reason"];
        session.print_table(headings, &items, |activation: Activation| activation.table_row())
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
