//! A search of seeds.

use crate::{expect, scratch};

#[test]
fn many_seeds_end_with_the_commands_that_rerun_the_failing_ones() {
    let folder = scratch();
    let (printed, _) = expect(
        0,
        folder.path(),
        &["run", "--seeds", "0..4", "--time-limit", "5"],
    );
    assert!(printed.contains("4 of 4 seeds"), "{printed}");
    let (printed, _) = expect(
        1,
        folder.path(),
        &[
            "run",
            "--seeds",
            "0..4",
            "--mutant",
            "stale-read",
            "--time-limit",
            "20",
        ],
    );
    let rerun = printed
        .lines()
        .find(|line| line.contains("rupture run") && line.contains("--seed "))
        .unwrap_or_else(|| panic!("no command in\n{printed}"));
    let arguments: Vec<&str> = rerun
        .trim()
        .trim_start_matches("rupture ")
        .split_whitespace()
        .collect();
    expect(1, folder.path(), &arguments);
}
