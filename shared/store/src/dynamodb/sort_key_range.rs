//! The range of a partition that a page of a list is read from.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use crate::dynamodb::attribute::text;

/// The sort keys from `from` on and before `before`; no bound where it is None.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SortKeyRange {
    from: Option<String>,
    before: Option<String>,
}

impl SortKeyRange {
    /// Returns the range from `from` on and before each of `ends` that is given.
    pub(crate) fn new(from: Option<String>, ends: [Option<String>; 2]) -> Self {
        Self { from, before: ends.into_iter().flatten().min() }
    }

    /// Whether no sort key is in the range. DynamoDB refuses a query whose range ends before it begins.
    pub(crate) fn is_empty(&self) -> bool {
        self.from.as_ref().zip(self.before.as_ref()).is_some_and(|(from, before)| from >= before)
    }

    /// Whether `key` is in the range. A query for the range may also return `before` itself.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.from.as_deref().is_none_or(|from| key >= from) && self.before.as_deref().is_none_or(|before| key < before)
    }

    /// Restricts `query` to the range of the sort key `sort_key` in the partition that the condition `partition` names.
    pub(crate) fn apply(&self, mut query: QueryFluentBuilder, partition: &str, sort_key: &str) -> QueryFluentBuilder {
        let range = match (&self.from, &self.before) {
            (Some(_), Some(_)) => format!("{sort_key} BETWEEN :from AND :before"),
            (Some(_), None) => format!("{sort_key} >= :from"),
            (None, Some(_)) => format!("{sort_key} < :before"),
            (None, None) => return query.key_condition_expression(partition),
        };
        for (name, bound) in [(":from", &self.from), (":before", &self.before)] {
            if let Some(bound) = bound {
                query = query.expression_attribute_values(name, text(bound));
            }
        }
        query.key_condition_expression(format!("{partition} AND {range}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: Option<&str>, ends: [Option<&str>; 2]) -> SortKeyRange {
        SortKeyRange::new(from.map(str::to_owned), ends.map(|end| end.map(str::to_owned)))
    }

    #[test]
    fn range_begins_with_its_start_and_ends_before_the_earlier_end() {
        let range = range(Some("b"), [Some("d"), Some("c")]);
        assert_eq!(["a", "b", "bz", "c", "d"].map(|key| range.contains(key)), [false, true, true, false, false]);
        assert!(!range.is_empty());
        assert!(SortKeyRange::default().contains("a"));
    }

    #[test]
    fn range_that_ends_where_it_begins_is_empty() {
        assert!(range(Some("b"), [Some("b"), None]).is_empty() && range(Some("b"), [None, Some("a")]).is_empty());
        assert!(!range(None, [None, Some("a")]).is_empty() && !range(Some("b"), [None, None]).is_empty());
    }
}
