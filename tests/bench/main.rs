//! The benchmark: `make bench`. Each part is a module. Runs all parts and writes `target/bench.json`, `BENCHMARKS.md` and the tables of
//! `docs/concepts/cost.md`. With names of parts as arguments, runs only those and prints their results.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark panics if a measurement fails"
)]

mod cold_start;
mod contention;
mod cost;
mod figure;
mod growth;
mod latency;
mod machine;
mod markdown;
mod memory;
mod outage;
mod scoring;
mod seed;

/// AGE in this process, as in the integration tests.
#[path = "../it"]
#[expect(dead_code, reason = "the benchmark does not use all of it")]
mod it {
    pub(crate) mod world;
}

use std::path::Path;

use figure::Part;
use it::world;

const PARTS: [&str; 7] = ["cold-start", "cost", "latency", "growth", "contention", "outage", "scoring"];

#[tokio::main]
async fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Some(unknown) = named.iter().find(|name| !PARTS.contains(&name.as_str())) {
        panic!("unknown part {unknown}: must be one of {}", PARTS.join(", "));
    }
    let mut parts: Vec<Part> = Vec::new();
    for name in PARTS.iter().filter(|name| named.is_empty() || named.iter().any(|named| named == *name)) {
        println!("==> {name}");
        parts.push(match *name {
            "cold-start" => cold_start::measure(root).await,
            "cost" => Box::pin(cost::measure()).await,
            "latency" => latency::measure().await,
            "growth" => growth::measure().await,
            "contention" => contention::measure().await,
            "outage" => outage::measure().await,
            _ => scoring::measure().await,
        });
    }
    let machine = machine::describe();
    let page = markdown::page(&machine, &parts);
    if named.is_empty() {
        std::fs::write(root.join("target/bench.json"), markdown::json(&machine, &parts)).unwrap();
        std::fs::write(root.join("BENCHMARKS.md"), page).unwrap();
        let costs = root.join("docs/concepts/cost.md");
        let document = std::fs::read_to_string(&costs).unwrap();
        std::fs::write(costs, markdown::with_tables(&document, &parts)).unwrap();
    } else {
        println!("{page}");
    }
    for figure in parts.iter().flat_map(|part| &part.figures) {
        println!("{figure}");
    }
}
