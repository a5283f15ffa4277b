//! `agectl health`: AGE's own health.

use age_model::{SystemAlertKind, Timestamp, format_duration};
use serde::Deserialize;

use crate::error::Error;
use crate::format::{format_count, format_name, format_timestamp};
use crate::session::Session;
use crate::text_layout::{format_facts, format_quote, format_section};

pub(crate) const RESOURCE: &str = "health";

/// AGE's own health.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    pub(crate) topics: Vec<TopicHealth>,
    pub(crate) last_sweep_at: Option<Timestamp>,
    pub(crate) policy: PolicyHealth,
    system_alerts: Vec<SystemAlert>,
    pub(crate) as_of: Timestamp,
}

/// A topic from which people get messages. Names and statuses are texts, because a later version may have more.
#[derive(Deserialize)]
pub(crate) struct TopicHealth {
    pub(crate) name: String,
    pub(crate) status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyHealth {
    hash: String,
    activated_at: Option<Timestamp>,
    pub(crate) is_readable: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SystemAlert {
    kind: SystemAlertKind,
    sender: String,
    subject: String,
    detail: String,
    count: u64,
    last_at: Timestamp,
}

pub(crate) async fn print_health(session: &mut Session<'_>) -> Result<(), Error> {
    let response = session.api_client().await?.get(&[RESOURCE], &[]).await?;
    if session.json {
        return session.print_json(&response.body);
    }
    let health: Health = response.parse()?;
    let sections = [health.overview(), health.topics(), health.system_alerts()];
    Ok(writeln!(session.stdout, "{}", sections.join("\n\n"))?)
}

impl Health {
    /// Returns how long ago the sweep last ran, in seconds. `None`: it never ran.
    pub(crate) fn sweep_age_seconds(&self) -> Option<i64> {
        self.last_sweep_at.map(|at| self.as_of.seconds().saturating_sub(at.seconds()))
    }

    fn overview(&self) -> String {
        let sweep = match (self.last_sweep_at, self.sweep_age_seconds()) {
            (Some(at), Some(age)) => format!("{}, {} ago", format_timestamp(at), format_duration(age)),
            _ => "never ran".to_owned(),
        };
        let activated = self.policy.activated_at.map(|at| format!(", activated {}", format_timestamp(at)));
        let unreadable = if self.policy.is_readable { "" } else { "; the active version cannot be read" };
        let policy = format!("{}{}{unreadable}", self.policy.hash, activated.unwrap_or_default());
        let title = format!("Health of AGE, {}", format_timestamp(self.as_of));
        format_section(&title, format_facts([("Last sweep", sweep), ("Policy", policy)]))
    }

    fn topics(&self) -> String {
        let topics = self.topics.iter().map(|topic| (topic.name.as_str(), format_name(&topic.status)));
        format_section("Topics", format_facts(topics))
    }

    fn system_alerts(&self) -> String {
        let rows = self.system_alerts.iter().flat_map(SystemAlert::lines);
        let rows: Vec<_> = rows.collect();
        format_section("System alerts", if rows.is_empty() { vec!["  none".to_owned()] } else { rows })
    }
}

impl SystemAlert {
    fn lines(&self) -> Vec<String> {
        let Self { kind, sender, subject, detail, count, last_at } = self;
        let text = format!(
            "{}, {}, last {}",
            format_name(kind.as_str()),
            format_count(*count, "time"),
            format_timestamp(*last_at)
        );
        let mut lines = format_facts([(sender.as_str(), text)]);
        lines.push(format_quote(4, &format!("{subject}: {detail}")));
        lines
    }
}
