//! How bad an event is.

crate::string_enum::string_enum! {
    /// The weight of an event, from least to most serious.
    Severity {
        /// Routine.
        Low = "LOW",
        /// Worth a look.
        Medium = "MEDIUM",
        /// AGE acts on it.
        High = "HIGH",
        /// AGE acts on it and tells a person.
        Critical = "CRITICAL",
    }
}

/// The seed's `DEFAULT 'LOW'`.
impl Default for Severity {
    fn default() -> Self {
        Self::Low
    }
}
