//! The machine a benchmark runs on.

use std::fs;
use std::thread;

/// One line: processor, cores that this process may use, memory, kernel. Parts that this system does not tell are
/// left out.
pub fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut parts = vec![format!("{cores} cores")];
    parts.extend(line_of("/proc/cpuinfo", "model name"));
    if let Some(memory) = line_of("/proc/meminfo", "MemTotal") {
        parts.push(format!("{memory} of memory"));
    }
    if let Ok(kernel) = fs::read_to_string("/proc/sys/kernel/osrelease") {
        parts.push(format!("Linux {}", kernel.trim()));
    }
    parts.join(", ")
}

fn line_of(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}
