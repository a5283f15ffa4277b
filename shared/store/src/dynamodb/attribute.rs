//! Attributes of items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// An item as the SDK represents it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Returns `value` as a string attribute.
#[expect(clippy::needless_pass_by_value, reason = "callers pass values, which keeps many calls short")]
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// Returns `value` as a number attribute.
#[expect(clippy::needless_pass_by_value, reason = "callers pass values, which keeps many calls short")]
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
