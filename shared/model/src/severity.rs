//! Severities of events.

crate::string_enum::open_string_enum! {
    /// How serious an event is, in ascending order. The default policy acts as described.
    Severity {
        /// Routine.
        Low = "LOW",
        /// Worth a look.
        Medium = "MEDIUM",
        /// AGE starts a remediation.
        High = "HIGH",
        /// AGE starts a remediation and notifies people.
        Critical = "CRITICAL",
    }
}

/// LOW, the default of the original sketch's table.
impl Default for Severity {
    fn default() -> Self {
        Self::Low
    }
}
