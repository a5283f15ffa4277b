//! `agectl decision`: lists and shows what the guardrails decided, and approves or denies the operations that wait for it.

use age_model::{
    ApprovalDecision, Decision, DecisionApproval, DecisionApprovalStatus, DecisionEventStatus, DecisionId,
    DecisionReason, Engine, ShadowComparison, ShadowVerdict, Timestamp, Verdict,
};
use clap::{Args, Subcommand};

use crate::approval_request::ApprovalRequest;
use crate::error::Error;
use crate::format::{NO_VALUE, format_name, format_timestamp};
use crate::item_list::ItemList;
use crate::list_options::{ListOptions, filter};
use crate::session::Session;
use crate::text_layout::{format_commands, format_facts, format_quote, format_section};
use crate::value_parsers::{
    decision_approval_parser, decision_event_parser, parse_day_or_time, parse_digest, verdict_parser,
};

const RESOURCE: &str = "decisions";
/// The API's maximum.
const PAGE_SIZE: usize = 200;

#[derive(Debug, Subcommand)]
pub(crate) enum DecisionCommand {
    /// List decisions, newest first
    List(ListDecisionsArgs),
    /// Show a decision with its reasons, and the commands that approve and deny its operation
    Show(ShowDecisionArgs),
    /// Approve an operation that waits for it: AGE allows it once, when the engine asks again
    Approve(DecideOperationArgs),
    /// Deny an operation that waits for an approval
    Deny(DecideOperationArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListDecisionsArgs {
    /// List only decisions with one of these verdicts, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = verdict_parser())]
    verdict: Vec<Verdict>,
    /// List only decisions whose approvals have one of these statuses, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = decision_approval_parser())]
    approval: Vec<DecisionApprovalStatus>,
    /// List only decisions of whose operations the event has one of these statuses, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = decision_event_parser())]
    event: Vec<DecisionEventStatus>,
    /// List only decisions to which the shadow, a policy version beside the active one, would have given another verdict
    #[arg(long)]
    shadow: bool,
    /// List only decisions for these engines, separated by commas
    #[arg(long, value_delimiter = ',')]
    engine: Vec<Engine>,
    /// List only decisions that were made at TIME or later: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    from: Option<Timestamp>,
    /// List only decisions that were made before TIME: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    to: Option<Timestamp>,
    #[command(flatten)]
    options: ListOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ShowDecisionArgs {
    /// Id of the decision, as `agectl decision list` lists it
    id: DecisionId,
}

#[derive(Debug, Args)]
pub(crate) struct DecideOperationArgs {
    /// Id of the decision, as `agectl decision list` lists it
    id: DecisionId,
    /// Digest of the approval, as `agectl decision show` has it: you decide on what you have seen, and on nothing else
    #[arg(long, value_parser = parse_digest)]
    digest: String,
}

impl DecisionCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::List(args) => args.run(session).await,
            Self::Show(args) => args.run(session).await,
            Self::Approve(args) => args.run(ApprovalDecision::Approve, session).await,
            Self::Deny(args) => args.run(ApprovalDecision::Deny, session).await,
        }
    }
}

impl ListDecisionsArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let filter = [
            filter("verdict", &self.verdict),
            filter("approval", &self.approval),
            filter("event", &self.event),
            filter("engine", &self.engine),
            filter("shadow", self.shadow.then_some(ShadowComparison::Differs)),
            filter("from", self.from),
            filter("to", self.to),
        ];
        let list = ItemList {
            path: &[RESOURCE],
            filter: filter.concat(),
            page_size: PAGE_SIZE,
            headings: ["decision", "verdict", "approval", "decided", "engine", "action", "resource"],
        };
        list.print(self.options, session, table_row).await
    }
}

fn table_row(decision: Decision) -> [String; 7] {
    let Decision { id, decided_at, engine, request, verdict, approval, .. } = decision;
    [
        id.to_string(),
        format_name(verdict.as_str()),
        approval.map_or_else(|| NO_VALUE.to_owned(), |approval| format_name(approval.status.as_str())),
        format_timestamp(decided_at),
        engine.to_string(),
        request.action,
        format!("{} {}", request.resource_type, request.resource_id),
    ]
}

impl ShowDecisionArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let response = session.api_client().await?.get_named(&[RESOURCE, &self.id.to_string()]).await?;
        if session.json {
            return session.print_json(&response.body);
        }
        let decision: Decision = response.parse()?;
        let mut sections = vec![overview(&decision), reasons("Reasons", &decision.reasons)];
        sections.extend(decision.shadow.as_ref().map(shadow));
        sections.extend(decision.request.payload.as_deref().map(request));
        if let Some(approval) = decision.approval.filter(|it| it.status == DecisionApprovalStatus::Pending) {
            sections.push(next_steps(self.id, &approval));
        }
        Ok(writeln!(session.stdout, "{}", sections.join("\n\n"))?)
    }
}

fn overview(decision: &Decision) -> String {
    let request = &decision.request;
    let mut facts = vec![
        ("Verdict", format_name(decision.verdict.as_str())),
        ("Engine", format!("{}, by {}", decision.engine, decision.asked_by)),
        ("Action", request.action.clone()),
        ("Subject", format!("{} {}", request.subject_type, request.subject_id)),
        ("Resource", format!("{} {}", request.resource_type, request.resource_id)),
        ("Policy", decision.policy_hash.to_string()),
        ("Decided", format_timestamp(decision.decided_at)),
        ("Expires", format_timestamp(decision.expires_at)),
    ];
    if let Some(approval) = &decision.approval {
        facts.push(("Approval", format_name(approval.status.as_str())));
        facts.push(("Digest", approval.digest.clone()));
        facts.push(("Approve by", format_timestamp(approval.until)));
        if let (Some(by), Some(at)) = (&approval.decided_by, approval.decided_at) {
            facts.push(("Approved or denied", format!("{} by {by}", format_timestamp(at))));
        }
        facts.extend(approval.used_by.map(|decision| ("Used by", format!("decision {decision}"))));
    }
    facts.extend(event(decision).map(|text| ("Event", text)));
    facts.extend(decision.approved_by_decision.map(|id| ("Approved in", format!("decision {id}"))));
    format_section(&format!("Decision {}", decision.id), format_facts(facts))
}

/// Says which event has reported the operation, or until when one is expected.
fn event(decision: &Decision) -> Option<String> {
    let by = decision.event_expected_by.map(|by| format!(", expected by {}", format_timestamp(by)));
    match (decision.followed_by, decision.event_status) {
        (Some(event), _) => Some(format!("{event} reports the operation")),
        (None, Some(status)) => Some(format!("{}{}", format_name(status.as_str()), by.unwrap_or_default())),
        (None, None) => None,
    }
}

/// Says what the shadow would have answered, and why.
fn shadow(ShadowVerdict { policy_hash, verdict, reasons: why }: &ShadowVerdict) -> String {
    let verdict = format_name(verdict.as_str());
    reasons(&format!("The shadow, policy version {policy_hash}, would have answered {verdict}"), why)
}

fn reasons(title: &str, reasons: &[DecisionReason]) -> String {
    let row = |reason: &DecisionReason| {
        let rule = reason.rule.as_deref().unwrap_or("AGE");
        (rule.to_owned(), format!("{}: {}", format_name(reason.code.as_str()), reason.message))
    };
    let rows: Vec<_> = reasons.iter().map(row).collect();
    format_section(title, format_facts(rows.iter().map(|(rule, text)| (rule.as_str(), text.clone()))))
}

fn request(payload: &str) -> String {
    format_section("Request", [format_quote(2, payload)])
}

fn next_steps(id: DecisionId, approval: &DecisionApproval) -> String {
    let command = |verb: &str| format!("agectl decision {verb} {id} --digest {}", approval.digest);
    format_section("Next steps", format_commands([("Approve", command("approve")), ("Deny", command("deny"))]))
}

impl DecideOperationArgs {
    async fn run(self, decision: ApprovalDecision, session: &mut Session<'_>) -> Result<(), Error> {
        let request = ApprovalRequest { decision, digest: &self.digest };
        let client = session.api_client().await?;
        // A repeat is refused, because the operation is decided.
        let path = [RESOURCE, &self.id.to_string(), "approval"];
        let response = client.post_non_idempotent(&path, &request).await?;
        if session.json {
            return session.print_json(&response.body);
        }
        let decided: Decision = response.parse()?;
        let outcome = match decision {
            ApprovalDecision::Approve => "Approved",
            ApprovalDecision::Deny => "Denied",
        };
        let once = match decision {
            ApprovalDecision::Approve => ": the engine may run it once, if it asks again in time",
            ApprovalDecision::Deny => "",
        };
        session.print_line(&format!("{outcome} {} of {}{once}", decided.request.action, decided.engine))
    }
}
