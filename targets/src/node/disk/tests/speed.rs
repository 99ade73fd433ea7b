//! How long a sync takes, with and without zeros ahead of the log. For people:
//! `cargo test -p rupture-targets --lib disk::tests::speed -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use super::*;

/// Times of one save and one sync.
fn times(ahead: u64, size: usize, count: usize) -> Vec<Duration> {
    // Where the machine has its disk, and not in memory.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sizes = Sizes {
        ahead,
        ..Sizes::USUAL
    };
    let (mut disk, _) = open_with(folder.path(), DiskFault::default(), sizes).expect("a log");
    let record = (0, "x".repeat(size));
    let time = || {
        let begun = Instant::now();
        disk.save(&record).expect("a save");
        disk.sync().expect("a sync");
        begun.elapsed()
    };
    std::iter::repeat_with(time).take(count).collect()
}

#[test]
#[ignore = "it measures this machine"]
fn how_long_a_sync_takes() {
    for size in [256, 4096] {
        for ahead in [0, 64 << 10, 256 << 10, 1 << 20, 16 << 20, 0, 1 << 20] {
            let mut times = times(ahead, size, 3000);
            times.sort_unstable();
            let mean = times.iter().sum::<Duration>() / times.len() as u32;
            let at = |part: usize| times[times.len() * part / 1000];
            println!(
                "{size} bytes, {ahead} ahead: mean {mean:?}, p50 {:?}, p99 {:?}, p99.9 {:?}",
                at(500),
                at(990),
                at(999)
            );
        }
    }
}
