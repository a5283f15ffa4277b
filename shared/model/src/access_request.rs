//! Access requests of the AuthZEN Authorization API 1.0: may this subject do this to this resource?

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::access_request_part::{AccessAction, AccessEntity, AccessRequestError, MAX_DEPTH, Part, error};
use crate::canonical_text::canonical_object;
use crate::content_hash;
use crate::details::without_white_space;
use crate::engine::Engine;
use crate::id::DecisionId;
use crate::json_check::{InvalidJson, check_json};
use crate::policy_hash::PolicyHash;

/// The largest request accepted, in bytes of JSON without insignificant white space.
const MAX_BYTES: usize = 16 * 1024;

/// The parts of a request, as keys of an evaluation.
const PARTS: [&str; 4] = ["subject", "action", "resource", "context"];

/// A request for a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessRequest {
    /// The person or system that wants to act.
    pub subject: AccessEntity,
    /// The operation.
    pub action: AccessAction,
    /// The object of the operation.
    pub resource: AccessEntity,
    /// The circumstances.
    pub context: Map<String, Value>,
    // INVARIANT: the texts are of the same values as the other fields, with every digit of their numbers.
    texts: CanonicalTexts,
}

/// The canonical texts of the parts of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CanonicalTexts {
    subject: String,
    action: String,
    resource: String,
    context: BTreeMap<String, String>,
}

impl AccessRequest {
    /// Parses one evaluation. Keys absent from it are taken whole from `defaults`, the top-level default values of AuthZEN. Other
    /// keys than those of the four parts are ignored.
    ///
    /// # Errors
    /// Every error of the request.
    pub fn parse(
        evaluation: &BTreeMap<String, &RawValue>,
        defaults: &BTreeMap<String, &RawValue>,
    ) -> Result<Self, Vec<AccessRequestError>> {
        let mut errors = Vec::new();
        let mut part = |name| {
            let text = evaluation.get(name).or_else(|| defaults.get(name))?;
            Part::read(name, text.get(), &mut errors)
        };
        let [subject, action, resource, context] = PARTS.map(&mut part);
        let is_given = |name: &str| evaluation.contains_key(name) || defaults.contains_key(name);
        for (name, fields) in [("subject", "type and id"), ("action", "name"), ("resource", "type and id")] {
            if !is_given(name) {
                errors.push(error(format!("/{name}"), format!("is required: an object with {fields}")));
            }
        }
        let subject = subject.and_then(|part| part.entity(&mut errors));
        let action = action.and_then(|part| part.action(&mut errors));
        let resource = resource.and_then(|part| part.entity(&mut errors));
        let context = if is_given("context") { context } else { Some(Part::default()) };
        let (Some(subject), Some(action), Some(resource), Some(context), true) =
            (subject, action, resource, context, errors.is_empty())
        else {
            return Err(errors);
        };
        let texts =
            CanonicalTexts { subject: subject.1, action: action.1, resource: resource.1, context: context.texts };
        let request =
            Self { subject: subject.0, action: action.0, resource: resource.0, context: context.values, texts };
        let bytes = request.as_json().len();
        if bytes > MAX_BYTES {
            let detail =
                format!("must be at most {MAX_BYTES} bytes of JSON without insignificant white space; got {bytes}");
            return Err(vec![error(String::new(), detail)]);
        }
        Ok(request)
    }

    /// Parses the JSON text of one request, without default values.
    ///
    /// # Errors
    /// Every error of the request, or the first one of its syntax.
    pub fn from_json(text: &str) -> Result<Self, Vec<AccessRequestError>> {
        let refuse = |detail: String| vec![error(String::new(), detail)];
        let (text, depth) = without_white_space(text);
        // Checked before the text is parsed, because the parser recurses.
        if depth > MAX_DEPTH {
            return Err(refuse(format!("must be nested at most {MAX_DEPTH} levels deep")));
        }
        check_json(&text).map_err(|invalid| match invalid {
            InvalidJson::Syntax(syntax) => refuse(format!("must be valid JSON: {syntax}")),
            InvalidJson::DuplicateKey(pointer) => vec![error(pointer, "must be given once".to_owned())],
        })?;
        let evaluation: BTreeMap<String, &RawValue> =
            serde_json::from_str(&text).map_err(|_| refuse("must be a JSON object".to_owned()))?;
        Self::parse(&evaluation, &BTreeMap::new())
    }

    /// Returns the SHA-256 over the canonical text of all four parts, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let CanonicalTexts { subject, action, resource, context } = &self.texts;
        content_hash::of([subject, action, resource, &canonical_object(context)])
    }

    /// Returns the SHA-256 that an approval is bound to, hexadecimal: as [`Self::digest`], without `context.decisionId` and the context
    /// fields that `unbound` names, and with the policy.
    #[must_use]
    pub fn bound_digest(&self, unbound: &[String], policy: &PolicyHash) -> String {
        let CanonicalTexts { subject, action, resource, context } = &self.texts;
        let is_bound = |name: &String| name != Self::DECISION_ID && !unbound.contains(name);
        let context = canonical_object(context.iter().filter(|(name, _)| is_bound(name)));
        content_hash::of([subject, action, resource, &context, &policy.to_string()])
    }

    /// The field of the context that names an approved decision.
    pub const DECISION_ID: &str = "decisionId";

    /// Returns `context.decisionId`, the decision whose approval the caller uses.
    ///
    /// # Errors
    /// If it is given and is no id.
    pub fn decision_id(&self) -> Result<Option<DecisionId>, AccessRequestError> {
        self.context_text(Self::DECISION_ID, "must be the id of a decision, a lower-case UUID")
    }

    /// Returns `context.engine`, by which a caller of several engines says which one asks.
    ///
    /// # Errors
    /// If it is given and is no name of an engine.
    pub fn engine(&self) -> Result<Option<Engine>, AccessRequestError> {
        self.context_text("engine", "must be the name of an engine")
    }

    fn context_text<T: std::str::FromStr>(&self, name: &str, allowed: &str) -> Result<Option<T>, AccessRequestError> {
        let read = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        self.context
            .get(name)
            .map(|value| read(value).ok_or_else(|| error(format!("/context/{name}"), allowed.to_owned())))
            .transpose()
    }

    /// Returns the request as JSON, at most 16 KB. Numbers have every digit that the caller wrote; fields that AGE ignores are left
    /// out.
    #[must_use]
    pub fn as_json(&self) -> String {
        let CanonicalTexts { subject, action, resource, context } = &self.texts;
        let context = canonical_object(context);
        format!(r#"{{"action":{action},"context":{context},"resource":{resource},"subject":{subject}}}"#)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const REFUND: &str = r#"{
        "subject": {"type": "engine", "id": "billing"},
        "action": {"name": "refund", "properties": {}},
        "resource": {"id": "i-1", "type": "invoice", "properties": {"status": "open"}},
        "context": {"amount": 12345678901234567890123, "note": "caf\u00e9"},
        "trace": [1]
    }"#;

    fn request(text: &str) -> AccessRequest {
        AccessRequest::from_json(text).unwrap()
    }

    fn errors(text: &str) -> Vec<String> {
        AccessRequest::from_json(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn request_is_parsed_and_unknown_fields_are_ignored() {
        let request = request(REFUND);
        assert_eq!((request.subject.kind.as_str(), request.subject.id.as_str()), ("engine", "billing"));
        assert_eq!((request.action.name.as_str(), request.action.properties.len()), ("refund", 0));
        assert_eq!(request.resource.properties.get("status"), Some(&json!("open")));
        assert_eq!(request.context.get("note"), Some(&json!("café")));
        assert_eq!(
            request.as_json(),
            r#"{"action":{"name":"refund","properties":{}},"context":{"amount":12345678901234567890123,"note":"café"},"resource":{"id":"i-1","properties":{"status":"open"},"type":"invoice"},"subject":{"id":"billing","properties":{},"type":"engine"}}"#
        );
        assert_eq!(AccessRequest::from_json(&request.as_json()).unwrap(), request);
    }

    #[test]
    fn every_error_names_its_field() {
        assert_eq!(
            errors(r#"{"action":{"name":""},"resource":{"type":1,"properties":[]},"context":null}"#),
            [
                "/context must be an object",
                "/subject is required: an object with type and id",
                "/action/name must be a string of 1 to 1024 characters, none of them a control character",
                "/resource/type must be a string of 1 to 1024 characters, none of them a control character",
                "/resource/id is required: a string of 1 to 1024 characters, none of them a control character",
                "/resource/properties must be an object",
            ]
        );
        assert_eq!(errors("[]"), ["must be a JSON object"]);
        assert!(errors("{")[0].starts_with("must be valid JSON: EOF"));
        assert_eq!(errors(r#"{"context":{"a/b":{"c":1,"c":2}}}"#), ["/context/a~1b/c must be given once"]);
        let with = |context: &str| REFUND.replacen(r#""amount": 12345678901234567890123"#, context, 1);
        assert_eq!(
            errors(&with(r#""amount": [1e999]"#)),
            ["/context/amount must have numbers within the range of 64-bit floating-point numbers"]
        );
        let long = |chars: usize| REFUND.replace("i-1", &"é".repeat(chars));
        assert!(AccessRequest::from_json(&long(1024)).is_ok());
        assert_eq!(errors(&long(1025)).len(), 1);
        assert_eq!(errors(&REFUND.replace("i-1", "i\\n1")).len(), 1);
    }

    #[test]
    fn size_and_depth_limits_are_exact() {
        let with = |context: &str| REFUND.replacen(r#""amount": 12345678901234567890123"#, context, 1);
        let room = MAX_BYTES - request(&with(r#""a":"""#)).as_json().len();
        let sized = |bytes: usize| with(&format!(r#""a": "{}""#, "x".repeat(bytes)));
        assert_eq!(request(&sized(room)).as_json().len(), MAX_BYTES);
        assert!(errors(&sized(room + 1))[0].starts_with("must be at most 16384 bytes"));
        let nested = |levels: usize| with(&format!(r#""a":{}{}"#, "[".repeat(levels), "]".repeat(levels)));
        assert!(AccessRequest::from_json(&nested(MAX_DEPTH - 2)).is_ok());
        assert_eq!(errors(&nested(MAX_DEPTH - 1)), ["must be nested at most 16 levels deep"]);
        let deep = format!("{}1{}", "[".repeat(9000), "]".repeat(9000));
        let raw: &RawValue = serde_json::from_str(&deep).unwrap();
        let evaluation = BTreeMap::from([("context".to_owned(), raw)]);
        let refused = AccessRequest::parse(&evaluation, &BTreeMap::new()).unwrap_err();
        assert_eq!(refused[0].to_string(), "/context must be nested at most 15 levels deep");
    }

    #[test]
    fn absent_keys_are_taken_whole_from_the_defaults() {
        let parts = |text: &'static str| serde_json::from_str::<BTreeMap<String, &RawValue>>(text).unwrap();
        let defaults = parts(
            r#"{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"context":{"a":1},"resource":{"type":"record","id":"1","properties":{"p":1}}}"#,
        );
        let evaluation = parts(r#"{"resource":{"type":"record","id":"2"},"context":{"b":2}}"#);
        let request = AccessRequest::parse(&evaluation, &defaults).unwrap();
        assert_eq!((request.subject.id.as_str(), request.resource.id.as_str()), ("alice", "2"));
        assert!(request.resource.properties.is_empty() && !request.context.contains_key("a"));
    }

    #[test]
    fn digest_is_of_the_content_with_every_digit() {
        let digest = |text: &str| request(text).digest();
        let sorted = request(REFUND).as_json();
        assert_eq!(digest(REFUND), digest(&sorted));
        let without_empty = sorted.replace(r#","properties":{}"#, "").replace(r#""properties":{},"#, "");
        assert_ne!(without_empty, sorted);
        assert_eq!(digest(REFUND), digest(&without_empty));
        let changes = [
            ("12345678901234567890123", "12345678901234567890124"),
            ("i-1", "i-2"),
            ("open", "paid"),
            ("refund", "charge"),
            ("billing", "qa"),
            (r#""note":"#, r#""remark":"#),
        ];
        for (old, new) in changes {
            assert_ne!(digest(&sorted), digest(&sorted.replace(old, new)), "{new}");
        }
    }

    #[test]
    fn bound_digest_leaves_out_the_decision_and_unbound_fields() {
        let with = |fields: &str| request(&REFUND.replacen(r#""note""#, &format!(r#"{fields}"note""#), 1));
        let (policy, other) = (PolicyHash::from_bytes([1; 32]), PolicyHash::from_bytes([2; 32]));
        let unbound = ["sentAt".to_owned()];
        let bound = |fields: &str| with(fields).bound_digest(&unbound, &policy);
        let id = r#""decisionId":"01936f2e-0000-7000-8000-00000000000a","#;
        assert_eq!(bound(""), bound(&format!(r#"{id}"sentAt":"10:00","#)));
        assert_ne!(bound(""), bound(r#""sentBy":"x","#));
        assert_ne!(bound(""), with("").bound_digest(&unbound, &other));
        assert_ne!(with(r#""sentAt":1,"#).bound_digest(&[], &policy), with("").bound_digest(&[], &policy));
    }

    #[test]
    fn decision_and_engine_of_the_context_are_read() {
        let with = |fields: &str| request(&REFUND.replacen(r#""note""#, &format!(r#"{fields}"note""#), 1));
        assert_eq!((with("").decision_id(), with("").engine()), (Ok(None), Ok(None)));
        let given = with(r#""decisionId":"01936f2e-0000-7000-8000-00000000000a","engine":"qa","#);
        assert_eq!(given.decision_id().unwrap().unwrap().to_string(), "01936f2e-0000-7000-8000-00000000000a");
        assert_eq!(given.engine(), Ok(Some(Engine::from_static("qa"))));
        let wrong = with(r#""decisionId":"x","engine":null,"#);
        let refused = [wrong.decision_id().unwrap_err(), wrong.engine().unwrap_err()].map(|it| it.to_string());
        assert_eq!(
            refused,
            [
                "/context/decisionId must be the id of a decision, a lower-case UUID",
                "/context/engine must be the name of an engine"
            ]
        );
    }

    proptest! {
        #[test]
        fn mutated_request_is_read_back_from_its_json(
            edits in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}:,\"a-e0-9.eE+\\\\ -]{0,3}"), 1..4)
        ) {
            let mut text = REFUND.to_owned();
            for (place, edit) in edits {
                let place = place.index(text.len());
                text.replace_range(place..place.saturating_add(edit.len()).min(text.len()), &edit);
            }
            if let Ok(request) = AccessRequest::from_json(&text) {
                prop_assert_eq!(AccessRequest::from_json(&request.as_json()), Ok(request));
            }
        }
    }
}
