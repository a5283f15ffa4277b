//! Tables for people.

use age_model::Timestamp;
use comfy_table::{Table, presets};

/// A table without lines, whose columns are called `names`.
pub(crate) fn of<const N: usize>(names: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(names.map(str::to_uppercase)).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// To the second, UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{at:.19}Z").replace('T', " ")
}

/// What is not there.
pub(crate) const NOTHING: &str = "-";

/// `number` of `thing`, such as `1 line`, `2 lines`.
pub(crate) fn number_of(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [["a", "1"], ["long", "-"]].map(|row| row.map(str::to_owned));
        assert_eq!(of(["kid", "number"], rows), "KID   NUMBER\na     1\nlong  -");
        assert_eq!(of(["kid"], []), "KID");
    }

    #[test]
    fn moments_are_utc_and_say_so() {
        assert_eq!(moment("2026-11-23T01:05:09.7+01:00".parse().unwrap()), "2026-11-23 00:05:09Z");
    }
}
