//! Programs of this machine: finding them, and running them within bounds.

use std::env;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Where system programs are, which are not on everybody's path.
const SYSTEM: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Where a program is.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(SYSTEM.map(PathBuf::from));
    let is_program = |path: &PathBuf| {
        let meta = path.metadata();
        meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    folders
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(is_program)
}

/// What a program said.
pub(super) struct Said {
    pub(super) is_success: bool,
    text: String,
}

impl Said {
    pub(super) fn first_line(&self) -> String {
        let line = self
            .text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty());
        line.unwrap_or("it failed without a word").to_owned()
    }
}

/// Runs a program that is expected to end at once and to say little. One that does not end is killed.
pub(super) fn run(program: &Path, arguments: &[&str]) -> Result<Said, String> {
    let mut process = Process::start(program, arguments).map_err(|error| error.to_string())?;
    let start = Instant::now();
    let status = loop {
        match process.0.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() > PATIENCE => {
                return Err("it did not end in time".to_owned());
            }
            Ok(None) => thread::sleep(Duration::from_millis(2)),
            Err(error) => return Err(error.to_string()),
        }
    };
    // It is over, and what it said is in the pipe; what it may have started keeps nobody waiting.
    let mut text = String::new();
    if let Some(stderr) = process.0.stderr.take() {
        let flags = rustix::fs::fcntl_getfl(&stderr).map_err(|error| error.to_string())?;
        let set = rustix::fs::fcntl_setfl(&stderr, flags | rustix::fs::OFlags::NONBLOCK);
        set.map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        let _ = stderr.take(4_096).read_to_end(&mut bytes);
        text = String::from_utf8_lossy(&bytes).into_owned();
    }
    Ok(Said {
        is_success: status.success(),
        text,
    })
}

/// A process that does not outlive its owner.
pub(super) struct Process(Child);

impl Process {
    pub(super) fn start(program: &Path, arguments: &[&str]) -> std::io::Result<Self> {
        let child = Command::new(program)
            .args(arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(Self(child))
    }

    pub(super) fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.0.id().cast_signed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What kind of system this is, by whose names of packages it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Debian,
    Fedora,
    Alpine,
    MacOs,
}

impl System {
    pub(super) const ALL: [Self; 4] = [Self::Debian, Self::Fedora, Self::Alpine, Self::MacOs];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Debian => "Debian",
            Self::Fedora => "Fedora",
            Self::Alpine => "Alpine",
            Self::MacOs => "macOS",
        }
    }

    /// This machine's, and what it calls itself.
    pub(super) fn here() -> (Option<Self>, String) {
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let (system, name) = Self::of(&release);
        match name {
            _ if cfg!(target_os = "macos") => (Some(Self::MacOs), "macOS".to_owned()),
            Some(name) => (system, name),
            None => (system, env::consts::OS.to_owned()),
        }
    }

    /// That of a text such as /etc/os-release, and the name in it.
    fn of(release: &str) -> (Option<Self>, Option<String>) {
        let value = |key: &str| {
            let lines = release.lines().filter_map(|line| line.split_once('='));
            let mut values = lines
                .filter(|(name, _)| *name == key)
                .map(|(_, value)| value.trim_matches('"'));
            values.next()
        };
        let ids = ["ID", "ID_LIKE"].into_iter().filter_map(value);
        let known = |id: &str| match id {
            "debian" | "ubuntu" => Some(Self::Debian),
            "fedora" | "rhel" | "centos" => Some(Self::Fedora),
            "alpine" => Some(Self::Alpine),
            _ => None,
        };
        let system = ids.flat_map(str::split_whitespace).find_map(known);
        (system, value("PRETTY_NAME").map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_told_by_its_own_name_or_by_whom_it_is_like() {
        for (release, system) in [
            (
                "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n",
                Some(System::Debian),
            ),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"",
                Some(System::Debian),
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"",
                Some(System::Fedora),
            ),
            ("ID=alpine", Some(System::Alpine)),
            ("ID=nixos", None),
            ("", None),
        ] {
            assert_eq!(System::of(release).0, system, "{release}");
        }
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_and_one_that_fails_is_heard() {
        let shell = find("sh").expect("a shell");
        let start = Instant::now();
        assert!(run(&shell, &["-c", "sleep 30"]).is_err());
        assert!(start.elapsed() < Duration::from_secs(2));
        let said = run(&shell, &["-c", "echo no way >&2; exit 3"]).expect("it ends");
        assert!(!said.is_success);
        assert_eq!(said.first_line(), "no way");
        // What it leaves behind with its standard error keeps nobody waiting.
        let start = Instant::now();
        assert!(run(&shell, &["-c", "sleep 5 & exit 0"]).is_ok());
        assert!(start.elapsed() < Duration::from_secs(2));
        assert!(find("no-such-program").is_none());
    }
}
