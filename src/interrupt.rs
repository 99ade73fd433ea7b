//! Ctrl-C, `kill` and a terminal that goes away: the first asks everything to end with what is known, a later one ends
//! at once.

use std::fs;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// Whether the next signal ends at once.
static IMPATIENT: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Signals that come together are one: `timeout` sends each to the process and to its group, and a shell may as well.
const TOGETHER: Duration = Duration::from_millis(500);

/// From now on these signals ask for an end.
pub fn listen() {
    let (mut told, teller) = UnixStream::pair().map_or((None, None), |(a, b)| (Some(a), Some(b)));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // `nohup` wants a run to outlive its terminal.
        if signal == SIGHUP && is_ignored(signal) {
            continue;
        }
        // Without a handler the signal still ends the program; it only loses the summary.
        let _ = flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&IMPATIENT));
        let _ = flag::register(signal, Arc::clone(&REQUESTED));
        if let Some(Ok(teller)) = teller.as_ref().map(UnixStream::try_clone) {
            let _ = pipe::register(signal, teller);
        }
    }
    std::thread::spawn(move || {
        if let Some(told) = &mut told {
            // An error leaves nobody to wait for.
            let _ = told.read(&mut [0]);
            std::thread::sleep(TOGETHER);
        }
        // Without a way to be told, the first signal ends at once.
        IMPATIENT.store(true, Ordering::SeqCst);
    });
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
