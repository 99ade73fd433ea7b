//! What can be told of this machine: a row a check. A check only looks. What it has to make in order to see something
//! (a file, a process, a namespace) is its own, and gone when it is done.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process};
use rustix::time::{ClockId, clock_getres};
use serde::Serialize;

use super::machine::{Process, find, run};

/// One thing to know of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // Each is explained by its row.
pub(super) enum Fact {
    Root,
    Signals,
    Ptrace,
    Cores,
    Files,
    Ports,
    Sync,
    Space,
    Fuse,
    Clocks,
    Users,
    Nets,
    Iptables,
    Nftables,
    Netem,
    Ssh,
    Sshd,
}

/// Whether it is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Yes,
    No,
    /// It could not be told.
    Unknown,
}

/// What a check saw.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) answer: Answer,
    pub(super) told: String,
}

/// What to do where it is not so, on each kind of system; an empty text where nothing helps.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Remedy {
    pub(super) debian: &'static str,
    pub(super) fedora: &'static str,
    pub(super) alpine: &'static str,
    pub(super) macos: &'static str,
}

/// A check.
pub(super) struct Row {
    pub(super) fact: Fact,
    pub(super) group: &'static str,
    pub(super) name: &'static str,
    /// What it looks at.
    pub(super) looks_at: &'static str,
    /// Handed the folder of the results, and a folder of its own in it.
    pub(super) look: fn(&Path) -> Found,
    pub(super) remedy: Remedy,
}

const fn all(text: &'static str) -> Remedy {
    Remedy {
        debian: text,
        fedora: text,
        alpine: text,
        macos: text,
    }
}

const fn linux(debian: &'static str, fedora: &'static str, alpine: &'static str) -> Remedy {
    Remedy {
        debian,
        fedora,
        alpine,
        macos: "",
    }
}

const NAMESPACES: &str = "raise user.max_user_namespaces, and where they exist set \
    kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0 (sysctl -w); or be root";

/// Every check, by groups.
pub(super) const ROWS: [Row; 17] = [
    Row {
        fact: Fact::Root,
        group: "processes",
        name: "root",
        looks_at: "the effective user, and CapEff of /proc/self/status",
        look: root,
        remedy: all("sudo rupture ..."),
    },
    Row {
        fact: Fact::Signals,
        group: "processes",
        name: "signals",
        looks_at: "a process of its own, stopped, continued and killed",
        look: signals,
        remedy: linux(
            "mount /proc, and leave a sandbox that forbids signals to own processes",
            "mount /proc, and leave a sandbox that forbids signals to own processes",
            "mount /proc, and leave a sandbox that forbids signals to own processes",
        ),
    },
    Row {
        fact: Fact::Ptrace,
        group: "processes",
        name: "ptrace",
        looks_at: "/proc/PID/mem of a process of its own, opened for writing, and yama/ptrace_scope",
        look: ptrace,
        remedy: linux(
            "sysctl -w kernel.yama.ptrace_scope=1 (or 0); in a container --cap-add SYS_PTRACE",
            "sysctl -w kernel.yama.ptrace_scope=1 (or 0); in a container --cap-add SYS_PTRACE",
            "in a container --cap-add SYS_PTRACE",
        ),
    },
    Row {
        fact: Fact::Cores,
        group: "processes",
        name: "cores",
        looks_at: "the processors that this process may use",
        look: cores,
        remedy: all("take fewer nodes and clients: --nodes 3 --concurrency 5 --rate 100"),
    },
    Row {
        fact: Fact::Files,
        group: "processes",
        name: "open files",
        looks_at: "the limit of open files",
        look: files,
        remedy: all("ulimit -n 4096"),
    },
    Row {
        fact: Fact::Ports,
        group: "network",
        name: "ports",
        looks_at: "twenty free ports of 127.0.0.1, and a byte sent through each",
        look: ports,
        remedy: all("let this user listen on 127.0.0.1, and bring lo up: ip link set lo up"),
    },
    Row {
        fact: Fact::Sync,
        group: "disk",
        name: "sync",
        looks_at: "4 KiB written and synced again and again in a temporary folder where the results go",
        look: sync,
        remedy: all("give a folder on a disk that can be written: --results DIR"),
    },
    Row {
        fact: Fact::Space,
        group: "disk",
        name: "space",
        looks_at: "the free space of the disk where the results go",
        look: space,
        remedy: all("make room, or give a folder on another disk: --results DIR"),
    },
    Row {
        fact: Fact::Fuse,
        group: "disk",
        name: "fuse",
        looks_at: "/dev/fuse, opened",
        look: fuse,
        remedy: Remedy {
            debian: "apt install fuse3; modprobe fuse; chmod 666 /dev/fuse",
            fedora: "dnf install fuse3; modprobe fuse; chmod 666 /dev/fuse",
            alpine: "apk add fuse3; modprobe fuse; chmod 666 /dev/fuse",
            macos: "brew install --cask macfuse",
        },
    },
    Row {
        fact: Fact::Clocks,
        group: "clocks",
        name: "resolution",
        looks_at: "the smallest steps of the monotonic and the wall clock",
        look: clocks,
        remedy: all("run on a machine with a clock finer than a millisecond"),
    },
    Row {
        fact: Fact::Users,
        group: "namespaces",
        name: "users",
        looks_at: "a user namespace, made by unshare and left",
        look: users,
        remedy: Remedy {
            debian: NAMESPACES,
            fedora: NAMESPACES,
            alpine: "apk add util-linux; or be root",
            macos: "",
        },
    },
    Row {
        fact: Fact::Nets,
        group: "namespaces",
        name: "networks",
        looks_at: "a network namespace, made by unshare and left",
        look: nets,
        remedy: linux(
            "apt install util-linux; be root, or allow user namespaces",
            "dnf install util-linux; be root, or allow user namespaces",
            "apk add util-linux; be root, or allow user namespaces",
        ),
    },
    Row {
        fact: Fact::Iptables,
        group: "namespaces",
        name: "iptables",
        looks_at: "iptables -S in a network namespace of its own",
        look: |_| in_namespace("iptables", &["-w", "-S"]),
        remedy: linux(
            "apt install iptables",
            "dnf install iptables-nft",
            "apk add iptables",
        ),
    },
    Row {
        fact: Fact::Nftables,
        group: "namespaces",
        name: "nftables",
        looks_at: "nft list ruleset in a network namespace of its own",
        look: |_| in_namespace("nft", &["list", "ruleset"]),
        remedy: linux(
            "apt install nftables",
            "dnf install nftables",
            "apk add nftables",
        ),
    },
    Row {
        fact: Fact::Netem,
        group: "namespaces",
        name: "tc netem",
        looks_at: "tc qdisc add ... netem in a network namespace of its own",
        look: |_| {
            in_namespace(
                "tc",
                &["qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"],
            )
        },
        remedy: linux(
            "apt install iproute2; modprobe sch_netem",
            "dnf install iproute-tc kernel-modules-extra; modprobe sch_netem",
            "apk add iproute2-tc; modprobe sch_netem",
        ),
    },
    Row {
        fact: Fact::Ssh,
        group: "other machines",
        name: "ssh",
        looks_at: "ssh -V",
        look: ssh,
        remedy: Remedy {
            debian: "apt install openssh-client",
            fedora: "dnf install openssh-clients",
            alpine: "apk add openssh-client",
            macos: "",
        },
    },
    Row {
        fact: Fact::Sshd,
        group: "other machines",
        name: "sshd",
        looks_at: "sshd on the PATH and in the folders of system programs",
        look: sshd,
        remedy: Remedy {
            debian: "apt install openssh-server",
            fedora: "dnf install openssh-server",
            alpine: "apk add openssh-server",
            macos: "systemsetup -setremotelogin on",
        },
    },
];

fn yes(told: impl Into<String>) -> Found {
    Found {
        answer: Answer::Yes,
        told: told.into(),
    }
}

fn no(told: impl Into<String>) -> Found {
    Found {
        answer: Answer::No,
        told: told.into(),
    }
}

fn unknown(told: impl Into<String>) -> Found {
    Found {
        answer: Answer::Unknown,
        told: told.into(),
    }
}

fn is_so(answer: bool, told: String) -> Found {
    if answer { yes(told) } else { no(told) }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn root(_: &Path) -> Found {
    // What root may do is cut short in many containers.
    const RIGHTS: [(u32, &str); 4] = [
        (12, "net-admin"),
        (19, "sys-ptrace"),
        (21, "sys-admin"),
        (25, "sys-time"),
    ];
    let user = rustix::process::geteuid().as_raw();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    let rights = match bits {
        Some(bits) => {
            let names = RIGHTS.iter().filter(|(bit, _)| bits >> bit & 1 == 1);
            let names: Vec<&str> = names.map(|(_, name)| *name).collect();
            if names.is_empty() {
                "; no special rights".to_owned()
            } else {
                format!("; rights: {}", names.join(", "))
            }
        }
        None => String::new(),
    };
    is_so(is_root(), format!("user {user}{rights}"))
}

/// A process that does nothing, to try things on.
fn sleeper() -> Result<Process, Found> {
    let program = find("sleep").ok_or_else(|| unknown("there is no `sleep` to try it on"))?;
    Process::start(&program, &["20"])
        .map_err(|error| unknown(format!("cannot start `sleep`: {error}")))
}

fn signals(_: &Path) -> Found {
    let look = || -> Result<Found, Found> {
        let sleeper = sleeper()?;
        let pid = sleeper.pid().ok_or_else(|| unknown("no process id"))?;
        let send = |signal, name: &str| {
            kill_process(pid, signal).map_err(|error| no(format!("SIG{name}: {error}")))
        };
        send(Signal::STOP, "STOP")?;
        let seen = state_becomes(pid, |state| state == 'T');
        send(Signal::CONT, "CONT")?;
        let seen = seen && state_becomes(pid, |state| state != 'T');
        send(Signal::KILL, "KILL")?;
        if !seen {
            return Ok(no(
                "signals were taken, and no /proc showed it: there the world `local` looks",
            ));
        }
        Ok(yes(
            "a process was stopped, continued and killed; /proc showed it",
        ))
    };
    look().unwrap_or_else(|found| found)
}

/// Whether the letter of a process in /proc becomes so within a moment.
fn state_becomes(pid: Pid, wanted: impl Fn(char) -> bool) -> bool {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        let Ok(text) = fs::read_to_string(&path) else {
            return false;
        };
        let state = text
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next());
        if state.is_some_and(&wanted) {
            return true;
        }
        thread::sleep(Duration::from_millis(2));
    }
    false
}

fn ptrace(_: &Path) -> Found {
    let look = || -> Result<Found, Found> {
        if !Path::new("/proc/self/mem").exists() {
            return Ok(no("there is no /proc/PID/mem on this system"));
        }
        let sleeper = sleeper()?;
        let pid = sleeper.pid().ok_or_else(|| unknown("no process id"))?;
        let path = format!("/proc/{}/mem", pid.as_raw_nonzero());
        let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
        let scope = scope.map_or("no yama".to_owned(), |text| {
            format!("ptrace_scope {}", text.trim())
        });
        let opened = fs::OpenOptions::new().write(true).open(path);
        Ok(match opened {
            Ok(_) => yes(format!(
                "the memory of an own process can be written ({scope}, {})",
                std::env::consts::ARCH
            )),
            Err(error) => no(format!("{error} ({scope})")),
        })
    };
    look().unwrap_or_else(|found| found)
}

fn cores(_: &Path) -> Found {
    match thread::available_parallelism() {
        Ok(count) => is_so(count.get() > 1, count.to_string()),
        Err(error) => unknown(error.to_string()),
    }
}

fn files(_: &Path) -> Found {
    const ENOUGH: u64 = 1024;
    let limit = getrlimit(Resource::Nofile);
    let text = |limit: Option<u64>| limit.map_or("no limit".to_owned(), |limit| limit.to_string());
    is_so(
        limit.current.is_none_or(|current| current >= ENOUGH),
        format!(
            "{}, which can be raised to {}",
            text(limit.current),
            text(limit.maximum)
        ),
    )
}

fn ports(_: &Path) -> Found {
    const WANTED: usize = 20;
    const PATIENCE: Duration = Duration::from_millis(200);
    let look = || -> std::io::Result<()> {
        let listeners = (0..WANTED).map(|_| TcpListener::bind(("127.0.0.1", 0)));
        let listeners: Vec<TcpListener> = listeners.collect::<Result<_, _>>()?;
        for listener in &listeners {
            let mut there = TcpStream::connect_timeout(&listener.local_addr()?, PATIENCE)?;
            let (mut here, _) = listener.accept()?;
            here.set_read_timeout(Some(PATIENCE))?;
            there.write_all(b"?")?;
            here.read_exact(&mut [0])?;
        }
        Ok(())
    };
    match look() {
        Ok(()) => yes(format!("{WANTED} free ports, all answered")),
        Err(error) => no(error.to_string()),
    }
}

fn sync(own: &Path) -> Found {
    const ROUNDS: usize = 200;
    const TIME: Duration = Duration::from_millis(900);
    let look = || -> std::io::Result<Vec<Duration>> {
        let mut file = fs::File::create(own.join("sync"))?;
        let start = Instant::now();
        let mut times = Vec::new();
        while times.len() < ROUNDS && start.elapsed() < TIME {
            let begin = Instant::now();
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        Ok(times)
    };
    match look() {
        Ok(times) => {
            let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
            yes(format!(
                "4 KiB synced in p50 {:.2} ms, p99 {:.2} ms ({} times)",
                at(50),
                at(99),
                times.len()
            ))
        }
        Err(error) => no(format!("{}: {error}", own.display())),
    }
}

fn space(own: &Path) -> Found {
    const ENOUGH: u64 = 256 << 20;
    match rustix::fs::statvfs(own) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            is_so(
                free >= ENOUGH,
                format!("{:.1} GiB free", free as f64 / f64::from(1 << 30)),
            )
        }
        Err(error) => unknown(error.to_string()),
    }
}

fn fuse(_: &Path) -> Found {
    let opened = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/fuse");
    match opened {
        Ok(_) if is_root() || find("fusermount3").is_some() => yes("/dev/fuse can be opened"),
        Ok(_) => no("/dev/fuse can be opened, and there is no `fusermount3` to mount by"),
        Err(error) => no(format!("/dev/fuse: {error}")),
    }
}

fn clocks(_: &Path) -> Found {
    let resolution = |id| {
        let step = clock_getres(id);
        Duration::new(step.tv_sec.unsigned_abs(), step.tv_nsec as u32)
    };
    let (monotonic, wall) = (
        resolution(ClockId::Monotonic),
        resolution(ClockId::Realtime),
    );
    // A clock may claim more than it does.
    let seen = smallest(|| {
        let begin = Instant::now();
        begin.elapsed()
    });
    let told = SystemTime::now();
    let wall_seen = smallest(|| told.elapsed().unwrap_or_default());
    let text = |step: Option<Duration>| step.map_or("none".to_owned(), |step| format!("{step:?}"));
    is_so(
        monotonic.max(wall) <= Duration::from_millis(1),
        format!(
            "monotonic {monotonic:?} (seen {}), wall {wall:?} (seen {})",
            text(seen),
            text(wall_seen)
        ),
    )
}

/// The smallest step other than none between two looks.
fn smallest(look: impl Fn() -> Duration) -> Option<Duration> {
    let mut last = look();
    let mut steps: Vec<Duration> = Vec::new();
    for _ in 0..10_000 {
        let next = look();
        steps.push(next.abs_diff(last));
        last = next;
    }
    steps.into_iter().filter(|step| !step.is_zero()).min()
}

fn users(_: &Path) -> Found {
    unshared(&["-U", "-r"], &["true"])
}

fn nets(_: &Path) -> Found {
    unshared(own_network(), &["true"])
}

/// How to get a network namespace: root needs no user namespace for it.
fn own_network() -> &'static [&'static str] {
    if is_root() {
        &["-n"]
    } else {
        &["-U", "-r", "-n"]
    }
}

fn unshared(kinds: &[&str], command: &[&str]) -> Found {
    if !cfg!(target_os = "linux") {
        return no("only Linux has namespaces");
    }
    let Some(unshare) = find("unshare") else {
        return no("there is no `unshare` (util-linux)");
    };
    let arguments: Vec<&str> = kinds.iter().chain(command).copied().collect();
    let line = format!("unshare {}", arguments.join(" "));
    match run(&unshare, &arguments) {
        Ok(said) if said.is_success => yes(format!("`{line}` worked")),
        Ok(said) => no(format!("`{line}`: {}", said.first_line())),
        Err(why) => unknown(format!("`{line}`: {why}")),
    }
}

/// Whether a program does its work in a network namespace that nobody else is in.
fn in_namespace(name: &str, arguments: &[&str]) -> Found {
    let Some(program) = find(name) else {
        return no(format!("there is no `{name}`"));
    };
    let path = program.to_string_lossy().into_owned();
    let command: Vec<&str> = std::iter::once(path.as_str())
        .chain(arguments.iter().copied())
        .collect();
    let found = unshared(own_network(), &command);
    match found.answer {
        Answer::Yes => yes(format!("{path} works in a network namespace")),
        _ => found,
    }
}

fn ssh(_: &Path) -> Found {
    let Some(program) = find("ssh") else {
        return no("there is no `ssh`");
    };
    match run(&program, &["-V"]) {
        Ok(said) if said.is_success => yes(said.first_line()),
        Ok(said) => no(said.first_line()),
        Err(why) => unknown(why),
    }
}

fn sshd(_: &Path) -> Found {
    let found: Option<PathBuf> = find("sshd");
    found.map_or_else(
        || no("there is no `sshd`"),
        |path| yes(path.display().to_string()),
    )
}
