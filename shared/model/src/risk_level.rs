//! Levels of risk.

crate::string_enum::open_string_enum! {
    /// How risky the week was: the level of its highest category.
    RiskLevel {
        /// Nothing stands out.
        Low = "LOW",
        /// Worth a look.
        Medium = "MEDIUM",
        /// Needs attention.
        High = "HIGH",
        /// Needs attention now.
        Critical = "CRITICAL",
    }
}
