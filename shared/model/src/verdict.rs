//! Verdicts: the answers of guardrails.

crate::string_enum::open_string_enum! {
    /// The answer to "may this operation run?". The strictest one is the greatest.
    Verdict {
        /// The operation may run.
        Allow = "allow",
        /// The operation may run once a responder has approved it.
        NeedsApproval = "needs_approval",
        /// The operation may not run.
        Deny = "deny",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strictest_verdict_is_the_greatest() {
        assert_eq!(Verdict::ALL.iter().max(), Some(&Verdict::Deny));
        assert!(Verdict::Allow < Verdict::NeedsApproval && Verdict::Deny < Verdict::stored("a_later_verdict"));
    }
}
