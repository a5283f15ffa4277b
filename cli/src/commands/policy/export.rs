//! `agectl policy export`: the history of a period, for simulations without AGE.

use age_model::PolicyHash;
use age_policy::Policy;
use age_scoring::simulation::History;
use clap::Args;
use serde::Deserialize;

use crate::commands::policy::period::PeriodArgs;
use crate::commands::policy::resource::RESOURCE;
use crate::error::Error;
use crate::input_source::InputSource;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    period: PeriodArgs,
}

/// The export: the history of a period, and the policy that was active at the time of the export.
#[derive(Debug, Deserialize)]
pub(super) struct HistoryExport {
    pub(super) active: ActivePolicy,
    pub(super) history: History,
}

#[derive(Debug, Deserialize)]
pub(super) struct ActivePolicy {
    pub(super) hash: PolicyHash,
    #[serde(rename = "document")]
    pub(super) policy: Policy,
}

impl ExportArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let (from, to) = self.period.resolve(session.now);
        let query = [("from", from.to_string()), ("to", to.to_string())];
        let response = session.api_client().await?.get(&[RESOURCE, "history"], &query).await?;
        session.print_json(&response.body)
    }
}

impl HistoryExport {
    /// Reads an export that `agectl policy export` has written.
    pub(super) async fn read(source: &InputSource, session: &mut Session<'_>) -> Result<Self, Error> {
        let json = session.read_to_string(source).await?;
        let unusable =
            |cause: String| Error::Usage(format!("{source} is not an export of `agectl policy export`: {cause}"));
        let mut deserializer = serde_json::Deserializer::from_str(&json);
        let export: Self =
            serde_path_to_error::deserialize(&mut deserializer).map_err(|error| unusable(error.to_string()))?;
        match export.history.schema_version {
            History::SCHEMA_VERSION => Ok(export),
            version => Err(unusable(format!("its schemaVersion must be {}; got {version}", History::SCHEMA_VERSION))),
        }
    }
}
