//! What Linux tells of processes, below `/proc`.

use std::fs;
use std::io;

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
///
/// # Errors
/// It cannot be looked at: that says nothing of whether it is there.
pub(super) fn look(pid: u32) -> io::Result<Option<Seen>> {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => parse(&stat).map(Some).ok_or_else(|| {
            io::Error::other(format!("/proc/{pid}/stat is not what Linux writes there"))
        }),
        Err(error) if is_gone(&error) && fs::exists("/proc/self")? => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether there is nothing to look at, for the kernel.
fn is_gone(error: &io::Error) -> bool {
    let gone = rustix::io::Errno::SRCH.raw_os_error();
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(gone)
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

/// The living processes that have this variable in their environment, and when they started. Those of others, whose
/// environment nobody else may see, are none of ours.
///
/// # Errors
/// Processes cannot be looked at.
pub(super) fn marked(variable: &str, value: &str) -> io::Result<Vec<(u32, u64)>> {
    let wanted = format!("{variable}={value}");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse::<u32>().ok());
        let Some(pid) = pid.filter(|pid| *pid != std::process::id()) else {
            continue;
        };
        let environment = match fs::read(format!("/proc/{pid}/environ")) {
            Ok(environment) => environment,
            Err(error) if is_gone(&error) => continue,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => continue,
            Err(error) => return Err(error),
        };
        let mut variables = environment.split(|byte| *byte == 0);
        if variables.any(|it| it == wanted.as_bytes())
            && let Some(seen) = look(pid)?
            && seen.life != Life::Dead
        {
            found.push((pid, seen.started));
        }
    }
    Ok(found)
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
        let seen = look(std::process::id()).unwrap().unwrap();
        assert_eq!(seen.life, Life::Running);
        assert!(look(u32::MAX).unwrap().is_none());
    }
}
