//! The lists of a simulation, which have the first entries alone.

/// Formats up to `limit` of `items`, a line each, below `title`. `total` counts those as well that the result does not list.
pub(super) fn format_bounded_list<T>(
    title: &str,
    (total, items): (u64, &[T]),
    limit: usize,
    format: impl Fn(&T) -> String,
) -> String {
    let listed: Vec<String> = items.iter().take(limit).map(format).collect();
    let more = total.saturating_sub(listed.len() as u64);
    let hint = match items.len().checked_sub(listed.len()) {
        Some(1..) => "; --all lists those that the result has",
        _ => "; the result does not list them",
    };
    let more = (more > 0).then(|| format!("  and {more} more{hint}"));
    std::iter::once(title.to_owned()).chain(listed).chain(more).collect::<Vec<_>>().join("\n")
}
