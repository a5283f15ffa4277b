//! Parts of `agectl event import`: reading lines, sending them in batches, counting the results.

pub(crate) mod batch;
pub(crate) mod line_reader;
pub(crate) mod summary;
