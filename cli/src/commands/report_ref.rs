//! The reports that arguments name.

use std::str::FromStr;

use age_model::ReportId;
use thiserror::Error as ThisError;

use crate::api_client::ApiClient;
use crate::error::Error;

pub(crate) const RESOURCE: &str = "reports";
/// The API's maximum.
pub(crate) const PAGE_SIZE: usize = 100;

/// A report that an argument names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportRef {
    /// The newest report.
    Latest,
    Id(ReportId),
}

/// The text names no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[error("must be the id of a report, as `agectl report list` lists it, or `latest`")]
pub(crate) struct InvalidReportRef;

impl FromStr for ReportRef {
    type Err = InvalidReportRef;

    fn from_str(text: &str) -> Result<Self, InvalidReportRef> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        text.parse().map(Self::Id).map_err(|_| InvalidReportRef)
    }
}

impl ReportRef {
    /// Returns the report as JSON.
    pub(crate) async fn get(self, client: &ApiClient) -> Result<String, Error> {
        match self {
            Self::Id(id) => Ok(client.get_named(&[RESOURCE, &id.to_string()]).await?.body),
            Self::Latest => {
                let newest = client.list(&[RESOURCE], &[], 1, PAGE_SIZE).await?.items.pop();
                newest.map(|report| report.get().to_owned()).ok_or(Error::NoReport)
            }
        }
    }
}
