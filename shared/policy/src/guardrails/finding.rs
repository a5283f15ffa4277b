//! Results of conditions: true, false, or neither, and how many of them an answer has as reasons.

use age_model::ReasonCode;

/// The most reasons of an answer. Each is stored and sent.
pub(crate) const MAX_REASONS: usize = 10;

/// The result of a condition: true, false, or neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    Met,
    NotMet,
    /// The condition cannot be evaluated, with the reason as the beginning of a sentence.
    Unknown(ReasonCode, String),
}

impl From<bool> for Finding {
    fn from(is_met: bool) -> Self {
        if is_met { Self::Met } else { Self::NotMet }
    }
}
