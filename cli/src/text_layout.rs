//! Sections of text for a terminal of 80 columns: facts, bars and wrapped lines.

use age_model::visible_line;

const WIDTH: usize = 80;
pub(crate) const INDENT: usize = 2;
/// Columns of the name in front of a bar.
pub(crate) const NAME_WIDTH: usize = 16;
pub(crate) const BAR_WIDTH: usize = 24;
/// Columns of a label such as "Median time to acknowledge", with the space after it.
const LABEL_WIDTH: usize = 28;

pub(crate) fn format_section(title: &str, rows: impl IntoIterator<Item = String>) -> String {
    std::iter::once(visible_line(title)).chain(rows).collect::<Vec<_>>().join("\n")
}

pub(crate) fn format_labelled((label, text): (&str, String)) -> String {
    wrap(&format!("  {label:<LABEL_WIDTH$}"), text.split_inclusive(", "))
}

pub(crate) fn format_bar(name: &str, value: u64, max: u64) -> String {
    let name = visible_line(name);
    format!("  {name:<NAME_WIDTH$}{:<BAR_WIDTH$}{value:>6}", "█".repeat(bar_cells(value, max)))
}

/// Formats a section with a bar for each of `counts`.
pub(crate) fn format_bars<N: AsRef<str>>(title: &str, counts: impl IntoIterator<Item = (N, u64)>) -> String {
    let counts: Vec<_> = counts.into_iter().collect();
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or_default();
    let rows: Vec<_> = counts.iter().map(|(name, count)| format_bar(name.as_ref(), *count, most)).collect();
    format_section(title, if rows.is_empty() { vec!["  none".to_owned()] } else { rows })
}

/// Formats a line for each fact: its label, and its text, which is wrapped between words. The texts begin in the same column.
pub(crate) fn format_facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> Vec<String> {
    let facts: Vec<_> = facts.into_iter().map(|(label, text)| (visible_line(label), text)).collect();
    let width = facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default();
    let format = |(label, text): (String, String)| wrap(&format!("  {label:<width$}  "), text.split_whitespace());
    facts.into_iter().map(format).collect()
}

/// Formats a line for each command, which is not wrapped, so that it can be pasted.
pub(crate) fn format_commands<'a>(commands: impl IntoIterator<Item = (&'a str, String)>) -> Vec<String> {
    let commands: Vec<_> = commands.into_iter().collect();
    let width = commands.iter().map(|(purpose, _)| purpose.len()).max().unwrap_or_default();
    let format = |(purpose, command): &(&str, String)| visible_line(&format!("  {purpose:<width$}  {command}"));
    commands.iter().map(format).collect()
}

/// Formats the words of others, wrapped, with `> ` before each line after `indent` columns.
pub(crate) fn format_quote(indent: usize, text: &str) -> String {
    let margin = " ".repeat(indent);
    let wrapped = wrap(&format!("{margin}  "), text.split_whitespace());
    wrapped.lines().map(|line| format!("{margin}> {}", line.trim_start())).collect::<Vec<_>>().join("\n")
}

/// How many of the cells of a bar are full. At least one if `value` is not zero, so that small values are visible.
fn bar_cells(value: u64, max: u64) -> usize {
    let width = BAR_WIDTH as u64;
    let cells = value.saturating_mul(width).checked_div(max).unwrap_or_default();
    usize::try_from(cells.clamp(u64::from(value > 0), width)).unwrap_or(BAR_WIDTH)
}

/// Joins `parts` with spaces, and breaks lines between parts so that lines have up to [`WIDTH`] columns. Further lines are
/// indented by the width of `prefix`.
pub(crate) fn wrap<'a>(prefix: &str, parts: impl IntoIterator<Item = &'a str>) -> String {
    let indent = prefix.chars().count();
    let mut wrapped = prefix.to_owned();
    let mut column = indent;
    for part in parts.into_iter().map(|part| visible_line(part.trim())) {
        let width = part.chars().count();
        let space = usize::from(column > indent);
        if space == 1 && column.saturating_add(space).saturating_add(width) > WIDTH {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            column = indent;
        } else if space == 1 {
            wrapped.push(' ');
            column = column.saturating_add(1);
        }
        wrapped.push_str(&part);
        column = column.saturating_add(width);
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_wrapped_at_80_columns_and_indented() {
        let wrapped = wrap("  • ", ["word"; 30]);
        let lines: Vec<_> = wrapped.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{wrapped}");
        assert!(lines[1].starts_with("    word"), "{wrapped}");
    }

    #[test]
    fn bar_of_a_small_value_is_visible() {
        assert_eq!([bar_cells(0, 0), bar_cells(0, 100), bar_cells(1, 1000), bar_cells(7, 7)], [0, 0, 1, BAR_WIDTH]);
    }

    #[test]
    fn facts_begin_in_one_column_and_each_line_of_a_quote_is_marked() {
        let facts = format_facts([("Id", "7".to_owned()), ("Status", "open\u{1b} ".to_owned() + &"word ".repeat(20))]);
        assert_eq!(facts[0], "  Id      7");
        assert!(facts[1].starts_with("  Status  open[U+001B] word"), "{facts:?}");
        assert!(facts[1].lines().nth(1).unwrap().starts_with("          word"), "{facts:?}");
        let quote = format_quote(4, &"word\n".repeat(40));
        assert!(quote.lines().count() > 2 && quote.lines().all(|line| line.starts_with("    > word")), "{quote}");
        assert!(quote.lines().all(|line| line.chars().count() <= WIDTH), "{quote}");
    }

    #[test]
    fn section_of_bars_without_counts_says_so() {
        assert_eq!(format_bars::<&str>("Events", []), "Events\n  none");
    }
}
