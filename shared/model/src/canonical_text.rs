//! The canonical text of JSON values, in which numbers keep every digit: equal texts are of equal values.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// Returns the JSON value `text` with sorted keys, without insignificant white space and unnecessary escapes. Numbers stay as they are
/// written. Not longer than `text`. Recurses as deep as the text is nested, so check the depth before.
///
/// # Errors
/// The first error of its syntax.
pub(crate) fn canonical_text(text: &str) -> serde_json::Result<String> {
    match text.as_bytes().first() {
        Some(b'{') => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            let field = |(key, value): (String, &RawValue)| Ok((key, canonical_text(value.get())?));
            let fields: BTreeMap<String, String> = fields.into_iter().map(field).collect::<serde_json::Result<_>>()?;
            Ok(canonical_object(&fields))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let items = items.iter().map(|item| canonical_text(item.get())).collect::<serde_json::Result<Vec<_>>>()?;
            Ok(format!("[{}]", items.join(",")))
        }
        Some(b'"') => Ok(quoted(serde_json::from_str::<String>(text)?)),
        _ => Ok(text.to_owned()),
    }
}

/// Returns the object with these fields, whose values are canonical texts.
pub(crate) fn canonical_object<'a>(fields: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let field = |(key, value): (&String, &String)| format!("{}:{value}", quoted(key.as_str()));
    format!("{{{}}}", fields.into_iter().map(field).collect::<Vec<_>>().join(","))
}

/// Returns `text` as a JSON string.
pub(crate) fn quoted(text: impl Into<String>) -> String {
    Value::String(text.into()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_digits_and_sorts_keys() {
        for (text, canonical) in [
            (r#"{ "z": 12345678901234567890123, "a": 1.10 }"#, r#"{"a":1.10,"z":12345678901234567890123}"#),
            (r#"{"a":[{"y":{},"x":"\u0041\/\u00e9"}]}"#, r#"{"a":[{"x":"A/é","y":{}}]}"#),
            (r#"[ 1E2 , null, true, "\u0008\u001f" ]"#, r#"[1E2,null,true,"\b\u001f"]"#),
            (r#"{"\u0062":1,"a":2}"#, r#"{"a":2,"b":1}"#),
        ] {
            assert_eq!(canonical_text(text).unwrap(), canonical);
            assert!(canonical.len() <= text.len(), "{text}");
        }
        assert!(canonical_text(r#""\ud800""#).is_err());
    }
}
