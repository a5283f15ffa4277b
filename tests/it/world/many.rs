//! A world with many more events than a test could post.

use dynoxide::{AttributeValue, ImportOptions, Item};
use serde_json::json;

use super::World;

/// So many rows are brought in at a time.
const ROWS: usize = 50_000;

impl World {
    /// Makes `times` as many events of those that there are: each row of an event is copied, under ids of their own and in the
    /// same moment, and each counter multiplied. What is counted and what is there stay the same number.
    pub(crate) async fn multiply(&self, times: u64) {
        self.database.enable_bulk_loading().unwrap();
        let events = self.rows("Events").await;
        let originals = events.iter().flat_map(|event| (1..times).map(move |_| event));
        // INVARIANT: no round gives an id that an earlier one has given.
        let serials = events.len() as u64 * 1000..;
        let mut copies = serials.zip(originals).map(|(serial, event)| copy(event, serial)).peekable();
        while copies.peek().is_some() {
            self.bring_in("Events", copies.by_ref().take(ROWS).collect());
        }
        let rollups = self.rows("Rollups").await;
        self.bring_in("Rollups", rollups.into_iter().map(|row| multiplied(row, times)).collect());
        self.database.disable_bulk_loading().unwrap();
    }

    /// How many rows of events there are.
    pub(crate) fn events(&self) -> u64 {
        let stats = self.database.table_stats().unwrap();
        stats.iter().find(|table| table.table_name == "Events").unwrap().item_count.unsigned_abs()
    }

    async fn rows(&self, table: &str) -> Vec<Item> {
        let (mut rows, mut request) = (Vec::new(), json!({ "TableName": table }));
        loop {
            let page = self.dynamodb.ask("Scan", &request).await;
            let items = page["Items"].as_array().unwrap().iter().cloned();
            rows.extend(items.map(|row| serde_json::from_value::<Item>(row).unwrap()));
            match page.get("LastEvaluatedKey") {
                Some(last) => request["ExclusiveStartKey"] = last.clone(),
                None => return rows,
            }
        }
    }

    fn bring_in(&self, table: &str, rows: Vec<Item>) {
        self.database.import_items(table, rows, ImportOptions::default()).unwrap();
    }
}

/// An event's row under another id, which ends with `serial`.
fn copy(row: &Item, serial: u64) -> Item {
    let mut copy = row.clone();
    let (AttributeValue::S(id), AttributeValue::S(at)) = (&row["id"], &row["at"]) else { panic!("texts: {row:?}") };
    let fresh = format!("{}{serial:012x}", &id[..24]);
    copy.insert("at".to_owned(), AttributeValue::S(at.replace(id, &fresh)));
    copy.insert("id".to_owned(), AttributeValue::S(fresh));
    copy
}

fn multiplied(mut row: Item, times: u64) -> Item {
    for (name, value) in &mut row {
        if let AttributeValue::N(number) = value
            && name != "width"
        {
            *number = (number.parse::<u64>().unwrap() * times).to_string();
        }
    }
    row
}
