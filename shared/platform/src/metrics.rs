//! Figures that alarms watch: `CloudWatch` takes them out of a log line in its embedded metric format.

use std::io::Write;

use age_model::Clock;
use serde_json::{Value, json};

use crate::env;

const NAMESPACE: &str = "AGE";

/// Writes `figures` to the log as metrics of this function.
pub fn emit(figures: &[(String, i64)], clock: &dyn Clock) {
    let function = env::optional("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "unnamed".to_owned());
    let line = line(&function, figures, clock.now().millis());
    // The line must stand alone, so it does not go through the logger.
    if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
        tracing::warn!(%error, "metrics are lost");
    }
}

fn line(function: &str, figures: &[(String, i64)], millis: i64) -> Value {
    let names: Vec<Value> = figures.iter().map(|(name, _)| json!({ "Name": name })).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": millis,
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": names }],
        },
        "FunctionName": function,
    });
    if let Value::Object(fields) = &mut line {
        fields.extend(figures.iter().map(|(name, value)| (name.clone(), Value::from(*value))));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_the_figures_and_says_where_they_are() {
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
