//! `agectl policy test`: whether the guardrails of a policy decide as their author expects.

use std::path::Path;

use age_model::{DecisionReason, Engine, PolicyHash, Verdict, deserialize_known, visible_line};
use age_policy::{Evaluation, FleetState, Policy, evaluate};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::commands::policy::policy_file::PolicyFile;
use crate::data_file::DataFile;
use crate::decision_request::{asking_engine, parse_request};
use crate::error::Error;
use crate::fleet_state::StateDocument;
use crate::format::format_count;
use crate::input_source::InputSource;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// File with the cases, TOML or JSON (`-`: standard input)
    cases: InputSource,
}

/// The cases of a policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CasesDocument {
    /// The file of the policy, seen from the folder of the cases.
    policy: String,
    cases: Vec<Case>,
}

/// A request, a state, and the decision that is expected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The engine that asks, if the request does not name it.
    engine: Option<Engine>,
    request: Box<RawValue>,
    #[serde(default)]
    state: StateDocument,
    #[serde(deserialize_with = "deserialize_known")]
    verdict: Verdict,
    /// A guardrail that must be among the reasons.
    rule: Option<String>,
}

/// The results, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TestResults {
    policy_hash: PolicyHash,
    cases: Vec<CaseResult>,
}

/// The result of a case.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CaseResult {
    name: String,
    ok: bool,
    expected: ExpectedDecision,
    verdict: Verdict,
    reasons: Vec<DecisionReason>,
}

#[derive(Serialize)]
struct ExpectedDecision {
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
}

impl TestArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let file = DataFile::read(&self.cases, session).await?;
        let CasesDocument { policy, cases } = file.parse()?;
        if cases.is_empty() {
            return Err(Error::Usage(format!("{}: cases must be a list of one or more", file.name())));
        }
        let policy = PolicyFile::read(&beside(&self.cases, &policy), session).await?.valid_policy(session)?;
        let mut results = TestResults { policy_hash: policy.hash(), cases: Vec::new() };
        for case in cases {
            let name = case.name.clone();
            let result = case.run(&policy, session);
            results.cases.push(result.map_err(|detail| Error::Usage(format!("{}: {name}: {detail}", file.name())))?);
        }
        results.print(session)
    }
}

/// Returns the file `name` in the folder of `cases`.
fn beside(cases: &InputSource, name: &str) -> InputSource {
    let folder = match cases {
        InputSource::File(path) => path.parent().unwrap_or(Path::new("")),
        InputSource::Stdin => Path::new(""),
    };
    InputSource::File(folder.join(name))
}

impl Case {
    /// Decides about the request.
    ///
    /// # Errors
    /// If the request, the engine or the state makes no sense.
    fn run(self, policy: &Policy, session: &Session<'_>) -> Result<CaseResult, String> {
        let request = parse_request(self.request.get())?;
        let engine = asking_engine(self.engine, &request, policy)?;
        let state = self.state.at(session.now, policy)?;
        let state = FleetState { engine, now: session.now, posture: state.posture.as_ref(), holds: &state.holds };
        if let Some(rule) = self.rule.as_ref().filter(|rule| !policy.guardrails.iter().any(|it| it.id == **rule)) {
            return Err(format!("the policy has no guardrail {rule}"));
        }
        let Evaluation { verdict, reasons, .. } = evaluate(policy, &request, &state);
        let has_rule = self.rule.is_none() || reasons.iter().any(|reason| reason.rule == self.rule);
        let expected = ExpectedDecision { verdict: self.verdict, rule: self.rule };
        Ok(CaseResult { ok: verdict == expected.verdict && has_rule, name: self.name, expected, verdict, reasons })
    }
}

impl TestResults {
    fn print(self, session: &mut Session<'_>) -> Result<(), Error> {
        let (all, failed) = (self.cases.len(), self.cases.iter().filter(|case| !case.ok).count());
        if session.json {
            session.print_value(&self)?;
        } else {
            for line in self.cases.iter().flat_map(CaseResult::lines) {
                session.print_line(&line)?;
            }
        }
        match failed as u64 {
            0 if session.json => Ok(()),
            0 => session.print_line(&format!("{} passed", format_count(all as u64, "case"))),
            count => Err(Error::CasesFailed { count, all: all as u64 }),
        }
    }
}

impl CaseResult {
    /// Returns a line for the case, and for a failed one the difference.
    fn lines(&self) -> Vec<String> {
        let name = visible_line(&self.name);
        if self.ok {
            return vec![format!("ok      {name}")];
        }
        let by = self.expected.rule.as_ref().map(|rule| format!(" by {rule}")).unwrap_or_default();
        let reason = |reason: &DecisionReason| {
            let rule = reason.rule.as_deref().map_or(String::new(), |rule| format!(" by {rule}"));
            format!("          got      {}{rule}: {} ({})", self.verdict, reason.message, reason.code)
        };
        let expected = format!("          expected {}{by}", self.expected.verdict);
        [format!("failed  {name}"), expected].into_iter().chain(self.reasons.iter().map(reason)).collect()
    }
}
