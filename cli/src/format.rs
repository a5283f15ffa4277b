//! Values as text for people.

use std::time::Duration;

use age_model::Timestamp;

/// Stands for a value that does not exist.
pub(crate) const NO_VALUE: &str = "-";

/// Formats UTC to the second: `2026-11-23 00:05:09Z`.
pub(crate) fn format_timestamp(timestamp: Timestamp) -> String {
    format!("{timestamp:.19}Z").replace('T', " ")
}

/// Formats the two largest units that are not zero and follow each other: `3 d 4 h`, `20 h 35 min`, `9 min`, `45 s`.
/// Cuts off the rest.
pub(crate) fn format_duration(duration: Duration) -> String {
    age_model::format_duration(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}

/// Formats a number of things with the regular plural: `1 line`, `2 lines`.
pub(crate) fn format_count(count: u64, singular: &str) -> String {
    format!("{count} {singular}{}", if count == 1 { "" } else { "s" })
}

/// Formats a name of the API, such as a status: `timed_out` becomes `timed out`.
pub(crate) fn format_name(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_is_formatted_in_utc_to_the_second() {
        let timestamp = "2026-11-23T01:05:09.7+01:00".parse().unwrap();
        assert_eq!(format_timestamp(timestamp), "2026-11-23 00:05:09Z");
    }

    #[test]
    fn duration_is_formatted_with_its_two_largest_units() {
        for (seconds, expected) in [
            (0, "0 s"),
            (45, "45 s"),
            (130, "2 min 10 s"),
            (540, "9 min"),
            (3605, "1 h"),
            (74_105, "20 h 35 min"),
            (86_400 + 59, "1 d"),
            (3 * 86_400 + 4 * 3600 + 60, "3 d 4 h"),
        ] {
            assert_eq!(format_duration(Duration::from_secs(seconds)), expected);
        }
    }
}
