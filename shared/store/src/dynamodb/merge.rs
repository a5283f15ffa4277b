//! Merging a change into a stored value, so that what a later version has stored beside it stays.

use aws_sdk_dynamodb::types::AttributeValue::{self, L, M};

use crate::dynamodb::attribute::Item;

/// Attributes that say which object a map is. Maps that differ in one of them are different objects.
const IDENTITY: [&str; 8] = ["opened_at", "hash", "h", "action", "event_id", "eventId", "at", "number"];

/// Returns `stored` with the changes that lead from `old` to `new`. `old` is what this version has read from `stored`, so what it
/// does not know is in neither of the two.
pub(crate) fn merge(stored: &AttributeValue, old: &AttributeValue, new: &AttributeValue) -> AttributeValue {
    match (stored, old, new) {
        _ if old == new => stored.clone(),
        (M(stored), M(old), M(new)) if is_same_object(old, new) => M(merge_maps(stored, old, new)),
        (L(stored), L(old), L(new)) if stored.len() == old.len() => L(merge_lists(stored, old, new)),
        _ => new.clone(),
    }
}

/// Merges two maps as [`merge`] does.
pub(crate) fn merge_maps(stored: &Item, old: &Item, new: &Item) -> Item {
    let mut merged = stored.clone();
    merged.retain(|name, _| new.contains_key(name) || !old.contains_key(name));
    for (name, value) in new {
        let value = match (stored.get(name), old.get(name)) {
            (Some(stored), Some(old)) => merge(stored, old, value),
            _ => value.clone(),
        };
        merged.insert(name.clone(), value);
    }
    merged
}

fn merge_lists(stored: &[AttributeValue], old: &[AttributeValue], new: &[AttributeValue]) -> Vec<AttributeValue> {
    let mut rest: Vec<_> = stored.iter().zip(old).collect();
    let mut merged = Vec::new();
    for value in new {
        let found = rest.iter().position(|(_, old)| is_same_element(old, value));
        merged.push(match found.map(|index| rest.remove(index)) {
            Some((stored, old)) => merge(stored, old, value),
            None => value.clone(),
        });
    }
    merged
}

/// Whether both maps are the same object, as far as they say which.
pub(crate) fn is_same_object(old: &Item, new: &Item) -> bool {
    IDENTITY.iter().all(|name| old.get(*name) == new.get(*name))
}

/// Whether both elements of a list are the same object, or equal.
fn is_same_element(old: &AttributeValue, new: &AttributeValue) -> bool {
    match (old, new) {
        (M(old), M(new)) => IDENTITY.iter().any(|name| old.contains_key(*name)) && is_same_object(old, new),
        _ => old == new,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn attribute(value: &Value) -> AttributeValue {
        serde_dynamo::to_attribute_value(value).unwrap()
    }

    fn merged(stored: &Value, old: &Value, new: &Value) -> Value {
        serde_dynamo::from_attribute_value(merge(&attribute(stored), &attribute(old), &attribute(new))).unwrap()
    }

    #[test]
    fn unknown_attributes_of_every_level_stay() {
        let stored =
            json!({"version": 1, "owner": "ada", "incident": {"status": "open", "team": {"name": "x"}, "note": 1}});
        let old = json!({"version": 1, "incident": {"status": "open", "note": 1}});
        let new = json!({"version": 2, "incident": {"status": "acknowledged"}});
        assert_eq!(
            merged(&stored, &old, &new),
            json!({"version": 2, "owner": "ada", "incident": {"status": "acknowledged", "team": {"name": "x"}}})
        );
    }

    #[test]
    fn another_object_inherits_nothing() {
        let stored = json!({"incident": {"opened_at": "1", "status": "resolved", "owner": "ada"}});
        let old = json!({"incident": {"opened_at": "1", "status": "resolved"}});
        let new = json!({"incident": {"opened_at": "2", "status": "open"}});
        assert_eq!(merged(&stored, &old, &new), new);
    }

    #[test]
    fn elements_of_a_list_keep_their_unknown_attributes_wherever_they_move() {
        let stored = json!([{"hash": "a", "used": 3}, {"hash": "b", "used": 4}, {"hash": "c", "used": 5}]);
        let old = json!([{"hash": "a"}, {"hash": "b"}, {"hash": "c"}]);
        let new = json!([{"hash": "d"}, {"hash": "a", "ends": 9}, {"hash": "c"}]);
        assert_eq!(
            merged(&stored, &old, &new),
            json!([{"hash": "d"}, {"hash": "a", "used": 3, "ends": 9}, {"hash": "c", "used": 5}])
        );
        assert_eq!(merged(&json!(["1", "2"]), &json!(["1", "2"]), &json!(["2", "3"])), json!(["2", "3"]));
    }
}
