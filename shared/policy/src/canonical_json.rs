//! Canonical JSON (RFC 8785): equal policies have equal bytes, whose hash names the version. The build script compiles this file as
//! well.

use age_model::PolicyHash;
use serde_json::Value;

use crate::document::Policy;

impl Policy {
    /// Returns the policy as canonical JSON (RFC 8785): keys in the order of their UTF-16 code units, no white space.
    #[must_use]
    pub fn canonical_json(&self) -> String {
        // INVARIANT: every key of the document is a text and every number is finite, so it can be serialized.
        canonical(&serde_json::to_value(self).unwrap_or_default())
    }

    /// Returns the hash that names this version: that of the canonical JSON.
    #[must_use]
    pub fn hash(&self) -> PolicyHash {
        PolicyHash::of_canonical_json(&self.canonical_json())
    }
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            let field = |(key, value): (&String, &Value)| format!("{}:{}", Value::from(key.as_str()), canonical(value));
            let fields: Vec<_> = fields.into_iter().map(field).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Number(number) if number.is_f64() => canonical_fraction(number.as_f64().unwrap_or_default()),
        // Serde escapes strings as RFC 8785 does, and whole numbers have one form.
        _ => value.to_string(),
    }
}

/// Returns a number as RFC 8785 does, which is as ECMAScript does. No number of the document is so great that it has an exponent.
fn canonical_fraction(number: f64) -> String {
    if number != 0.0 && number.abs() < 1e-6 { format!("{number:e}") } else { number.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_canonical() {
        let value = json!({
            "\u{20ac}": "Euro", "\r": 1, "\u{fb33}": 2, "1": [null, true, {"b": -3, "a": {}}], "\u{1f600}": 4, "\u{80}": 5,
            "ö": "\u{7f}\u{8}\u{c}\n\r\t\"\\/\u{1f}é"
        });
        // The keys and their order are those of an example in RFC 8785.
        let canonical_text = "{\"\\r\":1,\"1\":[null,true,{\"a\":{},\"b\":-3}],\"\u{80}\":5,\
                              \"ö\":\"\u{7f}\\b\\f\\n\\r\\t\\\"\\\\/\\u001fé\",\"\u{20ac}\":\"Euro\",\"\u{1f600}\":4,\"\u{fb33}\":2}";
        assert_eq!(canonical(&value), canonical_text);
    }

    #[test]
    fn fraction_is_canonical() {
        // As JSON.stringify writes them.
        for (number, text) in [
            (0.5, "0.5"),
            (-1000.25, "-1000.25"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (-1.5e-9, "-1.5e-9"),
            (60.0, "60"),
            (9_007_199_254_740_990.5, "9007199254740990"),
        ] {
            assert_eq!(canonical(&json!(number)), text);
        }
    }

    #[test]
    fn canonical_json_does_not_depend_on_the_order_of_keys() {
        let policy = Policy::compiled().unwrap();
        let canonical = policy.canonical_json();
        assert_eq!(serde_json::from_str::<Policy>(&canonical).unwrap(), policy);
        assert!(
            canonical.starts_with(r#"{"actions":{"also":[{"action":"notify_admin","severity":"CRITICAL"}],"answer_"#)
        );
        assert_eq!(policy.hash(), Policy::COMPILED_HASH);
    }
}
