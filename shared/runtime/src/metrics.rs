//! Metrics for alarms, as log lines in the embedded metric format of `CloudWatch`.

use std::io::Write;

use age_model::Clock;
use serde_json::{Value, json};

use crate::config::Variables;

const NAMESPACE: &str = "AGE";

/// Writes `metrics`, by name, to the log as metrics of this function.
pub fn emit(metrics: &[(String, i64)], clock: &dyn Clock) {
    let function = Variables::of_process().optional("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "unnamed".to_owned());
    let line = line(&function, metrics, clock.now().millis());
    // The line must be exactly this JSON object, so it does not go through the logger.
    if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
        tracing::warn!(%error, "cannot write metrics: {error}");
    }
}

fn line(function: &str, metrics: &[(String, i64)], millis: i64) -> Value {
    let names: Vec<Value> = metrics.iter().map(|(name, _)| json!({ "Name": name })).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": millis,
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": names }],
        },
        "FunctionName": function,
    });
    if let Value::Object(fields) = &mut line {
        fields.extend(metrics.iter().map(|(name, value)| (name.clone(), Value::from(*value))));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_has_the_metrics_and_their_definition() {
        let line = line("age-sweep", &[("EmailsSent".to_owned(), 3)], 1_795_403_565_000);
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 1_795_403_565_000_i64,
                    "CloudWatchMetrics": [
                        { "Namespace": "AGE", "Dimensions": [["FunctionName"]], "Metrics": [{ "Name": "EmailsSent" }] },
                    ],
                },
                "FunctionName": "age-sweep",
                "EmailsSent": 3,
            })
        );
    }
}
