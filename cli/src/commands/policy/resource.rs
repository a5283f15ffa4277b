//! The path of policy versions in the API.

pub(super) const RESOURCE: &str = "policies";

/// The most versions or activations of one page.
pub(super) const MAX_PAGE: usize = 500;
