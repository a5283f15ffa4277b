//! The policy: the active version and its history, each version, and its simulations.

pub(crate) mod active;
mod document_view;
mod effects;
mod rules;
mod settings;

pub(crate) use document_view::{category_title, category_titles};
