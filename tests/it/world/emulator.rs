//! Operations of DynamoDB, executed by the emulator in this process. HTTP to it would take longer than most of them. The JSON
//! types of requests are not checked as there: the SDK writes them.

use axum::http::StatusCode;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Executes a request to the DynamoDB API. Returns the status and the body of its response. Panics if `operation` is none of those that
/// AGE and its tests use.
pub(crate) fn execute(database: &Database, operation: &str, request: Value) -> (StatusCode, String) {
    let result = match operation {
        "BatchGetItem" => run(request, |it| database.batch_get_item(it)),
        "CreateTable" => run(request, |it| database.create_table(it)),
        "DeleteItem" => run(request, |it| database.delete_item(it)),
        "DeleteTable" => run(request, |it| database.delete_table(it)),
        "DescribeTable" => run(request, |it| database.describe_table(it)),
        "GetItem" => run(request, |it| database.get_item(it)),
        "PutItem" => run(request, |it| database.put_item(it)),
        "Query" => run(request, |it| database.query(it)),
        "Scan" => run(request, |it| database.scan(it)),
        "TransactWriteItems" => run(request, |it| database.transact_write_items(it)),
        "UpdateItem" => run(request, |it| database.update_item(it)),
        unknown => panic!("operation {unknown} is not one of the emulator's: add it to them"),
    };
    match result {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (StatusCode::from_u16(error.status_code()).unwrap(), error.to_json()),
    }
}

/// As [`execute`]. Returns the response. Panics if it is an error.
pub(crate) fn call(database: &Database, operation: &str, request: Value) -> Value {
    let (status, body) = execute(database, operation, request);
    assert!(status.is_success(), "{operation}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn run<Request: DeserializeOwned, Response: Serialize>(
    request: Value,
    operation: impl FnOnce(Request) -> dynoxide::Result<Response>,
) -> dynoxide::Result<String> {
    let request = serde_json::from_value(request);
    let response = operation(request.map_err(|error| DynoxideError::ValidationException(error.to_string()))?)?;
    Ok(serde_json::to_string(&response).unwrap())
}
