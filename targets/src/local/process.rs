//! One process of a node: started, heard, signalled, and watched until it ends.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rupture_history::observation::Observation;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::proc::{self, Life};
use super::undo::VARIABLE;
use crate::node::NodeOptions;
use crate::node::control::{Answer, Order};
use crate::protocol::Members;
use crate::{DiskFault, Status};

/// How many of its last lines are kept, for people who ask why it ended.
const TAIL: usize = 12;
/// The longest line that is kept of a log.
const LONGEST_LINE: u64 = 1 << 20;
/// Who stands still does not answer within this time.
const STANDS_STILL: Duration = Duration::from_millis(10);
/// How long a process may take to be gone after it was killed.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// What the rest of the world hears of a process, from threads of its own.
pub(super) trait Listener: Send + Sync + 'static {
    /// A line of its log.
    fn line(&self, node: u32, line: &str);
    /// The members have changed.
    fn members(&self, node: u32, members: Members);
    /// Something for the judge of its invariants.
    fn observed(&self, observation: Observation);
    /// It ended without having been killed by us.
    fn died(&self, node: u32, how: &str, tail: Vec<String>);
}

/// What a node reads of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// The true moment.
    pub(super) at_ns: u64,
    /// What its wall clock showed.
    pub(super) wall_ns: u64,
    /// What its disk does wrong.
    pub(super) disk: DiskFault,
}

/// What was heard of a process so far.
#[derive(Default)]
struct Told {
    ready: Option<(SocketAddr, SocketAddr)>,
    leads: bool,
    /// The last reading: of which order, and what.
    read: Option<(u64, Reading)>,
    /// The probes that have arrived.
    probed: BTreeSet<(u32, u64)>,
    failed: Option<String>,
    tail: VecDeque<String>,
    /// Whether it is to end: then nobody is surprised.
    is_doomed: bool,
    /// How it ended.
    ended: Option<String>,
}

/// What was heard, and who waits to hear more.
#[derive(Default)]
struct Heard {
    told: Mutex<Told>,
    changed: Condvar,
}

impl Heard {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told());
        self.changed.notify_all();
    }

    /// Waits until something has been heard; `None` when it was not in time, or never will be.
    fn wait<T>(&self, most: Duration, mut seen: impl FnMut(&Told) -> Option<T>) -> Option<T> {
        let until = Instant::now() + most;
        let mut told = self.told();
        loop {
            if let Some(it) = seen(&told) {
                return Some(it);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || told.ended.is_some() {
                return None;
            }
            let woken = self.changed.wait_timeout(told, left);
            told = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A process of a node. Dropping it kills it.
pub(super) struct Process {
    pid: Pid,
    started: u64,
    /// What a thread of its own writes: a process that stands still reads nothing, and whoever orders must not wait for it.
    orders: Sender<Vec<u8>>,
    heard: Arc<Heard>,
    nonce: u64,
}

impl Process {
    /// Starts a node. It is not ready yet, and nobody is surprised when it ends before: whoever waits for it hears why.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(super) fn launch(
        program: &Path,
        mark: &str,
        options: &NodeOptions,
        listener: Arc<impl Listener>,
    ) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(["node", "--controlled"])
            .env(VARIABLE, mark)
            // What a terminal sends to its foreground is for the controller.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(pipe), Some(answers), Some(log)) = pipes else {
            return Err(io::Error::other("a pipe is missing"));
        };
        let pid = Pid::from_child(&child);
        let started = proc::look(child.id())?.map_or(0, |seen| seen.started);
        let mut first = serde_json::to_string(options)?;
        first.push('\n');
        let (orders, given) = channel();
        // What it says when it does not even take this is heard below.
        let _ = orders.send(first.into_bytes());
        let heard = Arc::new(Heard::default());
        heard.told().is_doomed = true;
        let process = Self {
            pid,
            started,
            orders,
            heard: heard.clone(),
            nonce: 0,
        };
        let node = options.id;
        spawn("orders", move || give_orders(pipe, &given))?;
        let hears = (heard.clone(), listener.clone());
        spawn("answers", move || {
            hear_answers(node, answers, &hears.0, &*hears.1);
        })?;
        let (hears, told) = (heard.clone(), listener.clone());
        let log = spawn("log", move || hear_log(node, log, &hears, &*told))?;
        spawn("end", move || watch(node, child, log, &heard, &*listener))?;
        Ok(process)
    }

    /// Waits until it listens, and says where clients and peers find it.
    ///
    /// # Errors
    /// Why it does not, with its last words.
    pub(super) fn ready(&self, most: Duration) -> Result<(SocketAddr, SocketAddr), String> {
        let ready = self.heard.wait(most, |told| told.ready);
        ready.ok_or_else(|| {
            let told = self.heard.told();
            let what = match (&told.ended, &told.failed) {
                (_, Some(reason)) => reason.clone(),
                (Some(how), None) => format!("its process {how}"),
                (None, None) => format!("it did not listen within {} s", most.as_secs()),
            };
            match told.tail.back() {
                Some(line) if told.failed.is_none() => format!("{what}; its last line: {line}"),
                _ => what,
            }
        })
    }

    /// Its number, and when it started.
    pub(super) fn identity(&self) -> (u32, u64) {
        (self.pid.as_raw_pid() as u32, self.started)
    }

    /// Probe: what the machine says that it does. One that stands still must not answer either.
    pub(super) fn status(&mut self) -> Status {
        let (pid, started) = self.identity();
        match proc::look(pid) {
            Ok(Some(seen)) if seen.started == started => match seen.life {
                Life::Running => Status::Running,
                Life::Paused if self.read(STANDS_STILL).is_some() => Status::Running,
                Life::Paused => Status::Paused,
                Life::Dead => self.await_end(),
            },
            Ok(_) => self.await_end(),
            // Who cannot be looked at is not taken for dead.
            Err(_) if self.has_ended() => Status::Stopped,
            Err(_) => Status::Running,
        }
    }

    /// The machine says that it has ended: waits until everybody knows it, its last words among them.
    fn await_end(&self) -> Status {
        let _ = self.heard.wait(GONE_WITHIN, |told| told.ended.clone());
        Status::Stopped
    }

    /// Whether it is known to have ended.
    pub(super) fn has_ended(&self) -> bool {
        self.heard.told().ended.is_some()
    }

    /// Whether it believes to lead, as far as it has said.
    pub(super) fn leads(&self) -> bool {
        let told = self.heard.told();
        told.leads && told.ended.is_none()
    }

    /// Gives it an order.
    pub(super) fn order(&mut self, order: &Order) -> io::Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        let sent = self.orders.send(line);
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    /// Probe: what it reads of its clock and disk; `None` when it does not answer.
    pub(super) fn read(&mut self, most: Duration) -> Option<Reading> {
        self.nonce += 1;
        let nonce = self.nonce;
        self.order(&Order::Read { nonce }).ok()?;
        self.heard.wait(most, |told| {
            let (of, reading) = told.read?;
            (of == nonce).then_some(reading)
        })
    }

    /// Probe: whether a frame with this number has come from a peer.
    pub(super) fn was_probed(&self, from: u32, nonce: u64, most: Duration) -> bool {
        let came = self.heard.wait(most, |told| {
            told.probed.contains(&(from, nonce)).then_some(())
        });
        came.is_some()
    }

    /// From now on nobody is surprised when it ends, or somebody is again.
    pub(super) fn doom(&self, is_doomed: bool) {
        self.heard.note(|told| told.is_doomed = is_doomed);
    }

    /// Sends a signal, unless it has ended: its number may be another's then.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let told = self.heard.told();
        if told.ended.is_some() {
            return Ok(());
        }
        Ok(kill_process(self.pid, signal)?)
    }

    /// Kills it, and waits until it is gone.
    ///
    /// # Errors
    /// When it is not gone in time.
    pub(super) fn kill(&self) -> io::Result<()> {
        self.doom(true);
        self.signal(Signal::KILL)?;
        let gone = self.heard.wait(GONE_WITHIN, |told| told.ended.clone());
        match gone {
            Some(_) => Ok(()),
            None if self.has_ended() => Ok(()),
            None => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "it was killed and is still there after 5 s",
            )),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.doom(true);
        let _ = self.signal(Signal::KILL);
    }
}

fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
}

fn give_orders(mut pipe: ChildStdin, given: &Receiver<Vec<u8>>) {
    while let Ok(line) = given.recv() {
        if pipe.write_all(&line).is_err() {
            break;
        }
    }
}

fn hear_answers(node: u32, answers: impl Read, heard: &Heard, listener: &impl Listener) {
    for line in BufReader::new(answers).lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str::<Answer>(&line) {
            Ok(Answer::Ready { clients, peers }) => {
                heard.note(|told| told.ready = Some((clients, peers)));
            }
            Ok(Answer::Read {
                nonce,
                at_ns,
                wall_ns,
                disk,
                ..
            }) => {
                let reading = Reading {
                    at_ns,
                    wall_ns,
                    disk,
                };
                heard.note(|told| told.read = Some((nonce, reading)));
            }
            Ok(Answer::Probed { from, nonce }) => heard.note(|told| {
                told.probed.insert((from, nonce));
                // Nobody asks for those of long ago.
                while told.probed.len() > 1024 {
                    told.probed.pop_first();
                }
            }),
            Ok(Answer::Leads(leads)) => heard.note(|told| told.leads = leads),
            Ok(Answer::Members(members)) => listener.members(node, members),
            Ok(Answer::Observed(observation)) => listener.observed(observation),
            Ok(Answer::Failed { reason }) => heard.note(|told| told.failed = Some(reason)),
            // What is no answer is for people.
            Err(_) => listener.line(node, &line),
        }
    }
}

fn hear_log(node: u32, log: impl Read, heard: &Heard, listener: &impl Listener) {
    let mut log = BufReader::with_capacity(1 << 16, log);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match log
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut bytes)
        {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end_matches('\n');
        {
            let mut told = heard.told();
            if told.tail.len() == TAIL {
                told.tail.pop_front();
            }
            told.tail.push_back(line.to_owned());
        }
        listener.line(node, line);
    }
}

/// Waits for the end of a process. Its number stays taken until everybody knows that it has ended.
fn watch(
    node: u32,
    mut child: Child,
    log: std::thread::JoinHandle<()>,
    heard: &Heard,
    listener: &impl Listener,
) {
    let pid = Pid::from_child(&child);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(
        waitid(WaitId::Pid(pid), options),
        Err(rustix::io::Errno::INTR)
    ) {}
    // Its last words come before its end.
    let _ = log.join();
    let (how, is_doomed, tail) = {
        let mut told = heard.told();
        let how = match child.wait() {
            Ok(status) => format!("ended with {status}"),
            Err(error) => format!("ended ({error})"),
        };
        told.ended = Some(how.clone());
        let how = told
            .failed
            .clone()
            .map_or(how.clone(), |why| format!("{how}: {why}"));
        (how, told.is_doomed, told.tail.iter().cloned().collect())
    };
    heard.changed.notify_all();
    if !is_doomed {
        listener.died(node, &how, tail);
    }
}
