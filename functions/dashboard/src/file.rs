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
        writer.write_record(row.each_ref().map(|cell| neutral(cell)))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A cell that no spreadsheet takes for a formula: what begins like one is preceded by an apostrophe. So is what would begin
/// like one if the cell were cut at its semicolons, tabs or lines, as some programs do, quotes or not. Numbers that are ours
/// stay numbers, for none of them is negative.
fn neutral(cell: &str) -> String {
    let begins_blank = cell.starts_with(|first: char| first.is_whitespace() || first.is_control());
    let mut neutral = if begins_blank { "'".to_owned() } else { String::new() };
    for piece in cell.split_inclusive(CUTS) {
        if is_formula(piece) {
            neutral.push('\'');
        }
        neutral.push_str(piece);
    }
    neutral
}

/// Where programs cut a line into cells, and a file into lines.
const CUTS: [char; 4] = [';', '\t', '\r', '\n'];

/// White space before a formula does not keep every program from seeing it, nor does a quote.
fn is_formula(piece: &str) -> bool {
    let text = piece.trim_start_matches(|first: char| first.is_whitespace() || first.is_control() || first == '"');
    text.starts_with(|first| "=+-@|%\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".contains(first))
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
        for bad in
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n+1", "|cmd", "%0", "\u{ff1d}1", "\0=1", "\"=1"]
        {
            let read = &read_back(&[bad.to_owned(), "x".to_owned()])[0];
            assert!(read.starts_with('\'') && read.replace('\'', "") == bad, "{read}");
        }
        for good in ["", "12", "a=b", "'", "{\"a\":1}", "a,\"b\"\r\nc", "a;b; c-d"] {
            assert_eq!(read_back(&["x".to_owned(), good.to_owned()])[1], good);
        }
        assert_eq!(neutral("x;=cmd|'/C calc'!A0; \"-1\""), "x;'=cmd|'/C calc'!A0;' \"-1\"");
    }

    proptest! {
        #[test]
        fn cells_come_back_and_none_is_a_formula(cells in prop::collection::vec("[=+@\\-\t\r\n \",;a-c\u{0}\u{ff1d}]{0,8}", 2)) {
            for (written, read) in cells.iter().zip(read_back(&cells)) {
                prop_assert_eq!(read.replace('\'', ""), written.replace('\'', ""));
                prop_assert!(!read.split(CUTS).any(is_formula), "{}", read);
                prop_assert!(!read.starts_with(['\t', '\r', '\n', ' ']), "{}", read);
            }
        }
    }
}
