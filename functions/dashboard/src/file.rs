//! Files to be kept: JSON, and tables for spreadsheets, which must not take what others wrote for formulas.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// JSON as a file called `name`.
pub(crate) fn json(name: &str, body: Vec<u8>) -> Response {
    download("application/json", name, body)
}

fn download(media_type: &str, name: &str, body: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    (StatusCode::OK, [(CONTENT_TYPE, media_type), (CONTENT_DISPOSITION, &disposition)], body).into_response()
}

/// A table as a file called `name`, as RFC 4180 has it.
pub(crate) fn csv<const N: usize>(name: &str, rows: impl IntoIterator<Item = [String; N]>) -> Response {
    match written(rows) {
        Ok(body) => download("text/csv; charset=utf-8", name, body),
        Err(error) => {
            tracing::error!(%error, "a table cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn written<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.map(neutral))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A cell that no spreadsheet takes for a formula: what begins like one is preceded by an apostrophe. Numbers that are
/// ours stay numbers, for none of them is negative.
fn neutral(cell: String) -> String {
    // White space before a formula does not keep every program from seeing it.
    let first = cell.trim_start().chars().next();
    let is_formula = first.is_some_and(|first| "=+-@|%\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".contains(first));
    if is_formula || cell.starts_with(char::is_whitespace) || cell.starts_with(char::is_control) {
        return format!("'{cell}");
    }
    cell
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_back(cells: &[String]) -> Vec<String> {
        let row = <[String; 2]>::try_from(cells.to_vec()).unwrap();
        let bytes = written([["a".to_owned(), "b".to_owned()], row]).unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let record = reader.records().next().unwrap().unwrap();
        record.iter().map(str::to_owned).collect()
    }

    #[test]
    fn formulas_become_texts() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n+1", "|cmd", "%0", "\u{ff1d}1", "\0=1"] {
            assert_eq!(read_back(&[bad.to_owned(), "x".to_owned()]), [format!("'{bad}"), "x".to_owned()]);
        }
        for good in ["", "12", "a=b", "'", "{\"a\":1}", "a,\"b\"\r\nc"] {
            assert_eq!(read_back(&["x".to_owned(), good.to_owned()])[1], good);
        }
    }

    proptest! {
        #[test]
        fn cells_come_back_and_none_is_a_formula(cells in prop::collection::vec("[=+@\\-\t\r\n \",;a-c\u{0}\u{ff1d}]{0,8}", 2)) {
            for (written, read) in cells.iter().zip(read_back(&cells)) {
                prop_assert_eq!(read.strip_prefix('\'').unwrap_or(&read), written);
                prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', ' ']), "{}", read);
            }
        }
    }
}
