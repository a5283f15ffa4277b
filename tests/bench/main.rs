//! What AGE costs, measured: `make bench`. Each part is a module; this runs them and writes what they found to
//! `target/bench.json` and `BENCHMARKS.md`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures, and fails loudly"
)]

mod cold_start;
mod figure;
mod machine;
mod markdown;
mod world;

use std::path::Path;

use figure::Part;

#[tokio::main]
async fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let parts: Vec<Part> = vec![cold_start::measure(root).await];
    let machine = machine::describe();
    std::fs::write(root.join("target/bench.json"), markdown::json(&machine, &parts)).unwrap();
    std::fs::write(root.join("BENCHMARKS.md"), markdown::page(&machine, &parts)).unwrap();
    for figure in parts.iter().flat_map(|part| &part.figures) {
        println!("{figure}");
    }
}
