//! The results as JSON and as a Markdown page.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::figure::{Figure, Part, Table, rounded};

pub(crate) fn json(machine: &str, parts: &[Part]) -> String {
    let part = |part: &Part| {
        let figures: Vec<Value> = part.figures.iter().map(Figure::json).collect();
        json!({ "title": part.title, "figures": figures })
    };
    let parts: Vec<Value> = parts.iter().map(part).collect();
    format!("{:#}\n", json!({ "machine": machine, "parts": parts }))
}

pub(crate) fn page(machine: &str, parts: &[Part]) -> String {
    let mut page = format!(
        "# Benchmarks\n\n`make bench` writes this page: it measures all figures in one run. `target/bench.json` has the same figures as \
         JSON.\nMeasured on {machine}.\n"
    );
    for part in parts {
        let row = |figure: &Figure| {
            let limit = figure.limit.map(rounded).unwrap_or_default();
            vec![
                figure.name.clone(),
                format!("{} {}", rounded(figure.value), figure.unit),
                limit,
                figure.limit_status().to_owned(),
            ]
        };
        let figures = Table {
            title: "",
            headings: vec!["figure", "measured", "limit", ""],
            rows: part.figures.iter().map(row).collect(),
        };
        write!(page, "\n## {}\n\n{}", part.title, part.how.trim()).unwrap();
        page.push_str("\n\n");
        write_table(&mut page, &figures);
        for table in &part.tables {
            write!(page, "\n{}:\n\n", table.title).unwrap();
            write_table(&mut page, table);
        }
        write!(page, "\n{}\n", part.learned.trim()).unwrap();
    }
    page
}

/// Fills in the tables of `document`: each stands after a comment that names it, and before one that ends it.
pub(crate) fn with_tables(document: &str, parts: &[Part]) -> String {
    let tables = parts.iter().flat_map(|part| &part.tables);
    tables.fold(document.to_owned(), |document, table| {
        let begin = format!("<!-- `make bench` writes this table: {} -->\n", table.title);
        let Some((before, rest)) = document.split_once(&begin) else { return document };
        let (_, after) = rest.split_once("<!-- end of the table -->").unwrap();
        let mut text = String::new();
        write_table(&mut text, table);
        format!("{before}{begin}\n{text}\n<!-- end of the table -->{after}")
    })
}

fn write_table(page: &mut String, table: &Table) {
    writeln!(page, "| {} |", table.headings.join(" | ")).unwrap();
    writeln!(page, "|---|{}", "---:|".repeat(table.headings.len() - 1)).unwrap();
    for row in &table.rows {
        writeln!(page, "| {} |", row.join(" | ")).unwrap();
    }
}
