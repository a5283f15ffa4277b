//! The consumption of AWS's services, and its price.

use std::collections::BTreeMap;
use std::iter::Sum;

use super::prices;

/// Something that AWS charges for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resource {
    WriteUnits,
    ReadUnits,
    /// Gigabytes in tables, with their point-in-time recovery, for a month.
    TableGigabytes,
    /// Gigabytes in indexes for a month.
    IndexGigabytes,
    Requests,
    Invocations,
    /// Gigabytes of a function's memory, times seconds.
    GigabyteSeconds,
    /// Requests to SNS.
    Messages,
    Emails,
    QueueRequests,
    LogGigabytes,
    /// Metrics for a month.
    Metrics,
    /// Alarms for a month.
    Alarms,
    /// Invocations that X-Ray records if it samples them.
    Traces,
    /// Keys for a month.
    Keys,
    KeyRequests,
    ScheduledInvocations,
    /// Gigabytes that leave AWS.
    SentGigabytes,
}

impl Resource {
    pub(crate) const ALL: [Self; 18] = [
        Self::WriteUnits,
        Self::ReadUnits,
        Self::TableGigabytes,
        Self::IndexGigabytes,
        Self::Requests,
        Self::Invocations,
        Self::GigabyteSeconds,
        Self::Messages,
        Self::Emails,
        Self::QueueRequests,
        Self::LogGigabytes,
        Self::Metrics,
        Self::Alarms,
        Self::Traces,
        Self::Keys,
        Self::KeyRequests,
        Self::ScheduledInvocations,
        Self::SentGigabytes,
    ];

    /// The name in a bill.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::WriteUnits => "DynamoDB: writes",
            Self::ReadUnits => "DynamoDB: reads",
            Self::TableGigabytes => "DynamoDB: tables, with point-in-time recovery",
            Self::IndexGigabytes => "DynamoDB: indexes",
            Self::Requests => "API Gateway",
            Self::Invocations => "Lambda: invocations",
            Self::GigabyteSeconds => "Lambda: time",
            Self::Messages => "SNS: requests",
            Self::Emails => "SNS: e-mails",
            Self::QueueRequests => "SQS",
            Self::LogGigabytes => "CloudWatch: logs",
            Self::Metrics => "CloudWatch: metrics",
            Self::Alarms => "CloudWatch: alarms",
            Self::Traces => "X-Ray: traces",
            Self::Keys => "KMS: key of the channels",
            Self::KeyRequests => "KMS: requests",
            Self::ScheduledInvocations => "EventBridge Scheduler",
            Self::SentGigabytes => "Data transfer",
        }
    }

    /// The price of one in dollars.
    const fn price(self) -> f64 {
        match self {
            Self::WriteUnits => prices::WRITES / 1e6,
            Self::ReadUnits => prices::READS / 1e6,
            Self::TableGigabytes => prices::STORED + prices::RECOVERABLE,
            Self::IndexGigabytes => prices::STORED,
            Self::Requests => prices::REQUESTS / 1e6,
            Self::Invocations => prices::INVOCATIONS / 1e6,
            Self::GigabyteSeconds => prices::GIGABYTE_SECOND,
            Self::Messages => prices::MESSAGES / 1e6,
            Self::Emails => prices::EMAILS / 1e5,
            Self::QueueRequests => prices::QUEUE_REQUESTS / 1e6,
            Self::LogGigabytes => prices::LOGS,
            Self::Metrics => prices::METRIC,
            Self::Alarms => prices::ALARM,
            Self::Traces => prices::TRACES / 1e6,
            Self::Keys => prices::KEY,
            Self::KeyRequests => prices::KEY_REQUESTS / 1e4,
            Self::ScheduledInvocations => prices::SCHEDULED / 1e6,
            Self::SentGigabytes => prices::SENT,
        }
    }

    /// Whether it is charged for as long as a row is kept.
    const fn is_storage(self) -> bool {
        matches!(self, Self::TableGigabytes | Self::IndexGigabytes)
    }
}

/// How much of each resource something consumes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Usage(BTreeMap<Resource, f64>);

impl Usage {
    pub(crate) fn amount(&self, resource: Resource) -> f64 {
        self.0.get(&resource).copied().unwrap_or_default()
    }

    /// Adds `amount` of `resource`.
    #[must_use]
    pub(crate) fn with(mut self, resource: Resource, amount: f64) -> Self {
        *self.0.entry(resource).or_default() += amount;
        self
    }

    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        other.0.into_iter().fold(self, |sum, (resource, amount)| sum.with(resource, amount))
    }

    #[must_use]
    pub(crate) fn times(&self, factor: f64) -> Self {
        self.map(|_, amount| amount * factor)
    }

    /// Multiplies what is charged for as long as a row is kept.
    #[must_use]
    pub(crate) fn kept_for(&self, months: f64) -> Self {
        self.map(|resource, amount| if resource.is_storage() { amount * months } else { amount })
    }

    /// Multiplies the e-mails, which are as many as addresses.
    #[must_use]
    pub(crate) fn sent_to(&self, addresses: f64) -> Self {
        self.map(|resource, amount| if resource == Resource::Emails { amount * addresses } else { amount })
    }

    /// Replaces the invocations by those that X-Ray samples: one a second, and 5 % of the others. They are assumed to be distributed
    /// evenly over `seconds`.
    #[must_use]
    pub(crate) fn sampled_within(&self, seconds: f64) -> Self {
        let sampled = |traces: f64| traces.min(seconds) + 0.05 * (traces - seconds).max(0.0);
        self.map(|resource, amount| if resource == Resource::Traces { sampled(amount) } else { amount })
    }

    fn map(&self, change: impl Fn(Resource, f64) -> f64) -> Self {
        Self(self.0.iter().map(|(resource, amount)| (*resource, change(*resource, *amount))).collect())
    }

    /// Returns the price of what is consumed of `resource`, in dollars.
    pub(crate) fn dollars_of(&self, resource: Resource) -> f64 {
        self.amount(resource) * resource.price()
    }

    /// Returns the price in dollars.
    pub(crate) fn dollars(&self) -> f64 {
        self.0.keys().map(|resource| self.dollars_of(*resource)).sum()
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), Self::plus)
    }
}
