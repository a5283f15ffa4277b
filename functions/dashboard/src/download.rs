//! File downloads: JSON and CSV.

use age_model::{BYTE_ORDER_MARK, format_csv};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// Returns a response that downloads `body`, which is JSON, as the file `name`.
pub(crate) fn json_response(name: &str, body: Vec<u8>) -> Response {
    file_response("application/json", name, body)
}

/// The media type of CSV files (RFC 4180). The first row is a heading.
const CSV: &str = "text/csv; charset=utf-8; header=present";

/// Returns a response that downloads `rows`, the first of which is the heading, as the CSV file `name`.
pub(crate) fn csv_response<const N: usize>(name: &str, rows: impl IntoIterator<Item = [String; N]>) -> Response {
    file_response(CSV, name, (BYTE_ORDER_MARK.to_owned() + &format_csv(rows)).into_bytes())
}

fn file_response(media_type: &str, name: &str, body: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    (StatusCode::OK, [(CONTENT_TYPE, media_type), (CONTENT_DISPOSITION, &disposition)], body).into_response()
}
