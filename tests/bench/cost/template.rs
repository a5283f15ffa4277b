//! The numbers of resources that the template deploys.

use std::sync::LazyLock;

use yaml_serde::Value;

static RESOURCES: LazyLock<Value> = LazyLock::new(|| {
    let template: Value = yaml_serde::from_str(include_str!("../../../infra/template.yaml")).unwrap();
    template.get("Resources").unwrap().clone()
});

/// Returns the number of resources of the type `kind`.
pub(super) fn count(kind: &str) -> f64 {
    let resources = RESOURCES.as_mapping().unwrap();
    let count = resources.iter().filter(|(_, resource)| resource.get("Type").and_then(Value::as_str) == Some(kind));
    let count = count.count();
    assert!(count > 0, "the template has no {kind}");
    f64::from(u32::try_from(count).unwrap())
}

/// Returns the format of a line of the API's access log.
pub(super) fn access_log_format() -> String {
    let api = RESOURCES.get("Api").and_then(|api| api.get("Properties")).unwrap();
    api.get("AccessLogSettings").and_then(|log| log.get("Format")).and_then(Value::as_str).unwrap().to_owned()
}
