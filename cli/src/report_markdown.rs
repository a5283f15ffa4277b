//! A report as Markdown, for a wiki or an issue.

use age_model::{Report, ReportStep, ReportSummary};

use crate::decision_figures::decision_facts;
use crate::markdown::{Alignment, escape, link, table};
use crate::report_figures::{NO_NEXT_STEP, categories, engines, origin, overview, response, severities, title};

/// Formats `report` as a document with a section for each subject. `base_url` is the URL of AGE, for links.
pub(crate) fn format_markdown(report: &Report, base_url: &str) -> String {
    let summary = &report.summary;
    let mut parts = vec![
        format!("# {}", escape(&title(report))),
        format_facts(overview(report)),
        "## Risk by category".to_owned(),
        format_categories(summary),
        "## Events by severity".to_owned(),
        format_counts(["Severity", "Events"], severities(summary)),
        "## Events by engine".to_owned(),
        format_counts(["Engine", "Events"], engines(summary)),
        "## Remediations and incidents".to_owned(),
        format_facts(response(summary)),
    ];
    if !summary.decisions.is_empty() {
        parts.push("## Decisions".to_owned());
        parts.push(format_facts(decision_facts(&summary.decisions)));
        parts.push("## Guardrails".to_owned());
        parts.push(format_counts(["Guardrail", "Decisions"], summary.decisions.most_decisive()));
    }
    parts.extend([
        "## Next steps".to_owned(),
        format_next_steps(&report.next_steps, base_url),
        format!("{}.", escape(&origin(report))),
    ]);
    parts.join("\n\n")
}

fn format_facts(facts: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let columns = [("Figure", Alignment::Left), ("Value", Alignment::Left)];
    table(columns, facts.into_iter().map(|(label, text)| [label.to_owned(), text]))
}

fn format_categories(summary: &ReportSummary) -> String {
    let columns = [
        ("Category", Alignment::Left),
        ("Score", Alignment::Right),
        ("Previous week", Alignment::Right),
        ("Main engine, points", Alignment::Left),
    ];
    let rows = categories(summary).into_iter();
    table(columns, rows.map(|row| [row.name, row.score.to_string(), row.previous, row.main_engine]))
}

fn format_counts([name, counted]: [&str; 2], counts: Vec<(&str, u64)>) -> String {
    let rows = counts.into_iter().map(|(name, count)| [name.to_owned(), count.to_string()]);
    table([(name, Alignment::Left), (counted, Alignment::Right)], rows)
}

fn format_next_steps(steps: &[ReportStep], base_url: &str) -> String {
    let rows = steps.iter().map(|step| {
        let url = format!("{base_url}/{}", step.path.trim_start_matches('/'));
        format!("- {}: {}.", link(&step.text, &url), escape(&step.detail))
    });
    let rows: Vec<String> = rows.collect();
    if rows.is_empty() { format!("- {NO_NEXT_STEP}") } else { rows.join("\n") }
}
