//! The notice of a weekly report.

use age_model::{ChannelMessage, Day, RiskLevel, Timestamp};

use crate::channels::json_fields::Fields;
use crate::channels::notice::{ChannelNotice, name};

/// The most next steps. The page of the report has all of them.
const MAX_NEXT_STEPS: usize = 3;

/// Returns the notice of a weekly report.
pub(crate) fn report_notice(report: Fields<'_>) -> ChannelNotice {
    let level: Option<RiskLevel> = report.value("riskLevel");
    let score = report.number("riskScore");
    let day = |name: &str| report.value::<Timestamp>(name).map(|at| Day::in_words(at.day()));
    let level = level.map_or_else(|| "unknown".to_owned(), |level| level.to_string());
    let title = format!("Weekly report: risk {level}");
    let mut notice = ChannelNotice::new(ChannelMessage::Report, &title);
    if let Some(score) = score {
        notice.title = format!("{title}, score {score} of 100");
    }
    if let (Some(from), Some(to)) = (day("from"), day("to")) {
        notice.set_state(&format!("{from} to {to}"));
    }
    notice.occurred_at = report.value("generatedAt");
    if let Some(id) = report.text("id") {
        notice.set_subject_key(&format!("report/{id}"));
        notice.add_link("Open report", report.text("text").and_then(|text| address(text, id)));
    }
    let count = |fields: Option<Fields<'_>>, name: &str| fields.and_then(|it| it.number(name)).map(|it| it.to_string());
    let summary = report.object("summary");
    let incidents = summary.and_then(|it| it.object("incidents"));
    let unresolved = summary.and_then(|it| it.object("unresolvedIncidents"));
    notice.add_fact("Events", count(summary, "totalEvents"));
    notice.add_fact("CRITICAL events", count(summary, "criticalCount"));
    notice
        .add_fact("Highest risk", summary.and_then(|it| it.text("peakCategory")).map(|it| name(it).replace('_', " ")));
    notice.add_fact("Opened incidents", count(incidents, "opened"));
    notice.add_fact("Open incidents now", count(unresolved, "open"));
    let silent: Vec<String> = summary.into_iter().flat_map(|it| it.texts("silentEngines")).map(name).collect();
    notice.add_fact("Silent engines", (!silent.is_empty()).then(|| silent.join(", ")));
    for (index, step) in report.list("nextSteps").take(MAX_NEXT_STEPS).enumerate() {
        notice.add_fact(&format!("Next step {}", index.saturating_add(1)), step.text("text").map(str::to_owned));
    }
    notice
}

/// Returns the address of the report with the given id, which its text has.
fn address<'a>(text: &'a str, id: &str) -> Option<&'a str> {
    let page = format!("/dashboard/reports/{id}");
    text.lines().filter_map(|line| line.strip_prefix("Full report")).map(str::trim).find(|url| url.ends_with(&page))
}
