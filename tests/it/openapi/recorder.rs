//! Sends requests to the operations of a contract, and keeps the requests and responses that are its examples.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::world::{Api, ApiResponse};

pub(super) const BASE: &str = "/api/governance";

/// The paths that a standard prescribes.
const STANDARD_PATHS: [&str; 2] = ["/access/v1/", "/.well-known/"];

/// The secret of every token in an example.
pub(super) const NO_SECRET: &str = "EXAMPLE-ONLY-THIS-IS-NOT-A-SECRET-AAAAAAAAA";

/// An operation of the contract.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) id: String,
    /// In capitals.
    pub(super) method: String,
    /// With parameters in braces.
    pub(super) path: String,
    /// As in the contract.
    pub(super) description: Value,
}

impl Operation {
    /// Returns all operations of `contract`.
    pub(super) fn list(contract: &Value) -> Vec<Self> {
        let paths = contract["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(|(method, description)| Self {
                id: description["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                description: description.clone(),
            })
        });
        operations.collect()
    }

    /// Returns the media type of its request body, if it has one.
    pub(super) fn media_type(&self) -> Option<&str> {
        let content = self.description.pointer("/requestBody/content")?.as_object()?;
        content.keys().next().map(String::as_str)
    }

    /// Returns the statuses of its errors.
    pub(super) fn errors(&self) -> Vec<u16> {
        let statuses = self.description["responses"].as_object().unwrap().keys();
        statuses.map(|status| status.parse().unwrap()).filter(|status| *status >= 400).collect()
    }
}

/// A request that was sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// The path and query, below [`BASE`] unless a standard prescribes the path.
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
}

impl Request {
    pub(super) fn to(path: impl Into<String>) -> Self {
        Self { path: path.into(), headers: Vec::new(), body: None }
    }

    /// Returns the whole path and query.
    pub(super) fn url(&self) -> String {
        let base = if STANDARD_PATHS.iter().any(|path| self.path.starts_with(path)) { "" } else { BASE };
        format!("{base}{}", self.path)
    }

    pub(super) fn json(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// The first successful request of each operation, and the first response of each of its statuses.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    operations: BTreeMap<String, Operation>,
    pub(super) requests: BTreeMap<String, Request>,
    pub(super) responses: BTreeMap<(String, u16), Value>,
}

impl Recorder {
    pub(super) fn new(contract: &Value) -> Self {
        let operations = Operation::list(contract).into_iter().map(|it| (it.id.clone(), it)).collect();
        Self { operations, ..Self::default() }
    }

    pub(super) fn operations(&self) -> Vec<Operation> {
        self.operations.values().cloned().collect()
    }

    /// Sends `request` to `operation`. Asserts that the response has `status`.
    pub(super) async fn send(&mut self, api: &Api, operation: &str, request: Request, status: u16) -> ApiResponse {
        let Operation { method, .. } = &self.operations[operation];
        let media_type = self.operations[operation].media_type().filter(|_| request.body.is_some());
        let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut headers: Vec<_> = request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend(media_type.map(|media_type| ("Content-Type", media_type)));
        let response = api.send(method, &request.url(), &headers, body.as_bytes()).await;
        assert_eq!(response.status, status, "{operation}: {response:?}");
        if status < 400 {
            self.requests.entry(operation.to_owned()).or_insert(request);
        }
        self.keep(operation, &response);
        response
    }

    /// Keeps `response` as the example of its status, if it is the first of `operation`.
    pub(super) fn keep(&mut self, operation: &str, response: &ApiResponse) {
        let key = (operation.to_owned(), response.status);
        self.responses.entry(key).or_insert_with(|| without_secrets(&response.json));
    }
}

fn without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("agov1.") => {
            let (name, _) = text.rsplit_once('.').unwrap();
            format!("{name}.{NO_SECRET}").into()
        }
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), without_secrets(value))).collect())
        }
        other => other.clone(),
    }
}
