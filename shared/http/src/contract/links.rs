//! The links of the contract: which operation follows another one, and which of its parameters are in the response.

use utoipa::openapi::RefOr;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::path::Operation;

/// A parameter of the operation that follows, and where its value is.
type Parameter = (&'static str, &'static str);

const ID: Parameter = ("id", "$response.body#/id");
const FIRST_ACTION: Parameter = ("action", "$response.body#/actions/0/action");
const HASH: Parameter = ("hash", "$response.body#/hash");
const KID: Parameter = ("kid", "$response.body#/kid");
const CURSOR: Parameter = ("cursor", "$response.body#/nextCursor");

/// An operation, the one that follows, and the parameters of the latter.
const LINKS: &[(&str, &str, &[Parameter])] = &[
    ("log_event", "get_event", &[ID]),
    ("log_event", "decide_approval", &[ID, FIRST_ACTION]),
    ("log_event", "report_outcome", &[ID, FIRST_ACTION]),
    ("log_cloud_event", "get_event", &[ID]),
    ("log_cloud_event", "decide_approval", &[ID, FIRST_ACTION]),
    ("log_cloud_event", "report_outcome", &[ID, FIRST_ACTION]),
    ("log_events", "get_event", &[("id", "$response.body#/results/0/id")]),
    ("log_alerts", "get_event", &[("id", "$response.body#/alerts/0/id")]),
    ("list_events", "list_events", &[CURSOR]),
    ("list_events", "get_event", &[("id", "$response.body#/events/0/id")]),
    ("get_event", "decide_approval", &[ID, FIRST_ACTION]),
    ("get_event", "report_outcome", &[ID, FIRST_ACTION]),
    ("list_actions", "list_actions", &[CURSOR]),
    ("list_actions", "get_event", &[("id", "$response.body#/actions/0/eventId")]),
    ("list_incidents", "list_incidents", &[CURSOR]),
    ("list_incidents", "get_incident", &[("id", "$response.body#/incidents/0/id")]),
    ("get_incident", "acknowledge_incident", &[ID]),
    ("get_incident", "comment_on_incident", &[ID]),
    ("get_incident", "resolve_incident", &[ID]),
    ("resolve_incident", "reopen_incident", &[ID]),
    ("list_holds", "list_holds", &[CURSOR]),
    ("list_holds", "get_hold", &[("id", "$response.body#/holds/0/id")]),
    ("set_hold", "get_hold", &[ID]),
    ("set_hold", "end_hold", &[ID]),
    ("generate_report", "get_report", &[ID]),
    ("list_reports", "list_reports", &[CURSOR]),
    ("list_reports", "get_report", &[("id", "$response.body#/reports/0/id")]),
    ("list_policies", "list_policies", &[CURSOR]),
    ("list_policies", "get_policy", &[("hash", "$response.body#/policies/0/hash")]),
    ("list_policy_activations", "list_policy_activations", &[CURSOR]),
    ("create_policy", "get_policy", &[HASH]),
    ("create_policy", "diff_policies", &[HASH]),
    ("create_policy", "simulate_policy", &[HASH]),
    ("create_policy", "activate_policy", &[HASH]),
    ("simulate_policy", "get_simulation", &[("hash", "$response.body#/policyHash"), ID]),
    ("create_credential", "rotate_credential", &[KID]),
    ("create_credential", "revoke_credential", &[KID]),
];

/// Adds its links to each successful response of `operation`.
pub(super) fn add(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let links = LINKS.iter().filter(|(source, ..)| *source == id);
    let links: Vec<_> = links.map(|(source, target, parameters)| link(source, target, parameters)).collect();
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with('2')
        {
            response.links.extend(links.iter().cloned());
        }
    }
}

/// Returns the name and the link from `source` to `target`.
fn link(source: &str, target: &str, parameters: &[Parameter]) -> (String, RefOr<Link>) {
    let name = if source == target { "next_page" } else { target };
    let mut link = LinkBuilder::new().operation_id(target);
    for (name, value) in parameters {
        link = link.parameter(*name, *value);
    }
    if parameters.iter().any(|(_, value)| value.contains("/0/")) {
        link = link.description("For the first item; the others follow in the same way.");
    }
    (name.to_owned(), RefOr::T(link.build()))
}
