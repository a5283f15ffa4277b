//! The process of one execution environment.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

/// A process that uses no CPU for this long is idle.
const QUIET: Duration = Duration::from_millis(3);

/// A running bootstrap. Dropping it ends the process.
pub(crate) struct Process {
    child: Child,
    clock: ClockId,
    pub(crate) started: Instant,
}

impl Process {
    pub(crate) fn start(bootstrap: &Path, environment: &[(String, String)]) -> Self {
        let started = Instant::now();
        let child = Command::new(bootstrap)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `make build`", bootstrap.display()));
        let clock = clock_getcpuclockid(Pid::from_raw(child.id().try_into().unwrap())).unwrap();
        Self { child, clock, started }
    }

    /// Waits until the process is idle. Returns the CPU time of all its threads, in milliseconds.
    pub(crate) async fn cpu(&self) -> f64 {
        let mut before = self.clock.now().unwrap();
        loop {
            tokio::time::sleep(QUIET).await;
            let now = self.clock.now().unwrap();
            if now == before {
                return Duration::from(now).as_secs_f64() * 1000.0;
            }
            before = now;
        }
    }

    /// Returns the peak memory of the process, in megabytes.
    pub(crate) fn peak(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak.unwrap().parse::<f64>().unwrap() * 1024.0 / 1e6
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
