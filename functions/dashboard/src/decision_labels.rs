//! How pages word decisions. The words are those of the API, with spaces, after a symbol: none is recognized by its colour alone.

use age_model::{DecisionApprovalStatus, Verdict};
use age_policy::RecordedMatch;

use crate::format::to_words;

/// Returns the word of a verdict, such as `▲ needs approval`.
pub(crate) fn verdict_label(verdict: Verdict) -> String {
    let symbol = match verdict {
        Verdict::Allow => "✓",
        Verdict::NeedsApproval => "▲",
        Verdict::Deny => "✗",
        Verdict::Unknown(_) => "?",
    };
    format!("{symbol} {}", verdict_word(verdict))
}

/// Returns the word of a verdict alone, such as `needs approval`.
pub(crate) fn verdict_word(verdict: Verdict) -> String {
    to_words(verdict.as_str())
}

/// Returns the CSS class that colours a verdict.
pub(crate) const fn verdict_tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "success",
        Verdict::NeedsApproval => "warning",
        Verdict::Deny => "failure",
        Verdict::Unknown(_) => "neutral",
    }
}

/// Returns the word of an approval's status, such as `▲ approval pending`.
pub(crate) fn approval_label(status: DecisionApprovalStatus) -> String {
    let symbol = match status {
        DecisionApprovalStatus::Pending => "▲",
        DecisionApprovalStatus::Approved | DecisionApprovalStatus::Used => "✓",
        DecisionApprovalStatus::Denied | DecisionApprovalStatus::Expired => "■",
        DecisionApprovalStatus::Unknown(_) => "?",
    };
    format!("{symbol} approval {}", to_words(status.as_str()))
}

/// Returns the CSS class that colours an approval's status.
pub(crate) const fn approval_tone(status: DecisionApprovalStatus) -> &'static str {
    match status {
        DecisionApprovalStatus::Pending => "warning",
        DecisionApprovalStatus::Approved | DecisionApprovalStatus::Used => "success",
        DecisionApprovalStatus::Denied | DecisionApprovalStatus::Expired | DecisionApprovalStatus::Unknown(_) => {
            "neutral"
        }
    }
}

/// Returns whether a guardrail matched, in words.
pub(crate) const fn rule_label(result: RecordedMatch) -> &'static str {
    match result {
        RecordedMatch::Matched => "● matched",
        RecordedMatch::NotMatched => "– not matched",
        RecordedMatch::Unknown => "▲ unknown",
        RecordedMatch::NotRecorded => "? not recorded",
    }
}

/// Returns whether a condition was met, in words.
pub(crate) const fn condition_label(result: RecordedMatch) -> &'static str {
    match result {
        RecordedMatch::Matched => "● met",
        RecordedMatch::NotMatched => "– not met",
        RecordedMatch::Unknown => "▲ unknown",
        RecordedMatch::NotRecorded => "? not recorded",
    }
}

/// Returns the CSS class that colours the result of a guardrail.
pub(crate) const fn rule_tone(result: RecordedMatch) -> &'static str {
    match result {
        RecordedMatch::Matched => "progress",
        RecordedMatch::Unknown => "warning",
        RecordedMatch::NotMatched | RecordedMatch::NotRecorded => "neutral",
    }
}
