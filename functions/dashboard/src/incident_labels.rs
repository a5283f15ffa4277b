//! How pages word incidents.

use age_model::IncidentStatus;

use crate::format::to_words;

/// Returns the word of a status, after a symbol: no status is recognized by its colour alone.
pub(crate) fn status_label(status: IncidentStatus) -> String {
    let symbol = match status {
        IncidentStatus::Open => "▲",
        IncidentStatus::Acknowledged => "●",
        IncidentStatus::Resolved => "✓",
        IncidentStatus::Unknown(_) => "?",
    };
    format!("{symbol} {}", to_words(status.as_str()))
}
