//! What workers report about an action.

crate::string_enum::string_enum! {
    /// What a worker says came of an action.
    Outcome {
        /// It was carried out.
        Succeeded = "succeeded",
        /// It was not.
        Failed = "failed",
    }
}
