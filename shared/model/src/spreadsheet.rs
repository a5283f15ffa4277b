//! CSV files (RFC 4180) whose cells no spreadsheet takes for a formula.

/// The byte order mark. Without it at the beginning of a file, spreadsheets take UTF-8 for the encoding of the user's region, and
/// garble it.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The characters at which programs cut a line into cells, and a file into lines.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];

/// Returns `rows`, the first of which is the heading, as the text of a CSV file. It has no [byte order mark](BYTE_ORDER_MARK).
#[must_use]
pub fn format_csv<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |row: [String; N]| row.map(|cell| quote(&neutralize(&cell))).join(",") + "\r\n";
    rows.into_iter().map(line).collect()
}

/// Returns the cell within quotes, if it has a character that is special in CSV.
fn quote(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
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
        let file = format_csv([["a".to_owned(), "b".to_owned()], row]);
        let mut reader = csv::Reader::from_reader(file.as_bytes());
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
    fn lines_end_with_cr_lf_and_special_cells_are_quoted() {
        let file = format_csv([["id".to_owned()], ["échec".to_owned()], ["-1\n2".to_owned()], ["a \"b\"".to_owned()]]);
        assert_eq!(file, "id\r\néchec\r\n\"'-1\n2\"\r\n\"a \"\"b\"\"\"\r\n");
        assert_eq!(format_csv::<1>([]), "");
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
