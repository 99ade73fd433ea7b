//! How much memory this process holds, as the system tells it.

use std::fs;

/// The most memory that this process has held so far, in bytes; 0 where the system does not say.
pub(super) fn bytes_peak() -> u64 {
    status("VmHWM:")
}

/// The memory that this process holds, in bytes; 0 where the system does not say.
pub(super) fn resident() -> u64 {
    status("VmRSS:")
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
