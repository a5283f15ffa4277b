//! The difference of two policy versions, as people read it.

use age_policy::{PolicyChange, PolicyDifference};

use crate::safe_text::SafeText;

/// How many changes the page shows at once; it hides the others until a reader asks for them.
const MAX_SHOWN: usize = 20;

/// The difference of two policy versions.
pub(super) struct DifferenceView {
    pub(super) shown: Vec<ChangeView>,
    pub(super) hidden: Vec<ChangeView>,
}

/// A change in a sentence, and the values of the document before and after.
pub(super) struct ChangeView {
    pub(super) sentence: SafeText,
    /// The place in the document, if the change is one of a single value.
    pub(super) path: Option<SafeText>,
    pub(super) before: Option<SafeText>,
    pub(super) after: Option<SafeText>,
}

impl DifferenceView {
    pub(super) const fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    pub(super) const fn count(&self) -> usize {
        self.shown.len() + self.hidden.len()
    }
}

impl From<PolicyDifference> for DifferenceView {
    fn from(PolicyDifference { changes }: PolicyDifference) -> Self {
        let mut shown: Vec<_> = changes.into_iter().map(ChangeView::from).collect();
        let hidden = shown.split_off(shown.len().min(MAX_SHOWN));
        Self { shown, hidden }
    }
}

impl From<PolicyChange> for ChangeView {
    fn from(PolicyChange { sentence, path, before, after, .. }: PolicyChange) -> Self {
        let safe = |text: Option<String>| text.as_deref().map(SafeText::new);
        Self { sentence: SafeText::new(&sentence), path: safe(path), before: safe(before), after: safe(after) }
    }
}

#[cfg(test)]
mod tests {
    use age_model::Engine;
    use age_policy::{EngineRules, Policy, difference};

    use super::*;

    #[test]
    fn difference_shows_the_first_changes_and_hides_the_others() {
        let old = Policy::compiled().unwrap();
        let mut new = old.clone();
        assert!(DifferenceView::from(difference(&old, &new)).is_empty());
        new.incidents.remind_after_seconds = 7200;
        let view = DifferenceView::from(difference(&old, &new));
        let [ChangeView { sentence, path, before, after }] = view.shown.as_slice() else { panic!("one change") };
        assert_eq!(sentence.to_string(), "The time between two reminders becomes 2 h; it was 4 h.");
        let value = |text: &Option<SafeText>| text.as_ref().map(ToString::to_string).unwrap_or_default();
        assert_eq!([path, before, after].map(value), ["incidents.remind_after_seconds", "14400", "7200"]);
        for number in 0..50 {
            let name: Engine = format!("engine_{number}").parse().unwrap();
            let rules = EngineRules { title: "a\u{202e}b".to_owned(), expected_interval_seconds: 0 };
            new.engines.insert(name, rules);
        }
        let view = DifferenceView::from(difference(&old, &new));
        assert!((view.shown.len(), view.count() > 50) == (MAX_SHOWN, true), "{}", view.count());
        assert!(view.shown[0].sentence.to_string().contains("a[U+202E]b"), "{}", view.shown[0].sentence);
    }
}
