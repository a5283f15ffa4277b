//! A report as text for a terminal of 80 columns.

use age_model::{Report, ReportStep, ReportSummary, visible_line};

use crate::decision_figures::{decision_facts, guardrail_facts};
use crate::report_figures::{
    MAX_SCORE, NO_NEXT_STEP, categories, engines, origin, overview, response, severities, title,
};
use crate::text_layout::{
    BAR_WIDTH, INDENT, NAME_WIDTH, format_bar, format_bars, format_facts, format_labelled, format_section, wrap,
};

/// Formats `report` in sections with a title each. `base_url` is the URL of AGE, for links.
pub(crate) fn format_report(report: &Report, base_url: &str) -> String {
    let summary = &report.summary;
    let mut sections = vec![
        format_section(&title(report), overview(report).map(format_labelled)),
        format_categories(summary),
        format_bars("Events by severity", severities(summary)),
        format_bars("Events by engine", engines(summary)),
        format_section("Remediations and incidents", response(summary).map(format_labelled)),
    ];
    if !summary.decisions.is_empty() {
        sections.push(format_section("Decisions", decision_facts(&summary.decisions).into_iter().map(format_labelled)));
        sections.push(format_section("Guardrails", format_facts(guardrail_facts(&summary.decisions))));
    }
    sections.push(format_next_steps(&report.next_steps, base_url));
    sections.push(origin(report));
    sections.join("\n\n")
}

fn format_categories(summary: &ReportSummary) -> String {
    let rows = categories(summary).into_iter().map(|category| {
        let bar = format_bar(&category.name, u64::from(category.score), MAX_SCORE);
        let main_engine = visible_line(&category.main_engine);
        format!("{bar}{:>10}  {main_engine}", category.previous).trim_end().to_owned()
    });
    let title_width = INDENT + NAME_WIDTH + BAR_WIDTH;
    let title = format!("{:<title_width$}{:>6}{:>10}  main engine, points", "Risk by category", "score", "previous");
    format_section(&title, rows)
}

fn format_next_steps(steps: &[ReportStep], base_url: &str) -> String {
    let rows = steps.iter().map(|step| {
        let text = wrap("  • ", step.text.split_whitespace());
        let detail = wrap("    ", format!("{}.", step.detail).split_whitespace());
        format!("{text}\n{detail}\n    {base_url}{}", visible_line(&step.path))
    });
    let rows: Vec<String> = rows.collect();
    format_section("Next steps", if rows.is_empty() { vec![format!("  {NO_NEXT_STEP}")] } else { rows })
}
