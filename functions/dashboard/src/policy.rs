//! The policy: the active version and its history, and each version with what would change.

pub(crate) mod activations;
pub(crate) mod active;
mod difference_view;
mod document_view;
mod effects;
mod guardrail_view;
mod history;
mod rules;
mod settings;
pub(crate) mod simulation;
pub(crate) mod version;
pub(crate) mod versions;

pub(crate) use document_view::{category_title, category_titles};
pub(crate) use history::short;
pub(crate) use rules::severities_from;
