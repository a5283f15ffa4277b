//! What the figures were measured on.

/// The processor, how many of it, and the system.
pub(crate) fn describe() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu_info = read("/proc/cpuinfo");
    let model = cpu_info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = read("/proc/sys/kernel/osrelease");
    // What stands behind a dash is whose build it is.
    let version = kernel.trim().split('-').next().unwrap_or_default();
    format!("{model}, {cores} cores, Linux {version}")
}
