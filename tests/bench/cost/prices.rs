//! Prices of AWS in us-east-1 in dollars, without free tiers, of the day in [`AS_OF`]. Check them on the pages that are named here
//! before you rely on them: the benchmark does not query AWS.

/// The day of the prices, as the heading of a column.
pub(crate) const AS_OF: &str = "at prices of 2026-11-27";

/// A million write request units: <https://aws.amazon.com/dynamodb/pricing/on-demand/>.
pub(crate) const WRITES: f64 = 0.625;

/// A million read request units: as above.
pub(crate) const READS: f64 = 0.125;

/// A gigabyte in a table or an index for a month: as above.
pub(crate) const STORED: f64 = 0.25;

/// The point-in-time recovery of a gigabyte in a table for a month: as above. Global indexes are not charged for:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html>.
pub(crate) const RECOVERABLE: f64 = 0.20;

/// A million invocations: <https://aws.amazon.com/lambda/pricing/>.
pub(crate) const INVOCATIONS: f64 = 0.20;

/// A gigabyte of a function's memory for a second, x86: as above.
pub(crate) const GIGABYTE_SECOND: f64 = 0.000_016_666_7;

/// A million requests of an HTTP API, of up to 512 KB each: <https://aws.amazon.com/api-gateway/pricing/>.
pub(crate) const REQUESTS: f64 = 1.00;

/// A million requests to SNS, of up to 64 KB each: <https://aws.amazon.com/sns/pricing/>.
pub(crate) const MESSAGES: f64 = 0.50;

/// A hundred thousand e-mails: as above.
pub(crate) const EMAILS: f64 = 2.00;

/// A million requests to a standard queue: <https://aws.amazon.com/sqs/pricing/>.
pub(crate) const QUEUE_REQUESTS: f64 = 0.40;

/// A gigabyte of log lines, and keeping it for a month: <https://aws.amazon.com/cloudwatch/pricing/>.
pub(crate) const LOGS: f64 = 0.50 + 0.03;

/// A metric of one's own for a month: as above.
pub(crate) const METRIC: f64 = 0.30;

/// An alarm for a month: as above.
pub(crate) const ALARM: f64 = 0.10;

/// A million traces that are recorded: <https://aws.amazon.com/xray/pricing/>.
pub(crate) const TRACES: f64 = 5.00;

/// A key for a month: <https://aws.amazon.com/kms/pricing/>. Each of the first two rotations adds as much.
pub(crate) const KEY: f64 = 1.00;

/// Ten thousand requests with a key: as above.
pub(crate) const KEY_REQUESTS: f64 = 0.03;

/// A million invocations by a schedule: <https://aws.amazon.com/eventbridge/pricing/>.
pub(crate) const SCHEDULED: f64 = 1.00;

/// A gigabyte that leaves AWS: <https://aws.amazon.com/ec2/pricing/on-demand/>.
pub(crate) const SENT: f64 = 0.09;
