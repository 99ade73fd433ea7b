//! What Linux tells of processes, below `/proc`.

use std::fs;

/// Whether a process takes steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    /// It was stopped by a signal.
    Paused,
    /// It has ended, and nobody has taken note of that yet.
    Dead,
}

/// What is seen of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) life: Life,
    /// When it started, in ticks since the machine did.
    pub(super) started: u64,
}

/// Looks at a process; `None` when there is none of this number.
pub(super) fn look(pid: u32) -> Option<Seen> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The line of `/proc/PID/stat`: the name stands in brackets and may hold anything.
fn parse(stat: &str) -> Option<Seen> {
    let fields = &stat[stat.rfind(')')? + 1..];
    let mut fields = fields.split_ascii_whitespace();
    let life = match fields.next()? {
        "T" | "t" => Life::Paused,
        "Z" | "X" | "x" => Life::Dead,
        _ => Life::Running,
    };
    // The state is field 3, the start field 22.
    let started = fields.nth(18)?.parse().ok()?;
    Some(Seen { life, started })
}

/// The living processes that have this variable in their environment, and when they started.
pub(super) fn marked(variable: &str, value: &str) -> Vec<(u32, u64)> {
    let wanted = format!("{variable}={value}");
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != std::process::id());
    let has_it = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|it| it == wanted.as_bytes())
    };
    pids.filter(has_it)
        .filter_map(|pid| Some((pid, look(pid)?)))
        .filter(|(_, seen)| seen.life != Life::Dead)
        .map(|(pid, seen)| (pid, seen.started))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_confuses_nobody() {
        let stat = "42 (a) Z (b) T 1 42 42 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 2";
        let seen = parse(stat).unwrap();
        assert_eq!((seen.life, seen.started), (Life::Paused, 987_654));
        assert_eq!(parse("42 (a"), None);
    }

    #[test]
    fn this_process_runs() {
        let seen = look(std::process::id()).unwrap();
        assert_eq!(seen.life, Life::Running);
        assert!(look(u32::MAX).is_none());
    }
}
