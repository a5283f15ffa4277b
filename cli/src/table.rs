//! Tables with one line per row.

use age_model::visible_line;
use comfy_table::{Table, presets};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::api_response::parse_json;
use crate::error::Error;

/// Returns a row for each of `items`, and the error of the first item that makes no sense.
pub(crate) fn parse_rows<T: DeserializeOwned, const COLUMNS: usize>(
    items: &[Box<RawValue>],
    row: impl Fn(T) -> [String; COLUMNS],
) -> (Vec<[String; COLUMNS]>, Option<Error>) {
    let (rows, errors): (Vec<_>, Vec<_>) =
        items.iter().map(|item| parse_json::<T>(item.get()).map(&row)).partition(Result::is_ok);
    (rows.into_iter().flatten().collect(), errors.into_iter().find_map(Result::err))
}

/// Formats a table without borders, with `headings` in upper case above the columns.
pub(crate) fn format_table<const N: usize>(headings: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headings.map(str::to_uppercase));
    // A line feed in a cell would begin another row.
    table.add_rows(rows.into_iter().map(|row| row.map(|cell| visible_line(&cell))));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_without_trailing_spaces() {
        let rows = [["a", "1"], ["long", "-"]].map(|row| row.map(str::to_owned));
        assert_eq!(format_table(["kid", "number"], rows), "KID   NUMBER\na     1\nlong  -");
        assert_eq!(format_table(["kid"], []), "KID");
    }
}
