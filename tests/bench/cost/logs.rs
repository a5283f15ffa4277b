//! The bytes of the log lines of requests: the functions' own, those of Lambda, and those of API Gateway.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

use super::template;

/// The span of an invocation, which every line of a function has on AWS.
const SPAN: &str = r#","span":{"requestId":"8476a536-e9f4-11e8-9739-2dfe598c3fcd","xrayTraceId":"Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1","name":"Lambda runtime invoke"}"#;

/// The lines that Lambda writes about each invocation, as its documentation has them:
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>.
const OF_LAMBDA: [&str; 2] = [
    r#"{"time":"2026-11-27T12:00:00.123Z","type":"platform.start","record":{"requestId":"8476a536-e9f4-11e8-9739-2dfe598c3fcd","version":"$LATEST"}}"#,
    r#"{"time":"2026-11-27T12:00:00.140Z","type":"platform.report","record":{"requestId":"8476a536-e9f4-11e8-9739-2dfe598c3fcd","metrics":{"durationMs":12.345,"billedDurationMs":13,"memorySizeMB":256,"maxMemoryUsedMB":35},"tracing":{"spanId":"0efbd19962d95b05","type":"X-Amzn-Trace-Id","value":"Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"},"status":"success"}}"#,
];

/// A value of a variable of the access log.
const VALUES: [(&str, &str); 17] = [
    ("$context.integration.requestId", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
    ("$context.integrationErrorMessage", "-"),
    ("$context.integrationLatency", "21"),
    ("$context.identity.sourceIp", "203.0.113.118"),
    ("$context.responseLatency", "23"),
    ("$context.responseLength", "1024"),
    ("$context.error.message", "-"),
    ("$context.requestTime", "27/Nov/2026:12:00:00 +0000"),
    ("$context.httpMethod", "POST"),
    ("$context.requestId", "JKJaXmPLvHcESHA="),
    ("$context.routeKey", "ANY /api/governance/event"),
    ("$context.status", "201"),
    ("$context.apiId", "a1b2c3d4e5"),
    ("$context.path", "/api/governance/event"),
    ("$context.protocol", "HTTP/1.1"),
    ("$context.stage", "$default"),
    ("$context.domainName", "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"),
];

/// Returns the bytes that Lambda writes about an invocation.
pub(super) fn bytes_of_lambda() -> f64 {
    OF_LAMBDA.iter().map(|line| as_bytes(line.len())).sum()
}

/// Returns the bytes of a line of the access log.
pub(super) fn bytes_of_api() -> f64 {
    let line = VALUES.iter().fold(template::access_log_format(), |line, (name, value)| line.replace(name, value));
    assert!(!line.contains("$context"), "a variable of the access log has no value: {line}");
    as_bytes(line.len())
}

fn as_bytes(length: usize) -> f64 {
    f64::from(u32::try_from(length).unwrap())
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the bytes of the lines that functions write while they do `work`, as on AWS, and its result.
pub(super) async fn bytes_of<T>(work: impl Future<Output = T>) -> (f64, T) {
    let log = Log::default();
    let writer = log.clone();
    // As the functions log.
    let subscriber = tracing_subscriber::fmt().json().with_max_level(LevelFilter::INFO).with_span_list(false);
    let guard = subscriber.with_writer(move || writer.clone()).set_default();
    let result = work.await;
    drop(guard);
    let written = log.0.lock().unwrap();
    let lines = std::str::from_utf8(&written).unwrap().lines().count();
    (as_bytes(written.len() + lines * SPAN.len()), result)
}
