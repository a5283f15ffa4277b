//! File downloads: JSON, and CSV whose cells no spreadsheet takes for a formula.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// Returns a response that downloads `body`, which is JSON, as the file `name`.
pub(crate) fn json_response(name: &str, body: Vec<u8>) -> Response {
    file_response("application/json", name, body)
}

/// The media type of CSV files (RFC 4180). The first row is a heading.
const CSV: &str = "text/csv; charset=utf-8; header=present";

/// The byte order mark. Without it, spreadsheets take UTF-8 for the encoding of the user's region, and garble it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Returns a response that downloads `rows`, the first of which is the heading, as the CSV file `name` (RFC 4180).
pub(crate) fn csv_response<const N: usize>(name: &str, rows: impl IntoIterator<Item = [String; N]>) -> Response {
    match write_csv(rows) {
        Ok(body) => file_response(CSV, name, body),
        Err(error) => {
            tracing::error!(file.name = name, %error, "failed to write CSV file {name}: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn file_response(media_type: &str, name: &str, body: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    (StatusCode::OK, [(CONTENT_TYPE, media_type), (CONTENT_DISPOSITION, &disposition)], body).into_response()
}

fn write_csv<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(BYTE_ORDER_MARK.to_vec());
    for row in rows {
        writer.write_record(row.each_ref().map(|cell| neutralize(cell)))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// Returns the cell with an apostrophe before each piece that a spreadsheet could take for a formula. Some programs cut cells at
/// semicolons, tabs and line ends even within quotes, so each piece between those is checked. AGE's own numbers stay numbers,
/// because none of them is negative.
fn neutralize(cell: &str) -> String {
    let begins_blank = cell.starts_with(|first: char| first.is_whitespace() || first.is_control());
    let mut neutral = if begins_blank { "'".to_owned() } else { String::new() };
    for piece in cell.split_inclusive(SEPARATORS) {
        if is_formula(piece) {
            neutral.push('\'');
        }
        neutral.push_str(piece);
    }
    neutral
}

/// The characters at which programs cut a line into cells, and a file into lines.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];

/// Whether a program may take `piece` for a formula. Some skip white space, control characters and quotes before it.
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
        let bytes = write_csv([["a".to_owned(), "b".to_owned()], row]).unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let record = reader.records().next().unwrap().unwrap();
        record.iter().map(str::to_owned).collect()
    }

    #[test]
    fn formula_is_neutralized() {
        for bad in
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n+1", "|cmd", "%0", "\u{ff1d}1", "\0=1", "\"=1"]
        {
            let read = &read_back(&[bad.to_owned(), "x".to_owned()])[0];
            assert!(read.starts_with('\'') && read.replace('\'', "") == bad, "{read}");
        }
        for good in ["", "12", "a=b", "'", "{\"a\":1}", "a,\"b\"\r\nc", "a;b; c-d"] {
            assert_eq!(read_back(&["x".to_owned(), good.to_owned()])[1], good);
        }
        assert_eq!(neutralize("x;=cmd|'/C calc'!A0; \"-1\""), "x;'=cmd|'/C calc'!A0;' \"-1\"");
    }

    #[test]
    fn file_has_a_byte_order_mark_and_lines_that_end_with_cr_lf() {
        let file = write_csv([["id".to_owned()], ["échec".to_owned()], ["-1\n2".to_owned()]]).unwrap();
        assert_eq!(String::from_utf8(file).unwrap(), "\u{feff}id\r\néchec\r\n\"'-1\n2\"\r\n");
        assert_eq!(write_csv::<1>([]).unwrap(), BYTE_ORDER_MARK);
    }

    proptest! {
        #[test]
        fn cell_is_read_back_and_is_no_formula(cells in prop::collection::vec("[=+@\\-\t\r\n \",;a-c\u{0}\u{ff1d}]{0,8}", 2)) {
            for (written, read) in cells.iter().zip(read_back(&cells)) {
                prop_assert_eq!(read.replace('\'', ""), written.replace('\'', ""));
                prop_assert!(!read.split(SEPARATORS).any(is_formula), "{}", read);
                prop_assert!(!read.starts_with(['\t', '\r', '\n', ' ']), "{}", read);
            }
        }
    }
}
