//! The bounds of the policy document. The schema of the document states them as well, and a test compares both. The build script
//! compiles this file.

use std::ops::RangeInclusive;

/// The most bytes of the document as canonical JSON, so that it is one row of DynamoDB and one body of a request.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 128 * 1024;

/// The most engines of a version.
pub(crate) const ENGINES: RangeInclusive<usize> = 1..=64;
pub(crate) const MAX_TITLE_CHARS: usize = 40;
/// Events are retained for at least 31 days, so the last event of an engine with a longer interval may have expired.
pub(crate) const EXPECTED_INTERVAL_SECONDS: RangeInclusive<i64> = 0..=30 * 86_400;

pub(crate) const CATEGORIES: RangeInclusive<usize> = 1..=64;
pub(crate) const MAX_CATEGORY_CHARS: usize = 64;
/// The engines of a category: those of the policy, and `age`.
pub(crate) const CATEGORY_ENGINES: RangeInclusive<usize> = 1..=*ENGINES.end() + 1;
pub(crate) const MAX_RECOMMENDATION_CHARS: usize = 200;
/// Scores, and everything that is compared with one.
pub(crate) const SCORE: RangeInclusive<i64> = 0..=100;
pub(crate) const SCORE_CAP: RangeInclusive<i64> = 1..=100;
/// Above the highest score, more points change nothing but the speed at which it is reached.
pub(crate) const WEIGHT: RangeInclusive<i64> = 0..=1000;

pub(crate) const FIRST_MATCH_RULES: RangeInclusive<usize> = 1..=256;
pub(crate) const ALSO_RULES: RangeInclusive<usize> = 0..=256;
pub(crate) const RETRIES: RangeInclusive<usize> = 1..=20;
/// The times of ineffective remediations are in the state of their incident key, which is one small row.
pub(crate) const GIVE_UP_AFTER: RangeInclusive<i64> = 1..=100;
/// The leases that a policy may set. A lease must outlast the functions that hold it, or two environments would do the same work at
/// once.
pub const LEASE_SECONDS: RangeInclusive<i64> = 30..=3600;
/// Every other time. Events are retained for at most 400 days.
pub(crate) const SECONDS: RangeInclusive<i64> = 1..=400 * 86_400;

/// No more open incidents than a person can change at once.
pub(crate) const MAX_OPEN_PER_ENGINE: RangeInclusive<i64> = 1..=10_000;
pub(crate) const EMAIL_INTERVAL_SECONDS: RangeInclusive<i64> = 1..=86_400;
/// More than those reserved for the sweep. With one more each second, SNS accepts no more than 10 e-mails a second.
pub(crate) const EMAIL_BURST: RangeInclusive<i64> = 3..=9;

pub(crate) const SEVERITY_WORDS: RangeInclusive<usize> = 0..=512;
pub(crate) const MAX_WORD_CHARS: usize = 64;

pub(crate) const GUARDRAILS: RangeInclusive<usize> = 0..=200;
/// Ids of guardrails and of hold rules.
pub(crate) const MAX_RULE_ID_CHARS: usize = 64;
pub(crate) const MAX_MESSAGE_CHARS: usize = 200;
pub(crate) const ENGINES_OF_GUARDRAIL: RangeInclusive<usize> = 1..=*ENGINES.end();
/// The fields of one part of a request that a guardrail reads.
pub(crate) const FIELDS: RangeInclusive<usize> = 0..=64;
pub(crate) const MAX_PATH_CHARS: usize = 256;
/// The values that a field may have.
pub(crate) const VALUES: RangeInclusive<usize> = 1..=100;
pub(crate) const MAX_VALUE_CHARS: usize = 200;
/// The whole numbers that every JSON reader has exactly.
pub(crate) const NUMBER: RangeInclusive<i64> = -9_007_199_254_740_991..=9_007_199_254_740_991;
/// Older results of remediations say little about the present.
pub(crate) const INEFFECTIVE_SECONDS: RangeInclusive<i64> = 1..=7 * 86_400;

/// An answer that held longer would outlive too many changes of the state.
pub(crate) const VALID_FOR_SECONDS: RangeInclusive<i64> = 1..=3600;
pub(crate) const APPROVE_DECISION_SECONDS: RangeInclusive<i64> = 1..=86_400;
/// The sweep, which finds permits without an event, runs each minute, and looks for those of engines that have asked in the last week.
pub(crate) const EXPECT_EVENT_SECONDS: RangeInclusive<i64> = 60..=6 * 86_400;
pub(crate) const UNBOUND_FIELDS: RangeInclusive<usize> = 0..=64;
pub(crate) const UNAVAILABLE_OPERATIONS: RangeInclusive<usize> = 0..=200;
/// The event types that report operations.
pub(crate) const OPERATION_EVENT_TYPES: RangeInclusive<usize> = 0..=200;
/// Names of actions, as in requests.
pub(crate) const MAX_OPERATION_CHARS: usize = 1024;
pub(crate) const HOLD_RULES: RangeInclusive<usize> = 0..=64;
pub(crate) const OPERATIONS: RangeInclusive<usize> = 1..=64;
/// As a hold that a person sets.
pub(crate) const HOLD_SECONDS: RangeInclusive<i64> = 60..=age_model::Hold::MAX_DAYS * 86_400;
