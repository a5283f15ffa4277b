//! `agectl decide`: how guardrails decide about a request, and why.

use age_model::{DecisionReason, Engine, PolicyHash, Verdict, visible_line};
use age_policy::{ConditionExplanation, Evaluation, FleetState, MatchResult, RuleExplanation, evaluate, explain};
use clap::Args;
use serde::Serialize;

use crate::commands::policy::{LoadedPolicy, PolicyRef};
use crate::data_file::DataFile;
use crate::decision_request::{asking_engine, parse_request};
use crate::error::Error;
use crate::fleet_state::StateDocument;
use crate::format::format_name;
use crate::input_source::InputSource;
use crate::session::Session;
use crate::text_layout::{format_facts, format_section};

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// File with the request, as AuthZEN's Access Evaluation API takes it, JSON or TOML (`-`: standard input)
    #[arg(long, value_name = "REQUEST")]
    explain: InputSource,
    /// Policy that decides: a file, `default`, `active`, or the hash of a version
    ///
    /// AGE is asked only for `active` and for a hash.
    #[arg(long, default_value = "active")]
    policy: PolicyRef,
    /// File with the state of the fleet, TOML or JSON; without it, nothing is wrong
    #[arg(long)]
    state: Option<InputSource>,
    /// Engine that asks [default: `context.engine`, or a subject of type `engine`]
    #[arg(long)]
    engine: Option<Engine>,
}

/// The decision, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainedDecision {
    verdict: Verdict,
    engine: Engine,
    policy_hash: PolicyHash,
    reasons: Vec<DecisionReason>,
    used_posture: bool,
    rules: Vec<RuleExplanation>,
}

impl DecideArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let file = DataFile::read(&self.explain, session).await?;
        let request = parse_request(file.json()).map_err(|detail| in_file(file.name(), &detail))?;
        let (state, state_name) = match &self.state {
            Some(source) => {
                let file = DataFile::read(source, session).await?;
                (file.parse::<StateDocument>()?, file.name().to_owned())
            }
            None => (StateDocument::default(), "the state".to_owned()),
        };
        let LoadedPolicy { policy, name } = self.policy.load(session).await?;
        let engine = asking_engine(self.engine, &request, &policy).map_err(|detail| in_file(file.name(), &detail))?;
        let state = state.at(session.now, &policy).map_err(|detail| in_file(&state_name, &detail))?;
        let state = FleetState { engine, now: session.now, posture: state.posture.as_ref(), holds: &state.holds };
        let Evaluation { verdict, reasons, used_posture } = evaluate(&policy, &request, &state);
        let rules = explain(&policy, &request, &state);
        let decision = ExplainedDecision { verdict, engine, policy_hash: policy.hash(), reasons, used_posture, rules };
        if session.json {
            return session.print_value(&decision);
        }
        Ok(writeln!(session.stdout, "{}", decision.as_text(&name))?)
    }
}

fn in_file(name: &str, detail: &str) -> Error {
    Error::Usage(format!("{name}: {detail}"))
}

impl ExplainedDecision {
    fn as_text(&self, policy: &str) -> String {
        let facts = [
            ("Verdict", format_name(self.verdict.as_str())),
            ("Engine", self.engine.to_string()),
            ("Policy", visible_line(policy)),
        ];
        let reason = |reason: &DecisionReason| {
            let rule = reason.rule.as_deref().map_or(String::new(), |rule| format!("{rule}: "));
            visible_line(&format!("  {rule}{} ({})", reason.message, reason.code))
        };
        let mut sections = vec![
            format_section("Decision", format_facts(facts)),
            format_section("Reasons", self.reasons.iter().map(reason)),
        ];
        let rules: Vec<_> = self.rules.iter().flat_map(rule_lines).collect();
        if !rules.is_empty() {
            sections.push(format_section("Guardrails", rules));
        }
        sections.join("\n\n")
    }
}

/// Returns a line for the guardrail, and one for each of its conditions.
fn rule_lines(rule: &RuleExplanation) -> Vec<String> {
    let heading = format!("  {} ({}): {}", rule.rule, format_name(rule.verdict.as_str()), in_words(rule.result));
    std::iter::once(heading).chain(rule.conditions.iter().map(condition_line)).map(|line| visible_line(&line)).collect()
}

fn condition_line(condition: &ConditionExplanation) -> String {
    let word = match condition.result {
        MatchResult::Matched => "yes",
        MatchResult::NotMatched => "no",
        MatchResult::Unknown => "unknown",
    };
    let detail = condition.detail.as_ref().map(|detail| format!("; {detail}")).unwrap_or_default();
    format!("    {word:<9}{}{detail}", condition.condition)
}

fn in_words(result: MatchResult) -> &'static str {
    match result {
        MatchResult::Matched => "matched",
        MatchResult::NotMatched => "not matched",
        MatchResult::Unknown => "unknown",
    }
}
