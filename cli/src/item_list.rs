//! Lists of AGE, as tables or JSON, once or again and again.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::api_client::{ApiClient, ListedItems};
use crate::error::Error;
use crate::json_format::format_json_line;
use crate::list_options::{ListMode, ListOptions};
use crate::session::Session;
use crate::table::{format_table, parse_rows};

/// Clears a terminal and moves its cursor to the first line (ECMA-48).
const CLEAR: &[u8] = b"\x1b[2J\x1b[H";

/// A list of AGE.
pub(crate) struct ItemList<'a, const COLUMNS: usize> {
    /// The path in the API. Its last segment names the list.
    pub(crate) path: &'a [&'a str],
    /// The parameters of the query.
    pub(crate) filter: Vec<(&'static str, String)>,
    /// The API's maximum.
    pub(crate) page_size: usize,
    pub(crate) headings: [&'static str; COLUMNS],
}

impl<const COLUMNS: usize> ItemList<'_, COLUMNS> {
    /// Prints the list, with a `row` for each item.
    ///
    /// # Errors
    /// [`Error::EmptyList`] if the list is empty. Items that make no sense do not hide the others; the first of them is the error.
    pub(crate) async fn print<T: DeserializeOwned>(
        &self,
        options: ListOptions,
        session: &mut Session<'_>,
        row: impl Fn(T) -> [String; COLUMNS],
    ) -> Result<(), Error> {
        let client = session.api_client().await?;
        match options.mode() {
            ListMode::First { limit } => {
                let items = self.first(limit, &client).await?;
                self.print_once(&items, session, row)
            }
            ListMode::All if session.json => self.print_json_lines(&client.with_bulk_retries(), session).await,
            ListMode::All => {
                let items = self.first(usize::MAX, &client.with_bulk_retries()).await?;
                self.print_once(&items, session, row)
            }
            ListMode::Watch { limit, interval } => self.watch(limit, interval, &client, session, row).await,
        }
    }

    fn name(&self) -> &str {
        self.path.last().copied().unwrap_or_default()
    }

    async fn first(&self, limit: usize, client: &ApiClient) -> Result<ListedItems, Error> {
        client.list(self.path, &self.filter, limit, self.page_size).await
    }

    fn print_once<T: DeserializeOwned>(
        &self,
        ListedItems { items, unreadable }: &ListedItems,
        session: &mut Session<'_>,
        row: impl Fn(T) -> [String; COLUMNS],
    ) -> Result<(), Error> {
        session.warn_unreadable(unreadable)?;
        if session.json {
            session.print_json_list(self.name(), items)?;
        } else {
            session.print_table(self.headings, items, row)?;
        }
        self.require_some(!items.is_empty() || !unreadable.is_empty())
    }

    /// Prints the items of each page as soon as it has arrived.
    async fn print_json_lines(&self, client: &ApiClient, session: &mut Session<'_>) -> Result<(), Error> {
        let (mut cursor, mut has_items) = (None, false);
        loop {
            let page = client.list_page(self.path, &self.filter, self.page_size, cursor).await?;
            session.warn_unreadable(&page.unreadable)?;
            for item in &page.items {
                session.print_json_line(item.get())?;
            }
            session.stdout.flush()?;
            has_items |= !page.items.is_empty() || !page.unreadable.is_empty();
            cursor = page.next_cursor;
            if cursor.is_none() {
                return self.require_some(has_items);
            }
        }
    }

    fn require_some(&self, has_items: bool) -> Result<(), Error> {
        if has_items { Ok(()) } else { Err(Error::EmptyList(self.name().to_owned())) }
    }

    async fn watch<T: DeserializeOwned>(
        &self,
        limit: usize,
        interval: Duration,
        client: &ApiClient,
        session: &mut Session<'_>,
        row: impl Fn(T) -> [String; COLUMNS],
    ) -> Result<(), Error> {
        let mut printed = HashSet::new();
        loop {
            let listed = tokio::select! {
                listed = self.first(limit, client) => listed,
                Some(()) = session.interrupts.next() => return Err(Error::Interrupted),
            };
            match listed {
                Ok(items) => self.print_round(&items, &mut printed, session, &row)?,
                Err(error) if error.is_retryable() => session.print_warning(&format!("agectl: {error}"))?,
                Err(error) => return Err(error),
            }
            session.stdout.flush()?;
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                Some(()) = session.interrupts.next() => return Err(Error::Interrupted),
            }
        }
    }

    /// Prints one round of a watched list. `printed` has the lines of the round before, and gets those of this one.
    fn print_round<T: DeserializeOwned>(
        &self,
        ListedItems { items, unreadable }: &ListedItems,
        printed: &mut HashSet<String>,
        session: &mut Session<'_>,
        row: impl Fn(T) -> [String; COLUMNS],
    ) -> Result<(), Error> {
        if session.json {
            let lines: Vec<_> = items.iter().map(|item| format_json_line(item.get())).collect();
            return print_new(lines.iter().map(|line| (line.clone(), line.as_str())), printed, session);
        }
        let (rows, error) = parse_rows(items, row);
        let table = format_table(self.headings, rows.iter().cloned());
        if session.stdout_is_terminal {
            session.stdout.write_unchanged(CLEAR)?;
            writeln!(session.stdout, "{table}")?;
        } else {
            // The widths of columns change from round to round, so that lines are compared by their cells.
            let cells = std::iter::once(self.headings.join("\n")).chain(rows.iter().map(|row| row.join("\n")));
            print_new(cells.zip(table.lines()), printed, session)?;
        }
        session.warn_unreadable(unreadable)?;
        error.map_or(Ok(()), |error| session.print_warning(&format!("agectl: {error}")))
    }
}

/// Prints the lines whose key is not in `printed`, which becomes the set of all keys.
fn print_new<'a>(
    lines: impl Iterator<Item = (String, &'a str)>,
    printed: &mut HashSet<String>,
    session: &mut Session<'_>,
) -> Result<(), Error> {
    let mut keys = HashSet::new();
    for (key, line) in lines {
        if !printed.contains(&key) {
            writeln!(session.stdout, "{line}")?;
        }
        keys.insert(key);
    }
    *printed = keys;
    Ok(())
}
