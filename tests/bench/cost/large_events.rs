//! Large events: what the index that has whole rows costs, and what an index of keys would.

use age_model::Clock;
use serde_json::{Value, json};

use super::{SIZES, assert_status, fresh};
use crate::figure::{Table, rounded};
use crate::world::World;

/// The events of a list.
const LIST: usize = 50;

/// A copy of the table of events, whose index has keys only.
const COPY: &str = "EventsWithKeysOnly";

/// The engine of the events, whose partition of the index a list reads.
const BILLING: &str = "billing";

pub(super) async fn table() -> Table {
    let mut rows = Vec::new();
    for (text, size) in SIZES {
        let costs = Costs::measure(text).await;
        let mut row = vec![size.to_owned()];
        row.extend([costs.row, costs.entry, costs.keys_entry].map(|units| format!("{} W", rounded(units))));
        row.extend([costs.list, costs.keys_list].map(|units| format!("{} R", rounded(units))));
        rows.push(row);
    }
    Table {
        title: "Large events: an index of whole events, and one of keys",
        headings: vec![
            "size of the row",
            "writing the row",
            "its entry, whole",
            "its entry, keys",
            "50 whole entries",
            "50 entries of keys, and their rows",
        ],
        rows,
    }
}

/// Capacity units of one event, and of reading 50.
struct Costs {
    row: f64,
    entry: f64,
    keys_entry: f64,
    list: f64,
    keys_list: f64,
}

impl Costs {
    /// Measures events with `text` characters in their details.
    async fn measure(text: usize) -> Self {
        let world = World::new().await;
        create_copy(&world);
        let event = fresh(&world, "LOW", text);
        let mut ids = Vec::new();
        for _ in 0..LIST {
            let response = world.post(&event).await;
            assert_status(&response, 201);
            ids.push(response.text("/id").to_owned());
        }
        let (mut written, mut written_to_copy) = (Value::Null, Value::Null);
        for id in &ids {
            let row = world.row("Events", &[("id", id)])["Item"].clone();
            // The same row under another id, as an event's transaction writes it.
            let mut same = row.clone();
            same["id"] = json!({ "S": format!("{id}-again") });
            written = put(&world, "Events", &same);
            world.dynamodb.call("DeleteItem", &json!({ "TableName": "Events", "Key": { "id": same["id"] } }));
            written_to_copy = put(&world, COPY, &row);
        }
        let whole = query(&world, "Events");
        let keys = query(&world, COPY);
        assert_eq!([&whole, &keys].map(|page| page["Count"].as_u64()), [Some(50), Some(50)]);
        let by_id: Vec<Value> = ids.iter().map(|id| json!({ "id": { "S": id } })).collect();
        let events = json!({ "RequestItems": { COPY: { "Keys": by_id } }, "ReturnConsumedCapacity": "INDEXES" });
        let events = world.dynamodb.call("BatchGetItem", &events);
        let entry = |written: &Value| units(&written["ConsumedCapacity"][0]["GlobalSecondaryIndexes"]["timeline"]);
        Self {
            row: units(&written["ConsumedCapacity"][0]["Table"]),
            entry: entry(&written),
            keys_entry: entry(&written_to_copy),
            list: units(&whole["ConsumedCapacity"]),
            keys_list: units(&keys["ConsumedCapacity"]) + units(&events["ConsumedCapacity"][0]),
        }
    }
}

fn units(capacity: &Value) -> f64 {
    capacity["CapacityUnits"].as_f64().unwrap_or_else(|| panic!("no capacity units: {capacity}"))
}

fn create_copy(world: &World) {
    let described = world.dynamodb.call("DescribeTable", &json!({ "TableName": "Events" }));
    let table = &described["Table"];
    let mut index = table["GlobalSecondaryIndexes"].as_array().unwrap().clone();
    index.retain(|index| index["IndexName"] == "timeline");
    let index = json!({
        "IndexName": "timeline", "KeySchema": index[0]["KeySchema"], "Projection": { "ProjectionType": "KEYS_ONLY" },
    });
    let mut attributes = table["AttributeDefinitions"].as_array().unwrap().clone();
    attributes.retain(|attribute| attribute["AttributeName"] != "unchecked_engine");
    let create = json!({
        "TableName": COPY, "KeySchema": table["KeySchema"], "AttributeDefinitions": attributes,
        "GlobalSecondaryIndexes": [index], "BillingMode": "PAY_PER_REQUEST",
    });
    world.dynamodb.call("CreateTable", &create);
}

fn put(world: &World, table: &str, row: &Value) -> Value {
    let put = json!({ "Put": { "TableName": table, "Item": row } });
    let transaction = json!({ "TransactItems": [put], "ReturnConsumedCapacity": "INDEXES" });
    world.dynamodb.call("TransactWriteItems", &transaction)
}

/// Reads the 50 newest entries of the index of `table`, as a list does.
fn query(world: &World, table: &str) -> Value {
    let day = world.clock.now().day();
    let query = json!({
        "TableName": table, "IndexName": "timeline", "KeyConditionExpression": "#bucket = :bucket",
        "ExpressionAttributeNames": { "#bucket": "bucket" },
        "ExpressionAttributeValues": { ":bucket": { "S": format!("{BILLING}#{day}#0") } },
        "ScanIndexForward": false, "Limit": LIST, "ReturnConsumedCapacity": "INDEXES",
    });
    world.dynamodb.call("Query", &query)
}
