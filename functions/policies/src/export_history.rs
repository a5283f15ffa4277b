//! `GET /api/governance/policies/history`: the history of a period, for simulations without AGE.

use age_governance::{HistoryExport, export_history};
use age_http::{DayOrTime, FieldError, Problem, Query};
use age_model::{MAX_SIMULATED_DAYS, PolicyHash, Timestamp};
use age_policy::Policy;
use age_scoring::simulation::History;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app::{App, Inner};

/// The days of the period whose beginning is not given.
const DEFAULT_DAYS: i64 = 4 * 7;

/// A Lambda function answers at most 6 MB.
const MAX_BYTES: usize = 5_000_000;

/// The records of a period, and the policy version that is active.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryExport)]
struct HistoryView {
    active: ActiveVersion,
    /// The history, as `agectl policy simulate --export` reads it. It has no details of events, notes or texts of people.
    /// Decisions have the requests that the policy had recorded.
    #[schema(value_type = Object)]
    history: History,
}

/// The active policy version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportedPolicy)]
struct ActiveVersion {
    hash: PolicyHash,
    #[schema(value_type = Policy)]
    document: Box<RawValue>,
}

/// Export the history of a period
///
/// Returns what AGE recorded of the period, with everything that the active version would act on, so that policies can be simulated
/// without AGE. It has up to 2 MB of decisions, the latest ones.
#[utoipa::path(
    get,
    path = "/api/governance/policies/history",
    operation_id = "export_policy_history", tag = "Policies",
    params(
        ("from" = Option<Timestamp>, Query, description = "The beginning, in the past; a day stands for its midnight in UTC. 4 weeks before `to` by default"),
        ("to" = Option<Timestamp>, Query, description = "The end, which is not part of the period, at most 13 weeks after `from`; now by default"),
    ),
    responses((status = 200, description = "The history", body = HistoryView)),
)]
pub(crate) async fn export_policy_history(
    State(App(app)): State<App>,
    query: Query,
) -> Result<impl IntoResponse, Problem> {
    let clock = app.clock.as_ref();
    let period = read_period(query, clock.now())?;
    let export = export_history(&app.policies, &app.simulator, period, clock).await?;
    let json = within_limit(app.history_json(export)?)?;
    Ok(([(CONTENT_TYPE, "application/json")], json))
}

fn read_period(mut query: Query, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
    let to = query.optional("to").map_or(now, |DayOrTime(to)| to);
    let from = query.optional("from").map_or(to.plus_days(-DEFAULT_DAYS), |DayOrTime(from)| from);
    if from >= now {
        query.refuse("from", "must be in the past");
    } else if from >= to {
        query.refuse("from", "must be before to");
    } else if to > from.plus_days(MAX_SIMULATED_DAYS) {
        query.refuse("from", "must be at most 13 weeks before to");
    }
    query.finish()?;
    Ok((from, to))
}

fn within_limit(json: String) -> Result<String, Problem> {
    if json.len() <= MAX_BYTES {
        return Ok(json);
    }
    let detail = format!(
        "the history of this period has {} bytes, at most {MAX_BYTES} are answered: choose a shorter period",
        json.len()
    );
    Err(Problem::invalid(vec![FieldError::new("from", detail.clone())]).with_detail(detail))
}

impl Inner {
    fn history_json(&self, HistoryExport { active, history }: HistoryExport) -> Result<String, Problem> {
        let hash = active.version.hash;
        let json = RawValue::from_string(active.document).and_then(|document| {
            serde_json::to_string(&HistoryView { active: ActiveVersion { hash, document }, history })
        });
        Ok(json.map_err(|error| self.policies.corrupt_document(&hash, &error))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_that_lambda_cannot_answer_is_refused_with_its_size() {
        assert!(within_limit("x".repeat(5_000_000)).is_ok());
        let refused = within_limit("x".repeat(5_000_001)).unwrap_err();
        let detail =
            "the history of this period has 5000001 bytes, at most 5000000 are answered: choose a shorter period";
        assert_eq!((refused.status().as_u16(), refused.detail()), (422, detail));
        assert_eq!(refused.errors(), [FieldError::new("from", detail)]);
    }
}
