//! The machine on which the figures were measured.

/// Returns the processor, the number of cores, and the version of Linux.
pub(crate) fn describe() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu_info = read("/proc/cpuinfo");
    let model = cpu_info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = read("/proc/sys/kernel/osrelease");
    // The part after a dash is the name of the build.
    let version = kernel.trim().split('-').next().unwrap_or_default();
    format!("{model}, {cores} cores, Linux {version}")
}
