//! The problems that operations share: each is provoked at every operation that can have it.

use age_http::RequestRate;
use serde_json::{Value, json};

use super::recorder::{BASE, Operation, Recorder, Request};
use crate::world::proxy::Fault;
use crate::world::test_credentials::{BILLING, READER, TESTS};
use crate::world::{Api, ApiResponse, World};

/// More than any operation accepts.
const TOO_LARGE_BYTES: usize = 1_100_000;

/// The problems that have the same text at every operation, because one place in the code makes them.
const SAME_EVERYWHERE: [u16; 2] = [500, 503];

/// Records an example of each problem that no scenario has recorded.
pub(super) async fn record(recorder: &mut Recorder, world: &World) {
    record_unfinished_batch(recorder, world).await;
    let limited = world.environment_with_proxied_credentials(RequestRate::new(1, 1)).await;
    limited.get(&format!("{BASE}/whoami")).await;
    for operation in recorder.operations() {
        let request = recorder.requests.get(&operation.id).cloned();
        let request = request.unwrap_or_else(|| panic!("the scenario sends no request to {}", operation.id));
        for status in operation.errors() {
            if recorder.responses.contains_key(&(operation.id.clone(), status)) || SAME_EVERYWHERE.contains(&status) {
                continue;
            }
            let response = provoke(world, &limited, &operation, &request, status).await;
            assert_eq!(response.status, status, "{}: {response:?}", operation.id);
            recorder.keep(&operation.id, &response);
        }
    }
    record_unavailable(recorder, world).await;
    record_corrupt(recorder, world).await;
}

/// Sends `request` to `operation` as `status` needs it.
async fn provoke(world: &World, limited: &Api, operation: &Operation, request: &Request, status: u16) -> ApiResponse {
    let Operation { method, description, .. } = operation;
    let admin = world.as_caller(TESTS);
    let path = request.url();
    let with_query = |query: &str| format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' });
    let typed = ("Content-Type", operation.media_type().unwrap_or("application/json"));
    let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
    match status {
        400 if method == "GET" => admin.send(method, &with_query("cursor=made-up"), &[], b"").await,
        400 => admin.send(method, &path, &[typed], b"{").await,
        401 => admin.send_without_token(method, &path, &[typed], body.as_bytes()).await,
        403 => {
            let is_for_engines = description["x-roles"].as_array().unwrap().contains(&json!("engine"));
            let caller = world.as_caller(if is_for_engines { READER } else { BILLING });
            caller.send(method, &path, &[typed], body.as_bytes()).await
        }
        404 => admin.send(method, &path_to_nothing(operation, request), &[typed], body.as_bytes()).await,
        405 => admin.send("PUT", &path, &[], b"").await,
        413 => admin.send(method, &path, &[typed], &vec![b' '; TOO_LARGE_BYTES]).await,
        415 => admin.send(method, &path, &[("Content-Type", "text/csv")], body.as_bytes()).await,
        422 => admin.send(method, &with_query("colour=red"), &[typed], body.as_bytes()).await,
        429 => limited.send(method, &path, &[typed], body.as_bytes()).await,
        _ => panic!("{} has no example with status {status}", operation.id),
    }
}

/// Returns the path of `request` with another first parameter, of something that does not exist. A path without a parameter leads to
/// something that the scenario has ended.
fn path_to_nothing(operation: &Operation, request: &Request) -> String {
    let Some((before, _)) = operation.path.split_once('{') else { return request.url() };
    let parameter = request.url().strip_prefix(before).unwrap().to_owned();
    let rest = parameter.find('/').map_or("", |end| &parameter[end..]);
    format!("{before}unknown{rest}")
}

/// Records a batch whose events cannot be stored now.
async fn record_unfinished_batch(recorder: &mut Recorder, world: &World) {
    let request = recorder.requests["log_events"].clone();
    let mut body = request.body.clone().unwrap();
    body[0]["idempotencyKey"] = "invoice-sent-1205".into();
    world.dynamodb.set_fault(|call| match call.operation.as_str() {
        "TransactWriteItems" => Fault::Refuse,
        _ => Fault::None,
    });
    recorder.send(&world.as_caller(BILLING), "log_events", Request { body: Some(body), ..request }, 503).await;
    world.dynamodb.reset();
}

/// Records the response of an environment that cannot read the credentials, for all operations.
async fn record_unavailable(recorder: &mut Recorder, world: &World) {
    world.dynamodb.set_fault(|_| Fault::Refuse);
    let api = world.environment_with_proxied_credentials(RequestRate::new(1, 1)).await;
    let unavailable = api.get(&format!("{BASE}/whoami")).await;
    world.dynamodb.reset();
    keep_everywhere(recorder, &unavailable, 503);
}

/// Records the response about a damaged row, for all operations.
async fn record_corrupt(recorder: &mut Recorder, world: &World) {
    let path = recorder.requests["get_event"].path.clone();
    let id = path.rsplit('/').next().unwrap();
    let damage = json!({
        "TableName": "Events", "Key": { "id": { "S": id } }, "UpdateExpression": "SET severity = :odd",
        "ExpressionAttributeValues": { ":odd": { "N": "1" } },
    });
    world.dynamodb.call("UpdateItem", &damage);
    let corrupt = world.get(&format!("{BASE}{path}")).await;
    keep_everywhere(recorder, &corrupt, 500);
}

fn keep_everywhere(recorder: &mut Recorder, response: &ApiResponse, status: u16) {
    assert_eq!(response.status, status, "{response:?}");
    for operation in recorder.operations() {
        if operation.errors().contains(&status) {
            recorder.keep(&operation.id, response);
        }
    }
}
