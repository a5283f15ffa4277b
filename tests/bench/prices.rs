//! Prices of AWS in us-east-1 in dollars, without free tiers, copied from its pages on the day in [`AS_OF`]. Check them before you
//! rely on them: the benchmark does not query AWS.

/// The day of the prices, as the heading of a column.
pub(crate) const AS_OF: &str = "at prices of 2026-11-23";

/// A million write request units: <https://aws.amazon.com/dynamodb/pricing/on-demand/>.
pub(crate) const WRITES: f64 = 0.625;

/// A million read request units: as above.
pub(crate) const READS: f64 = 0.125;

/// A gigabyte in a table for a month, and its continuous backup: as above.
pub(crate) const STORED: f64 = 0.25 + 0.20;

/// A million invocations: <https://aws.amazon.com/lambda/pricing/>.
pub(crate) const INVOCATIONS: f64 = 0.20;

/// A gigabyte of a function's memory for a second, x86: as above.
pub(crate) const GIGABYTE_SECOND: f64 = 0.000_016_666_7;

/// A million requests of an HTTP API, of up to 512 KB each: <https://aws.amazon.com/api-gateway/pricing/>.
pub(crate) const REQUESTS: f64 = 1.00;

/// A million messages to a standard topic: <https://aws.amazon.com/sns/pricing/>.
pub(crate) const MESSAGES: f64 = 0.50;
