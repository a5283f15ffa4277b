//! Bulk data: more events than a test can post.

use age_model::Clock;
use dynoxide::{AttributeValue, ImportOptions, Item};
use serde_json::json;

use super::ENGINES;
use super::{World, event};

/// How many rows one import has.
const ROWS_PER_IMPORT: usize = 50_000;

impl World {
    /// Multiplies the number of events by `times`. Each event is copied with a new id and the same time, and each counter is
    /// multiplied, so the counters still agree with the events.
    pub(crate) fn multiply(&self, times: u64) {
        self.database.enable_bulk_loading().unwrap();
        let events = self.rows("Events");
        let originals = events.iter().flat_map(|event| (1..times).map(move |_| event));
        // INVARIANT: no call uses an id of an earlier call.
        let serials = events.len() as u64 * 1000..;
        let mut copies = serials.zip(originals).map(|(serial, event)| copy_event(event, serial)).peekable();
        while copies.peek().is_some() {
            self.import("Events", copies.by_ref().take(ROWS_PER_IMPORT).collect());
        }
        let rollups = self.rows("Rollups");
        self.import("Rollups", rollups.into_iter().map(|row| multiply_counters(row, times)).collect());
        self.database.disable_bulk_loading().unwrap();
    }

    /// Sets the counters of each engine and severity in every hour of the last `days` to hundreds of events.
    pub(crate) async fn fill_every_hour(&self, days: i64) {
        self.fill_every_hour_of(&ENGINES, days).await;
    }

    /// As [`World::fill_every_hour`], of `engines`.
    pub(crate) async fn fill_every_hour_of(&self, engines: &[age_model::Engine], days: i64) {
        let now = self.clock.now();
        let day = now.plus_days(-1).day();
        for hour in age_model::Hour::all() {
            self.clock.set(day.at(hour));
            for severity in age_model::Severity::ALL {
                self.post(&event("billing", "routine", severity.as_str())).await;
            }
        }
        self.clock.set(now);
        let full = self.rows("Rollups").remove(0);
        let row = |engine: &age_model::Engine, back: i64| {
            let mut row = full.clone();
            row.insert("engine_shard".to_owned(), AttributeValue::S(format!("{engine}#0")));
            row.insert("day".to_owned(), AttributeValue::S(now.plus_days(-back).day().to_string()));
            multiply_counters(row, 500)
        };
        let rows = engines.iter().flat_map(|engine| (0..days).map(move |back| row(engine, back)));
        self.import("Rollups", rows.collect());
    }

    /// Copies the rollups of each day of each engine to `shard_count` rows.
    pub(crate) fn copy_to_shards(&self, shard_count: u32) {
        let rows = self.rows("Rollups");
        let copies = rows.iter().flat_map(|row| {
            (0..shard_count).map(move |shard| {
                let AttributeValue::S(first) = &row["engine_shard"] else {
                    panic!("engine_shard is not a string: {row:?}")
                };
                let mut copy = row.clone();
                copy.insert("engine_shard".to_owned(), AttributeValue::S(first.replace("#0", &format!("#{shard}"))));
                if shard == 0 {
                    copy.insert("shard_count".to_owned(), AttributeValue::N(shard_count.to_string()));
                }
                copy
            })
        });
        self.import("Rollups", copies.collect());
    }

    /// Adds `number` copies of the state of an incident key, each with an event type of its own.
    pub(crate) fn copy_incident(&self, fingerprint: &str, number: usize) {
        self.copy_incident_with(fingerprint, vec![None; number]);
    }

    /// Adds a copy of the state of an incident key for each of `due_keys`, which it gets if there is one.
    pub(crate) fn copy_incident_with(&self, fingerprint: &str, due_keys: Vec<Option<String>>) {
        let rows = self.rows("Incidents");
        let key = [("fingerprint", fingerprint), ("opened_at", "state")];
        let is_state =
            |row: &&Item| key.iter().all(|(name, value)| row[*name] == AttributeValue::S((*value).to_owned()));
        let state = rows.iter().find(is_state).unwrap();
        let AttributeValue::S(listed) = &state["listed"] else { panic!("listed is not a string: {state:?}") };
        let copy = |(number, due_key): (usize, Option<String>)| {
            let (mut row, of_copy) = (state.clone(), format!("{fingerprint}_{number}"));
            row.insert("listed".to_owned(), AttributeValue::S(listed.replace(fingerprint, &of_copy)));
            row.insert("fingerprint".to_owned(), AttributeValue::S(of_copy));
            if let Some(due_key) = due_key {
                row.insert("due_key".to_owned(), AttributeValue::S(due_key));
            }
            row
        };
        self.import("Incidents", due_keys.into_iter().enumerate().map(copy).collect());
    }

    /// Adds `number` copies of the open action of `engine`, each for an event that has expired.
    pub(crate) fn copy_action(&self, engine: &str, number: usize) {
        let rows = self.rows("Actions");
        let action = rows.iter().find(|row| row["engine"] == AttributeValue::S(engine.to_owned())).unwrap();
        let copy = |number: usize| {
            let mut row = action.clone();
            let id = AttributeValue::S(format!("01936f2e-0000-7000-8000-{number:012x}"));
            let Some(AttributeValue::M(item)) = row.get_mut("item") else { panic!("item is not a map: {action:?}") };
            item.insert("eventId".to_owned(), id.clone());
            row.insert("event_id".to_owned(), id);
            row
        };
        self.import("Actions", (0..number).map(copy).collect());
    }

    /// Adds `number` copies of the open action of `engine`, and of its event.
    pub(crate) fn copy_action_and_event(&self, engine: &str, number: usize) {
        let of_engine = |row: &&Item| row["engine"] == AttributeValue::S(engine.to_owned());
        let (actions, events) = (self.rows("Actions"), self.rows("Events"));
        let action = actions.iter().find(of_engine).unwrap();
        let event = events.iter().find(|row| row["id"] == action["event_id"]).unwrap();
        let copies: Vec<(Item, Item)> = (0..number)
            .map(|serial| copy_event(event, serial as u64))
            .map(|event| (copy_of(action, &event), event))
            .collect();
        let (actions, events) = copies.into_iter().unzip();
        self.import("Events", events);
        self.import("Actions", actions);
    }

    /// Returns the number of rows in the table of events.
    pub(crate) fn event_count(&self) -> u64 {
        let stats = self.database.table_stats().unwrap();
        stats.iter().find(|table| table.table_name == "Events").unwrap().item_count.unsigned_abs()
    }

    pub(crate) fn rows(&self, table: &str) -> Vec<Item> {
        let (mut rows, mut request) = (Vec::new(), json!({ "TableName": table }));
        loop {
            let page = self.dynamodb.call("Scan", &request);
            let items = page["Items"].as_array().unwrap().iter().cloned();
            rows.extend(items.map(|row| serde_json::from_value::<Item>(row).unwrap()));
            match page.get("LastEvaluatedKey") {
                Some(last) => request["ExclusiveStartKey"] = last.clone(),
                None => return rows,
            }
        }
    }

    fn import(&self, table: &str, rows: Vec<Item>) {
        self.database.import_items(table, rows, ImportOptions::default()).unwrap();
    }
}

/// Returns a copy of an action's row for `event`.
fn copy_of(action: &Item, event: &Item) -> Item {
    let mut copy = action.clone();
    let Some(AttributeValue::M(item)) = copy.get_mut("item") else { panic!("item is not a map: {action:?}") };
    item.insert("eventId".to_owned(), event["id"].clone());
    copy.insert("event_id".to_owned(), event["id"].clone());
    let AttributeValue::S(at) = &event["at"] else { panic!("at is not a string: {event:?}") };
    copy.insert("at".to_owned(), AttributeValue::S(format!("{at}#0")));
    copy
}

/// Returns a copy of an event's row with another id, which ends with `serial`.
fn copy_event(row: &Item, serial: u64) -> Item {
    let mut copy = row.clone();
    let (AttributeValue::S(id), AttributeValue::S(at)) = (&row["id"], &row["at"]) else {
        panic!("id or at is not a string: {row:?}")
    };
    let fresh = format!("{}{serial:012x}", &id[..24]);
    copy.insert("at".to_owned(), AttributeValue::S(at.replace(id, &fresh)));
    copy.insert("id".to_owned(), AttributeValue::S(fresh));
    copy
}

/// Returns a rollup with each counter multiplied by `times`.
fn multiply_counters(mut row: Item, times: u64) -> Item {
    for (name, value) in &mut row {
        if let AttributeValue::N(number) = value
            && name != "shard_count"
        {
            *number = (number.parse::<u64>().unwrap() * times).to_string();
        }
    }
    row
}
