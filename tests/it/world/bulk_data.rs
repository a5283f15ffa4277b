//! A world with many more events than a test could post.

use age_model::Clock;
use dynoxide::{AttributeValue, ImportOptions, Item};
use serde_json::json;

use super::{World, event};

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

    /// Makes every hour of the last `days` count hundreds of events of each engine and severity.
    pub(crate) async fn fill_every_hour(&self, days: i64) {
        let now = self.clock.now();
        let day = now.plus_days(-1).day();
        for hour in age_model::Hour::all() {
            self.clock.set(day.at(hour));
            for severity in age_model::Severity::ALL {
                self.post(&event("billing", "routine", severity.as_str())).await;
            }
        }
        self.clock.set(now);
        let full = self.rows("Rollups").await.remove(0);
        let row = |engine: &age_model::Engine, back: i64| {
            let mut row = full.clone();
            row.insert("engine_shard".to_owned(), AttributeValue::S(format!("{engine}#0")));
            row.insert("day".to_owned(), AttributeValue::S(now.plus_days(-back).day().to_string()));
            multiplied(row, 500)
        };
        let rows = age_model::Engine::ALL.iter().flat_map(|engine| (0..days).map(move |back| row(engine, back)));
        self.bring_in("Rollups", rows.collect());
    }

    /// Makes each day of each engine count as much once more in each of `shard_count` rows.
    pub(crate) async fn spread(&self, shard_count: u32) {
        let rows = self.rows("Rollups").await;
        let copies = rows.iter().flat_map(|row| {
            (0..shard_count).map(move |shard| {
                let AttributeValue::S(first) = &row["engine_shard"] else { panic!("a text: {row:?}") };
                let mut copy = row.clone();
                copy.insert("engine_shard".to_owned(), AttributeValue::S(first.replace("#0", &format!("#{shard}"))));
                if shard == 0 {
                    copy.insert("shard_count".to_owned(), AttributeValue::N(shard_count.to_string()));
                }
                copy
            })
        });
        self.bring_in("Rollups", copies.collect());
    }

    /// How many rows of events there are.
    pub(crate) fn events(&self) -> u64 {
        let stats = self.database.table_stats().unwrap();
        stats.iter().find(|table| table.table_name == "Events").unwrap().item_count.unsigned_abs()
    }

    async fn rows(&self, table: &str) -> Vec<Item> {
        let (mut rows, mut request) = (Vec::new(), json!({ "TableName": table }));
        loop {
            let page = self.dynamodb.call("Scan", &request).await;
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
            && name != "shard_count"
        {
            *number = (number.parse::<u64>().unwrap() * times).to_string();
        }
    }
    row
}
