//! How many incidents of each engine a list has, so that an engine with many does not hide the others.

use std::collections::BTreeMap;

use age_model::Engine;
use age_policy::Policy;
use age_store::IncidentSummary;

use crate::engine_title::engine_title;
use crate::incidents::filter::IncidentFilterForm;
use crate::safe_text::SafeText;

/// The number of incidents of an engine, and where they are listed.
pub(crate) struct EngineCount {
    pub(crate) engine: SafeText,
    pub(crate) number: usize,
    pub(crate) url: String,
}

/// Counts `incidents` by engine. The links have `filter` with the engine.
pub(crate) fn count_by_engine<'a>(
    incidents: impl Iterator<Item = &'a IncidentSummary>,
    filter: IncidentFilterForm,
    policy: &Policy,
) -> Vec<EngineCount> {
    let mut numbers: BTreeMap<Engine, usize> = BTreeMap::new();
    for summary in incidents {
        *numbers.entry(summary.id.key.engine).or_default() += 1;
    }
    let count = |(engine, number)| EngineCount {
        engine: engine_title(policy, engine),
        number,
        url: IncidentFilterForm { engine: Some(engine), ..filter }.url("/dashboard/incidents"),
    };
    numbers.into_iter().map(count).collect()
}
