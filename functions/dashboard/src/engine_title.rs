//! Titles of engines: texts of admins, from the policy.

use age_model::Engine;
use age_policy::Policy;

use crate::safe_text::SafeText;

/// Returns the title of `engine`, as the policy has it.
pub(crate) fn engine_title(policy: &Policy, engine: Engine) -> SafeText {
    SafeText::new(policy.title(&engine))
}

/// Returns the titles of `engines`, separated by commas.
pub(crate) fn engine_titles<'a>(policy: &Policy, engines: impl IntoIterator<Item = &'a Engine>) -> SafeText {
    let titles: Vec<&str> = engines.into_iter().map(|engine| policy.title(engine)).collect();
    SafeText::new(&titles.join(", "))
}
