//! The outcome that a worker reports for an action.

crate::string_enum::string_enum! {
    /// The outcome of an action, as its worker reports it.
    Outcome {
        /// The action was carried out.
        Succeeded = "succeeded",
        /// The action was not carried out.
        Failed = "failed",
    }
}
