//! Peak memory of a future: every allocation of this process is counted.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Returns the peak memory that `work` allocates, in megabytes, and its result.
pub(crate) async fn peak<T>(work: impl Future<Output = T>) -> (f64, T) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let done = work.await;
    let bytes = ALLOCATOR.peak_usage().saturating_sub(before);
    (f64::from(u32::try_from(bytes / 1000).unwrap()) / 1000.0, done)
}
