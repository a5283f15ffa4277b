//! The API description (`OpenAPI`): the common parts of all operations.

mod links;
mod schemas;

use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::Server;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, Content, Header, Object, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder, Schema,
    SecurityRequirement,
};
use utoipa::{PartialSchema, ToSchema};

use crate::authorization::{Access, answers_invalid_requests_with_400, retries_only_5xx};
use crate::problem::{FieldError, PROBLEM_MEDIA_TYPE, ProblemBody};
use crate::problem_code::{FieldErrorCode, ProblemCode};
use crate::routes::Route;

pub use schemas::{remove_unused, simplify};

/// The text for people who read the whole document first.
const INTRODUCTION: &str = include_str!("contract/introduction.md");

/// The tags of operations, in the order in which people meet them.
const TAGS: &[(&str, &str)] = &[
    ("Events", "Engines report events; people and programs read them."),
    (
        "Actions",
        "AGE plans actions for serious events; workers report their outcomes, and people approve those that need it.",
    ),
    ("Incidents", "Serious events and failed remediations open incidents, which people acknowledge and resolve."),
    (
        "Decisions",
        "Engines ask before they act, by the AuthZEN Authorization API 1.0; people approve, look decisions up, and stop engines for a time.",
    ),
    ("Reports", "The risk of a week or of the time so far, with what to do about it."),
    ("Policies", "The rules of AGE as versions of one document: stored, compared, simulated, activated, rolled back."),
    ("Channels", "Where messages reach people besides e-mail: Slack, Microsoft Teams, PagerDuty and HTTPS endpoints."),
    ("Credentials", "The callers of AGE, each with a role."),
    ("Messages", "What AGE publishes to SNS topics, as webhooks."),
    ("About AGE", "Statistics, health and this document."),
];

const TOKEN: &str = "token";
const PROBLEM: &str = "Problem";

/// Completes `api`: the introduction and the tags, the roles that may use each of `routes`, and the error responses that it can have.
pub fn complete(api: &mut OpenApi, routes: &[Route]) {
    api.info.description = Some(INTRODUCTION.trim_end().to_owned());
    api.servers = Some(vec![Server::new("/")]);
    let tag = |(name, text): &(&str, &str)| TagBuilder::new().name(*name).description(Some(*text)).build();
    api.tags = Some(TAGS.iter().map(tag).collect());
    let components = api.components.get_or_insert_with(Components::new);
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("agov1.<kid>.<secret>").build();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(scheme));
    components.schemas.insert(PROBLEM.to_owned(), ProblemBody::schema());
    components.schemas.insert(FieldError::name().into_owned(), FieldError::schema());
    components.schemas.insert(ProblemCode::name().into_owned(), ProblemCode::schema());
    components.schemas.insert(FieldErrorCode::name().into_owned(), FieldErrorCode::schema());
    for route in routes {
        if let Some(operation) = api.paths.paths.get_mut(route.path).and_then(|item| operation(item, route.method)) {
            describe(operation, *route);
            links::add(operation);
        }
    }
}

/// Returns the schema of a field that has one of these HTTP statuses.
#[must_use]
pub fn status_schema(statuses: &[u16], description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .enum_values(Some(statuses.iter().copied()))
        .description(Some(description))
        .build()
}

fn operation<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    match method {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

fn describe(operation: &mut Operation, route: Route) {
    let has_body = operation.request_body.is_some();
    let is_cursor = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.name == "cursor");
    let has_cursor = operation.parameters.iter().flatten().any(is_cursor);
    let mut failures = vec![("405", "The path does not have this method")];
    let is_authzen = answers_invalid_requests_with_400(route.path);
    if !is_authzen {
        failures.push(("422", "Invalid fields or parameters, each named"));
    }
    if has_body || has_cursor {
        failures.push(("400", "Invalid JSON or cursor"));
    }
    if has_body {
        failures.push(("413", "Too large"));
        if !is_authzen {
            failures.push(("415", "Unsupported media type or content encoding"));
        }
    }
    if route.path.contains('{') {
        failures.push(("404", "Not found"));
    }
    operation.parameters.iter_mut().flatten().for_each(set_default);
    if route.access == Access::Public {
        operation.security = Some(Vec::new());
    } else {
        failures.extend([("401", "Missing or invalid credential"), ("500", "Stored data is corrupt")]);
        if retries_only_5xx(route.path) {
            failures.push(("503", "Service unavailable, or too many requests: retry later"));
        } else {
            failures.push(("429", "Too many requests, retry later"));
            failures.push(("503", "Service unavailable, retry later"));
        }
        if route.access != Access::Authenticated {
            failures.push(("403", "The credential's role may not use this route"));
        }
        operation.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
        let roles: Vec<&str> = route.access.roles().map(age_model::Role::as_str).collect();
        operation.extensions = Some(Extensions::builder().add("x-roles", roles).build());
    }
    for (status, description) in failures {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(status, description));
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if status == "201" {
            let location = header::<String>("The path of what was created.");
            response.headers.entry("Location".to_owned()).or_insert(location.into());
        }
        let request_id = header::<String>("The id of the request in AGE's logs.");
        response.headers.insert("X-Request-Id".to_owned(), request_id.into());
    }
    // An operation may describe an error itself; its body is a problem all the same.
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
        {
            response.content.insert(PROBLEM_MEDIA_TYPE.to_owned(), RefOr::T(content()));
        }
    }
}

/// Adds the default that the description of a number names, such as `50 by default`, to its schema.
fn set_default(parameter: &mut RefOr<Parameter>) {
    let RefOr::T(Parameter { description: Some(description), schema: Some(RefOr::T(Schema::Object(object))), .. }) =
        parameter
    else {
        return;
    };
    let named = description.strip_suffix(" by default").and_then(|text| text.rsplit(' ').next());
    if let Some(number) = named.and_then(|number| number.parse::<u64>().ok()) {
        object.default = Some(number.into());
    }
}

fn problem(status: &str, description: &str) -> RefOr<Response> {
    let response = ResponseBuilder::new().description(description).content(PROBLEM_MEDIA_TYPE, content());
    RefOr::T(match status {
        "401" => {
            let challenge = header::<String>("`Bearer`, with `error=\"invalid_token\"` if the request has a token.");
            response.header("WWW-Authenticate", challenge).build()
        }
        "405" => {
            let methods = header::<String>("The methods that the path has.");
            response.header("Allow", methods).build()
        }
        "415" => {
            let encodings = header::<String>("The content encodings of bodies that the operation supports.");
            response.header("Accept-Encoding", encodings).build()
        }
        "429" | "503" => {
            let seconds = header::<u16>("After how many seconds the request may be repeated.");
            response.header("Retry-After", seconds).build()
        }
        _ => response.build(),
    })
}

fn header<T: PartialSchema>(description: &str) -> Header {
    let mut header = Header::new(T::schema());
    header.description = Some(description.to_owned());
    header
}

fn content() -> Content {
    Content::new(Some(Ref::from_schema_name(PROBLEM)))
}
