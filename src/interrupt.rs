//! Ctrl-C, `kill` and a terminal that goes away: the first asks everything to end with what is known, the second ends
//! at once.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on these signals ask for an end.
pub fn listen() {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // `nohup` wants a run to outlive its terminal.
        if signal == SIGHUP && is_ignored(signal) {
            continue;
        }
        // Without a handler the signal still ends the program; it only loses the summary.
        let _ = flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&REQUESTED));
        let _ = flag::register(signal, Arc::clone(&REQUESTED));
    }
}

/// Whether an end was asked for.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// Whether whoever started this process had it ignore a signal; false where the system does not say.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) >> (signal - 1) & 1 == 1
}
