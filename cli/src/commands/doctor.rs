//! `agectl doctor`: checks the way from this machine to AGE, and AGE's own health.

use age_model::{Timestamp, TopicName, format_duration};
use reqwest::StatusCode;
use serde::Serialize;
use tokio::time::Instant;

use crate::api_client::ApiClient;
use crate::commands::health::{self, Health, TopicHealth};
use crate::commands::whoami::OwnCredential;
use crate::error::Error;
use crate::session::Session;

/// How far the clock of this machine may be from AGE's, in seconds. Times that agectl sends are then good enough.
const MAX_SKEW_SECONDS: u64 = 60;
/// How long ago the sweep may have run, in seconds. It runs every minute.
const MAX_SWEEP_AGE_SECONDS: i64 = 300;

/// The result of one check.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    name: String,
    ok: bool,
    detail: String,
    /// The advice to the user, if the check has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// The checks in order. A check that depends on one that has failed is left out.
#[derive(Serialize)]
struct Checks {
    checks: Vec<Check>,
}

pub(crate) async fn run_checks(session: &mut Session<'_>) -> Result<(), Error> {
    let mut checks = Checks { checks: Vec::new() };
    match session.api_client().await {
        Ok(client) => checks.check_age(&client, session.now).await,
        Err(Error::Token(problem)) => checks.failed("credential", problem, "set AGE_TOKEN, or give --token-file FILE"),
        Err(error) => checks.failed("address", error.to_string(), "set AGE_API_URL, or give --api-url URL"),
    }
    checks.print(session)
}

impl Checks {
    async fn check_age(&mut self, client: &ApiClient, now: Timestamp) {
        let started = Instant::now();
        let response = client.get(&[health::RESOURCE], &[]).await;
        let now = now.plus_millis(started.elapsed().as_millis().try_into().unwrap_or(i64::MAX));
        let url = client.base_url();
        let health = match response.and_then(|response| response.parse::<Health>()) {
            Ok(health) => {
                self.ok("address", format!("{url} answers"));
                Some(health)
            }
            Err(Error::Api(problem)) if matches!(problem.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                self.ok("address", format!("{url} answers"));
                let advice = format!("ask an admin for a new token: agectl credential rotate {}", client.kid());
                self.failed("credential", problem.to_string(), advice);
                None
            }
            Err(error) => {
                return self.failed(
                    "address",
                    format!("{url}: {error}"),
                    "check AGE_API_URL or --api-url, and the network",
                );
            }
        };
        self.check_clock(client.server_time(), now);
        if let Some(health) = health {
            self.ok("credential", format!("{} is valid", client.kid()));
            self.check_role(client).await;
            self.check_health(&health);
        }
    }

    fn check_clock(&mut self, server_time: Option<Timestamp>, now: Timestamp) {
        let name = "clock";
        let Some(server_time) = server_time else {
            return self.failed(
                name,
                "the response does not say what time it is",
                "look for a proxy that removes the header Date",
            );
        };
        let skew = now.seconds().saturating_sub(server_time.seconds());
        let amount = format_duration(i64::try_from(skew.unsigned_abs()).unwrap_or(i64::MAX));
        let direction = if skew < 0 { "behind" } else { "ahead of" };
        let detail = format!("this machine is {amount} {direction} AGE");
        if skew.unsigned_abs() <= MAX_SKEW_SECONDS {
            self.ok(name, detail);
        } else {
            self.failed(name, detail, "set the clock of this machine, such as by NTP");
        }
    }

    async fn check_role(&mut self, client: &ApiClient) {
        match OwnCredential::get(client).await {
            Ok(caller) => self.ok("role", caller.role.to_string()),
            Err(error) => self.failed("role", error.to_string(), "try again"),
        }
    }

    fn check_health(&mut self, health: &Health) {
        let name = "last sweep";
        let advice = "look at the logs and the schedule of the function sweep";
        match health.sweep_age_seconds() {
            None => self.failed(name, "the sweep never ran", advice),
            Some(age) if age > MAX_SWEEP_AGE_SECONDS => {
                self.failed(name, format!("{} ago", format_duration(age)), advice);
            }
            Some(age) => self.ok(name, format!("{} ago", format_duration(age))),
        }
        if health.policy.is_readable {
            self.ok("policy", "the active version is readable");
        } else {
            let detail = "the active version cannot be read: AGE works by the last version that it could read";
            self.failed("policy", detail, "activate another version: agectl policy list");
        }
        for TopicHealth { name, status } in &health.topics {
            let messages = name.parse::<TopicName>().map_or("", TopicName::description);
            let subject = format!("topic {name}");
            match status.as_str() {
                "subscribed" => self.ok(subject, "subscribed"),
                "not_used" => self.ok(subject, "not used"),
                "no_subscriber" => {
                    let advice = "subscribe with `aws sns subscribe`, and confirm the e-mail from AWS";
                    self.failed(subject, format!("nobody gets the {messages}"), advice);
                }
                "unknown" => {
                    self.failed(subject, "AGE does not know its subscriptions", "see the check of the last sweep");
                }
                // A word of a later version.
                status => self.ok(subject, status),
            }
        }
    }

    fn ok(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.checks.push(Check { name: name.into(), ok: true, detail: detail.into(), advice: None });
    }

    fn failed(&mut self, name: impl Into<String>, detail: impl Into<String>, advice: impl Into<String>) {
        let (name, detail) = (name.into(), detail.into());
        self.checks.push(Check { name, ok: false, detail, advice: Some(advice.into()) });
    }

    fn print(self, session: &mut Session<'_>) -> Result<(), Error> {
        if session.json {
            session.print_value(&self)?;
        } else {
            for check in &self.checks {
                session.print_line(&check.line())?;
            }
        }
        match self.checks.iter().filter(|check| !check.ok).count() as u64 {
            0 => Ok(()),
            count => Err(Error::ChecksFailed { count }),
        }
    }
}

impl Check {
    fn line(&self) -> String {
        let outcome = if self.ok { "ok" } else { "failed" };
        let advice = self.advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
        format!("{outcome:<8}{:<21}{}{advice}", self.name, self.detail)
    }
}
