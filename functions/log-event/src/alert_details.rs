//! The details of an alert's event. An alert whose details are too large is shortened, because a refused alert is lost: its sender
//! cannot make it smaller.

use std::collections::BTreeMap;

use age_model::{Details, DetailsError, MAX_DETAILS_BYTES, Timestamp};
use serde_json::{Map, Value, json};

/// The labels that are kept whatever is left out.
const KEPT_LABELS: [&str; 3] = ["engine", "alertname", "severity"];

/// How many characters of a value are kept: the first of these with which all values fit.
const VALUE_CHARS: [usize; 3] = [1000, 250, 60];

/// How many characters of the value of [`KEPT_LABELS`] are kept in any case.
const KEPT_LABEL_CHARS: usize = 200;

/// How many bytes the values may have together, if not all of them fit. The rest of [`MAX_DETAILS_BYTES`] is for everything else.
const VALUES_BYTES: usize = MAX_DETAILS_BYTES - 1500;

/// The parts of an alert that become the details of its event.
pub(crate) struct AlertDetails<'a> {
    pub(crate) status: &'static str,
    pub(crate) labels: &'a BTreeMap<String, String>,
    pub(crate) annotations: &'a BTreeMap<String, String>,
    pub(crate) starts_at: Timestamp,
    pub(crate) fingerprint: &'a str,
    /// Other fields of the alert, by their names in the webhook.
    pub(crate) others: Vec<(&'static str, String)>,
}

impl AlertDetails<'_> {
    /// Returns the details: all of them, or shortened ones with a field `shortened` that says so.
    ///
    /// # Errors
    /// None for any alert that is valid JSON.
    pub(crate) fn to_details(&self) -> Result<Details, DetailsError> {
        let whole = self.render(&mut Limit { chars: usize::MAX, bytes: usize::MAX, ..Limit::default() });
        let original_bytes = match Value::Object(whole).to_string().parse() {
            Err(DetailsError::TooLarge(bytes)) => bytes,
            parsed => return parsed,
        };
        let [.., shortest] = VALUE_CHARS;
        let limits = VALUE_CHARS.map(|chars| (chars, usize::MAX)).into_iter().chain([(shortest, VALUES_BYTES)]);
        let mut last = Err(DetailsError::TooLarge(original_bytes));
        for (chars, bytes) in limits {
            let mut limit = Limit { chars, bytes, ..Limit::default() };
            let mut details = self.render(&mut limit);
            details.insert("shortened".to_owned(), limit.explanation(original_bytes).into());
            last = Value::Object(details).to_string().parse();
            if last.is_ok() {
                break;
            }
        }
        last
    }

    fn render(&self, limit: &mut Limit) -> Map<String, Value> {
        let is_kept = |(name, _): &(&String, &String)| KEPT_LABELS.contains(&name.as_str());
        let (kept, more): (Vec<_>, Vec<_>) = self.labels.iter().partition(is_kept);
        let labels: Map<String, Value> = kept
            .into_iter()
            .map(|(name, value)| (name.clone(), limit.cut(value, limit.chars.max(KEPT_LABEL_CHARS)).into()))
            .collect();
        let labels = labels.into_iter().chain(limit.fill(more)).collect();
        let annotations = limit.fill(self.annotations);
        let others: Vec<_> = self.others.iter().map(|(name, value)| (*name, limit.cut(value, limit.chars))).collect();
        let fingerprint = limit.cut(self.fingerprint, limit.chars);
        let mut details = Map::from_iter([
            ("status".to_owned(), self.status.into()),
            ("labels".to_owned(), Value::Object(labels)),
            ("annotations".to_owned(), Value::Object(annotations)),
            ("startsAt".to_owned(), json!(self.starts_at)),
            ("fingerprint".to_owned(), fingerprint.into()),
        ]);
        details.extend(others.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        details
    }
}

/// How much of the values is kept, and what was not.
#[derive(Default)]
struct Limit {
    /// Characters of a value.
    chars: usize,
    /// Bytes that are left for names and values.
    bytes: usize,
    cut: usize,
    left_out: usize,
}

impl Limit {
    /// Returns the first `chars` characters of `value`, and its length if there are more.
    fn cut(&mut self, value: &str, chars: usize) -> String {
        match value.char_indices().nth(chars) {
            Some((end, _)) => {
                self.cut += 1;
                format!("{}… ({} characters)", value.get(..end).unwrap_or_default(), value.chars().count())
            }
            None => value.to_owned(),
        }
    }

    /// Returns those of `texts` that fit, with their values cut.
    fn fill<'a>(&mut self, texts: impl IntoIterator<Item = (&'a String, &'a String)>) -> Map<String, Value> {
        let mut filled = Map::new();
        for (name, value) in texts {
            let value = Value::from(self.cut(value, self.chars));
            // With the colon and a comma.
            let bytes = Value::from(name.as_str()).to_string().len() + value.to_string().len() + 2;
            match self.bytes.checked_sub(bytes) {
                Some(left) => {
                    self.bytes = left;
                    filled.insert(name.clone(), value);
                }
                None => self.left_out += 1,
            }
        }
        filled
    }

    fn explanation(&self, original_bytes: usize) -> String {
        let Self { cut, left_out, .. } = self;
        format!(
            "the alert has {original_bytes} bytes of details, of which an event has at most {MAX_DETAILS_BYTES}: {cut} values are cut, \
             and {left_out} labels and annotations are left out"
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn details(labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) -> Value {
        let alert = AlertDetails {
            status: "firing",
            labels,
            annotations,
            starts_at: "2026-11-23T00:00:00Z".parse().unwrap(),
            fingerprint: "f",
            others: vec![("generatorURL", "http://p/".repeat(2000))],
        };
        serde_json::from_str(alert.to_details().unwrap().as_str()).unwrap()
    }

    fn texts(texts: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
        texts.into_iter().collect()
    }

    #[test]
    fn long_values_are_cut_and_all_labels_kept() {
        let labels = texts((0..20).map(|number| (format!("label{number}"), "x".repeat(1000))));
        let shown = details(&labels, &texts([("summary".to_owned(), "é".repeat(20_000))]));
        assert_eq!(shown["labels"].as_object().unwrap().len(), 20);
        assert_eq!(shown["annotations"]["summary"], format!("{}… (20000 characters)", "é".repeat(250)));
        let shortened = shown["shortened"].as_str().unwrap();
        assert!(shortened.contains("22 values are cut, and 0 labels and annotations are left out"), "{shortened}");
    }

    #[test]
    fn labels_that_matter_are_kept_when_there_are_too_many() {
        let many = (0..2000).map(|number| (format!("a{number:04}"), "value".to_owned()));
        let matter = KEPT_LABELS.map(|name| (name.to_owned(), "y".repeat(128)));
        let shown = details(&texts(many.chain(matter)), &texts([("z".repeat(20_000), "1".to_owned())]));
        for name in KEPT_LABELS {
            assert_eq!(shown["labels"][name], "y".repeat(128));
        }
        let kept = shown["labels"].as_object().unwrap().len();
        assert!((500..2000).contains(&kept), "{kept}");
        let shortened = shown["shortened"].as_str().unwrap();
        assert!(
            shortened.contains(&format!("and {} labels and annotations are left out", 2003 - kept + 1)),
            "{shortened}"
        );
    }

    proptest! {
        #[test]
        fn every_alert_fits(labels in prop::collection::btree_map(".{0,40}", ".{0,60}", 0..20), repeat in 1_usize..500) {
            let labels = texts(labels.into_iter().map(|(name, value)| (name, value.repeat(repeat))));
            prop_assert!(details(&labels, &labels)["labels"].is_object());
        }
    }
}
