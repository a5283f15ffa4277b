//! Judging requests for decisions: by guardrails and holds, and by the approval that a request names.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{
    AccessRequest, Decision, DecisionApproval, DecisionApprovalStatus, DecisionId, DecisionPosture, DecisionReason,
    DecisionRequest, Engine, Hold, PolicyHash, ReasonCode, Severity, Timestamp, Verdict, shortened,
};
use age_policy::{Evaluation, FleetState, Policy, evaluate};
use age_store::{NewDecision, StoredFleetState, UsedApproval};

use crate::decision_batch::DecisionBatch;
use crate::shadow_policy::ShadowPolicy;

/// The most characters of an `X-Request-ID` that a record has.
const MAX_REQUEST_ID_CHARS: usize = 128;

/// Judges the requests of one batch.
pub(crate) struct Judge<'a> {
    policy: &'a Policy,
    hash: PolicyHash,
    /// The shadow, if one runs.
    shadow: Option<&'a ShadowPolicy>,
    fleet: &'a StoredFleetState,
    named: &'a BTreeMap<DecisionId, Decision>,
    now: Timestamp,
    /// The approvals that requests of the batch use. Each can be used once.
    used: BTreeSet<DecisionId>,
}

/// A decision, as far as it is recorded.
pub(crate) enum Judged {
    /// The request was answered before, and nothing has changed since.
    Recorded(Decision),
    /// The decision is to be recorded.
    New(NewDecision),
}

/// The answer of the approval that a request names.
enum Approval<'a> {
    /// The operation is approved.
    Approved(&'a Decision, &'a DecisionApproval),
    /// A responder has not decided yet.
    Pending(&'a Decision),
    /// The approval does not permit the operation.
    Refused(ReasonCode, String),
}

impl<'a> Judge<'a> {
    pub(crate) const fn new(
        (policy, hash): (&'a Policy, PolicyHash),
        shadow: Option<&'a ShadowPolicy>,
        fleet: &'a StoredFleetState,
        named: &'a BTreeMap<DecisionId, Decision>,
        now: Timestamp,
    ) -> Self {
        Self { policy, hash, shadow, fleet, named, now, used: BTreeSet::new() }
    }

    /// Judges the request, with its digest, at `position` of `batch`, whose decision has the id `id`.
    pub(crate) fn judge(
        &mut self,
        id: DecisionId,
        batch: &DecisionBatch,
        engine: Engine,
        (request, digest): (&AccessRequest, String),
        position: u32,
    ) -> Judged {
        let posture = self.fleet.posture.as_ref();
        let state = FleetState { engine, now: self.now, posture, holds: &self.fleet.holds };
        let Evaluation { verdict, reasons, .. } = evaluate(self.policy, request, &state);
        let rules = &self.policy.decisions;
        let mut decision = Decision {
            id,
            decided_at: self.now,
            engine,
            asked_by: batch.caller.clone(),
            request: DecisionRequest {
                subject_type: request.subject.kind.clone(),
                subject_id: request.subject.id.clone(),
                action: request.action.name.clone(),
                resource_type: request.resource.kind.clone(),
                resource_id: request.resource.id.clone(),
                digest,
                request_id: batch.request_id.as_ref().map(|id| shortened(id, MAX_REQUEST_ID_CHARS)),
                position,
                payload: rules.record_payload.then(|| request.as_json()),
            },
            verdict,
            reasons,
            policy_hash: self.hash,
            posture: self.posture(engine, &request.action.name),
            expires_at: self.now.plus_seconds(rules.valid_for_seconds),
            approval: None,
            approved_by_decision: None,
            event_expected_by: None,
            event_status: None,
            followed_by: None,
            shadow: self.shadow.and_then(|shadow| shadow.differing_verdict(verdict, request, &state)),
        };
        if verdict != Verdict::NeedsApproval {
            self.expect_event(&mut decision);
            return Judged::New(NewDecision { decision, uses: None });
        }
        let bound_digest = request.bound_digest(&rules.unbound_context, &self.hash);
        let Some(named) = request.decision_id().ok().flatten() else {
            let until = self.now.plus_seconds(rules.approve_within_seconds);
            decision.expires_at = until;
            decision.approval = Some(DecisionApproval::pending(bound_digest, until));
            return Judged::New(NewDecision { decision, uses: None });
        };
        match self.approval(named, engine, &bound_digest) {
            Approval::Pending(pending) => Judged::Recorded(pending.clone()),
            Approval::Approved(approved, approval) => {
                let by = approval.decided_by.as_ref().map_or("a responder", |by| by.as_str());
                decision.reasons.push(DecisionReason {
                    rule: None,
                    code: ReasonCode::Approved,
                    message: format!("{by} has approved the operation: decision {named}"),
                });
                decision.verdict = Verdict::Allow;
                decision.approved_by_decision = Some(approved.id);
                self.expect_event(&mut decision);
                self.used.insert(approved.id);
                let uses = UsedApproval { decision: approved.id, digest: approval.digest.clone() };
                Judged::New(NewDecision { decision, uses: Some(uses) })
            }
            Approval::Refused(code, message) => {
                decision.verdict = Verdict::Deny;
                decision.reasons = vec![DecisionReason { rule: None, code, message }];
                Judged::New(NewDecision { decision, uses: None })
            }
        }
    }

    /// Makes a permit await its event, if the policy expects one.
    fn expect_event(&self, decision: &mut Decision) {
        let within = self.policy.decisions.event_expected_within(&decision.request.action);
        if let Some(seconds) = within.filter(|_| decision.is_allowed()) {
            decision.expect_event(seconds);
        }
    }

    /// Returns what the approval of the decision `named` says to an operation of `engine` with this digest.
    fn approval(&self, named: DecisionId, engine: Engine, digest: &str) -> Approval<'a> {
        use DecisionApprovalStatus as Status;
        let refused = |code, detail: &str| Approval::Refused(code, format!("decision {named} {detail}"));
        let Some(decision) = self.named.get(&named).filter(|decision| decision.engine == engine) else {
            return refused(ReasonCode::ApprovalUnknown, "does not exist, or is of another engine");
        };
        let Some(approval) = &decision.approval else {
            return refused(ReasonCode::ApprovalUnknown, "is not about an operation that needs approval");
        };
        match approval.status_at(self.now) {
            Status::Denied => refused(ReasonCode::ApprovalDenied, "was denied by a responder"),
            Status::Expired => refused(ReasonCode::ApprovalExpired, "has expired; ask again without its id"),
            Status::Used => refused(ReasonCode::ApprovalUsed, "was used; an approval permits one operation"),
            Status::Approved if self.used.contains(&named) => {
                refused(ReasonCode::ApprovalUsed, "is used by another request of the batch")
            }
            _ if decision.policy_hash != self.hash => refused(
                ReasonCode::PolicyChanged,
                "was approved under another policy version; ask again without its id",
            ),
            _ if approval.digest != digest => {
                refused(ReasonCode::ApprovalMismatch, "is about another operation: the request has changed")
            }
            Status::Approved => Approval::Approved(decision, approval),
            Status::Pending => Approval::Pending(decision),
            Status::Unknown(_) => refused(ReasonCode::ApprovalUnknown, "has a status that this version does not know"),
        }
    }

    /// Returns the state of the fleet, as far as it is about the operation of `engine`.
    fn posture(&self, engine: Engine, operation: &str) -> Option<DecisionPosture> {
        let posture = self.fleet.posture.as_ref()?;
        let stops = |hold: &&Hold| hold.is_active(self.now) && hold.stops(engine, operation);
        let open = posture.engine(engine).open_incidents;
        let incidents = Severity::ALL.iter().map(|severity| (*severity, open.of(*severity)));
        Some(DecisionPosture {
            as_of: posture.as_of,
            levels: posture.levels.clone(),
            holds: self.fleet.holds.iter().filter(stops).map(|hold| hold.id).collect(),
            incidents: incidents.filter(|(_, number)| *number > 0).collect(),
        })
    }
}
