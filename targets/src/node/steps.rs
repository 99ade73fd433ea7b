//! The steps of a node: one thread that takes inputs and performs effects.
//!
//! Inputs that wait are taken in turns of several, and one sync serves all of a turn. What a turn saves before its last sync
//! goes to the disk first. Then leaves what the node wanted sent before the first sync of the turn, so that peers write
//! while this disk does: a leader's entries wait for no disk but those of the followers. Then comes the sync, and
//! behind it all the rest, in its order: nothing leaves before a sync that it waits for. To everybody outside that is a step
//! after another on a disk that is a little slow: a crash between two effects leaves more on the disk and less on its way
//! than it might have, which a loss of messages leaves too.

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use rupture_protocols::random::{Stream, stream};
use rupture_protocols::{
    self as protocols, Context, Effect, ErrorCode, Node, NodeId, Reply, call_id,
};
use rustc_hash::FxHashMap;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::api;
use super::clock::{NodeClock, monotonic_ns};
use super::complain::complain;
use super::control::{Answer, Order};
use super::disk::Disk;
use super::inbox::{self, Call, Inbox, Input, Outbox};
use super::options::{NodeError, NodeOptions};
use super::peers::Peers;
use crate::NodeName;
use crate::protocol::Protocol;

/// A turn with so many effects takes no more inputs.
const EFFECTS: usize = 10_000;
/// How many inputs one turn takes.
const TURN: usize = 256;
/// How long a node sleeps at most; so often it looks whether it is to end.
const NAP: Duration = Duration::from_millis(100);
/// How many lines may wait to be written to a log that nobody reads fast enough.
const LINES: usize = 65_536;

type Message<P> = <<P as Protocol>::Node as Node>::Message;
type Record<P> = <<P as Protocol>::Node as Node>::Record;

/// Runs a node until it is told to end. A controller hears why it could not.
pub(crate) fn run<P: Protocol>(
    protocol: &P,
    options: &NodeOptions,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<(), NodeError> {
    let result = live(protocol, options, stop);
    if let (Err(error), Some(_)) = (&result, options.controller) {
        let failed = Answer::Failed {
            reason: error.to_string(),
        };
        if let Ok(line) = serde_json::to_string(&failed) {
            let _ = writeln!(io::stdout(), "{line}");
        }
    }
    result
}

fn live<P: Protocol>(
    protocol: &P,
    options: &NodeOptions,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<(), NodeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|reason| NodeError::Machine {
            action: "start a runtime",
            reason,
        })?;
    let listen = |address: SocketAddr, whom: &'static str| {
        let listener = runtime.block_on(TcpListener::bind(address));
        let bound = listener.and_then(|it| Ok((it.local_addr()?, it)));
        bound.map_err(|reason| NodeError::Listen {
            address,
            whom,
            reason,
        })
    };
    let (clients, client_listener) = listen(options.listen, "clients")?;
    let (peers, peer_listener) = listen(options.listen_peers, "peers")?;
    let (disk, records) = Disk::open(&options.data, options.disk)?;
    own(options)?;
    let (inbox, outbox) = inbox::inbox();
    let log = Log::begin()?;
    let mut steps = Steps::<P> {
        me: options.id,
        members: (0..options.target.nodes).collect(),
        node: protocol.node(options.id),
        random: stream(options.target.seed, &format!("node {}", options.id)),
        clock: options.clock,
        wake_ns: None,
        disk,
        peers: Peers::new(
            runtime.handle(),
            options.id,
            &options.token,
            peer_listener,
            inbox.clone(),
        ),
        calls: FxHashMap::default(),
        next_call: 0,
        effects: Vec::new(),
        taken: Vec::new(),
        effects_left: None,
        leads: false,
        logs: options.target.watch,
        is_controlled: options.controller.is_some(),
        words: Vec::new(),
        log,
    };
    for (peer, address) in &options.peers {
        steps.peers.find(*peer, *address);
    }
    if options.controller.is_some() {
        read_orders(inbox.clone())?;
    }
    // What the disk kept is taken in before anybody may ask.
    steps.step(protocols::Input::Start { records });
    steps.perform()?;
    if options.controller.is_none() {
        let name = NodeName::numbered(options.id);
        let line = serde_json::json!({
            "level": "info", "event": "listening", "node_id": name, "clients": clients, "peers": peers,
        });
        let _ = writeln!(io::stderr(), "{line}");
    }
    steps.say(&Answer::Ready { clients, peers });
    steps.speak();
    api::serve(
        runtime.handle(),
        P::NAME,
        &options.token,
        client_listener,
        inbox,
    );
    let result = steps.run(&outbox, stop);
    steps.log.end();
    runtime.shutdown_timeout(Duration::from_millis(200));
    result
}

/// Makes the folder this node's, or refuses one that is another's: a node that begins with what another has written would
/// take back what it promised.
fn own(options: &NodeOptions) -> Result<(), NodeError> {
    let path = options.data.join("node");
    let me = format!("{} {}\n", options.name, NodeName::numbered(options.id));
    let marked = match std::fs::read_to_string(&path) {
        Ok(owner) if owner == me => Ok(()),
        Ok(owner) => {
            return Err(NodeError::Another {
                folder: options.data.clone(),
                owner: owner.trim().to_owned(),
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::write(&path, me),
        Err(error) => Err(error),
    };
    marked.map_err(|reason| NodeError::Machine {
        action: "mark the folder of the node",
        reason,
    })
}

/// Hears the controller, on a thread of its own: whatever it orders goes into the inbox.
fn read_orders(inbox: Inbox) -> Result<(), NodeError> {
    let read = move || {
        for line in io::stdin().lines() {
            let Ok(line) = line else { break };
            match serde_json::from_str::<Order>(&line) {
                Ok(order) => inbox.insist(Input::Order(order)),
                Err(error) => complain(&format!("an order that cannot be read: {error}: {line}")),
            }
        }
        // The controller is gone.
        inbox.insist(Input::Stop);
    };
    std::thread::Builder::new()
        .name("orders".to_owned())
        .spawn(read)
        .map(drop)
        .map_err(|reason| NodeError::Machine {
            action: "start a thread",
            reason,
        })
}

struct Steps<P: Protocol> {
    me: NodeId,
    members: Vec<NodeId>,
    node: P::Node,
    random: Stream,
    clock: NodeClock,
    wake_ns: Option<u64>,
    disk: Disk<Record<P>>,
    peers: Peers,
    /// Who waits for the answer to which call. Never iterated.
    calls: FxHashMap<u64, oneshot::Sender<Reply>>,
    next_call: u64,
    /// What the steps of this turn want done.
    effects: Vec<Effect<P::Node>>,
    /// When the steps of this turn were taken: from which effect on, and the true moment.
    taken: Vec<(usize, u64)>,
    /// After so many effects the process is to be killed.
    effects_left: Option<u32>,
    leads: bool,
    logs: bool,
    is_controlled: bool,
    /// What the controller was not told yet.
    words: Vec<u8>,
    log: Log,
}

impl<P: Protocol> Steps<P> {
    fn run(&mut self, outbox: &Outbox, stop: &(dyn Fn() -> bool + Sync)) -> Result<(), NodeError> {
        loop {
            let Ok(first) = outbox.wait(self.nap()) else {
                return Ok(());
            };
            let mut next = first;
            let mut taken = 0;
            while let Some(input) = next.take() {
                if self.take(input) {
                    return self.perform();
                }
                taken += 1;
                if taken < TURN && self.effects.len() < EFFECTS {
                    next = outbox.waiting();
                }
            }
            if stop() {
                return self.perform();
            }
            let is_wake = |effect: &Effect<P::Node>| matches!(effect, Effect::WakeAt(_));
            if let Some(Effect::WakeAt(at_ns)) = self.effects.iter().rfind(|it| is_wake(it)) {
                // The last one counts, also before it is performed.
                self.wake_ns = Some(*at_ns);
            }
            let now_ns = self.clock.now_ns(monotonic_ns());
            if self.wake_ns.is_some_and(|at_ns| at_ns <= now_ns) {
                self.wake_ns = None;
                self.step(protocols::Input::Wake);
            }
            self.perform()?;
        }
    }

    fn nap(&self) -> Duration {
        let wait = |at_ns| Duration::from_nanos(self.clock.until_ns(monotonic_ns(), at_ns));
        self.wake_ns.map_or(NAP, wait).min(NAP)
    }

    /// Takes an input in. Whether it is the last one.
    fn take(&mut self, input: Input) -> bool {
        match input {
            Input::Message { from, bytes } => match rmp_serde::from_slice::<Message<P>>(&bytes) {
                Ok(message) => self.step(protocols::Input::Message { from, message }),
                Err(error) => complain(&format!("a message that cannot be read: {error}")),
            },
            Input::Call {
                client,
                call,
                answer,
            } => self.call(client, call, answer),
            Input::Metrics { answer } => {
                let name = NodeName::numbered(self.me);
                let _ = answer.send(P::metrics(&self.node, name.as_str()));
            }
            Input::Probed { from, nonce } => self.say(&Answer::Probed { from, nonce }),
            Input::Order(order) => self.obey(order),
            Input::Stop => return true,
        }
        false
    }

    fn call(&mut self, client: u32, call: Call, answer: oneshot::Sender<Reply>) {
        let call = match call {
            Call::Request(request) => Some(P::request(request)),
            Call::Change(change) => P::change(change),
        };
        let Some(call) = call else {
            let _ = answer.send(Reply::Error {
                code: ErrorCode::PermanentFailure,
                leader: None,
                maybe_executed: false,
            });
            return;
        };
        let id = call_id(client, self.next_call);
        self.next_call += 1;
        self.calls.insert(id, answer);
        self.step(protocols::Input::Call { id, call });
        // Those who gave up waiting are forgotten now and then.
        if self.next_call.is_multiple_of(4096) {
            self.calls.retain(|_, answer| !answer.is_closed());
        }
    }

    #[allow(clippy::needless_pass_by_value)] // An order is carried out once.
    fn obey(&mut self, order: Order) {
        match order {
            Order::Clock(clock) => self.clock = clock,
            Order::Peer { id, address } => self.peers.find(id, address),
            Order::Read { nonce } => {
                let at_ns = monotonic_ns();
                self.say(&Answer::Read {
                    nonce,
                    at_ns,
                    now_ns: self.clock.now_ns(at_ns),
                    wall_ns: self.clock.wall_ns(at_ns),
                    disk: self.disk.fault(),
                });
            }
            Order::Probe { to, nonce } => self.peers.probe(to, nonce),
            Order::DieAfter { effects } => self.effects_left = effects,
            Order::Disk(fault) => self.disk.misbehave(fault),
        }
    }

    /// Has the node take a step; what it wants is done by [`Steps::perform`].
    fn step(&mut self, input: protocols::Input<P::Node>) {
        let at_ns = monotonic_ns();
        self.taken.push((self.effects.len(), at_ns));
        let mut context = Context {
            id: self.me,
            nodes: &self.members,
            now_ns: self.clock.now_ns(at_ns),
            wall_ns: self.clock.wall_ns(at_ns),
            random: &mut self.random,
            effects: &mut self.effects,
        };
        self.node.step(input, &mut context);
    }

    /// Does what the steps of this turn want done.
    fn perform(&mut self) -> Result<(), NodeError> {
        let mut effects = std::mem::take(&mut self.effects);
        let syncs = |effect: &Effect<P::Node>| matches!(effect, Effect::Sync | Effect::Replace(_));
        let until = effects.iter().rposition(syncs).map_or(0, |last| last + 1);
        let first = effects.iter().position(syncs).unwrap_or(effects.len());
        // All goes to the disk that is before the last sync; what waits for none leaves while the disk is busy.
        for effect in &effects[..until] {
            match effect {
                Effect::Save(record) => {
                    self.spend();
                    self.disk.save(record)?;
                }
                Effect::Replace(records) => {
                    self.spend();
                    self.disk.replace(records)?;
                }
                _ => {}
            }
        }
        for (place, effect) in effects.drain(..).enumerate() {
            if place == first {
                self.spend();
                // The disk knows what is not durable yet: it may be of an earlier turn, or of an earlier process.
                self.disk.sync()?;
            }
            if matches!(effect, Effect::Send { .. } | Effect::Reply { .. }) {
                // What leaves may depend on what was saved, which survives a kill from here on.
                self.disk.flush()?;
                // And whoever judges knows what was promised before others do.
                self.speak();
            }
            match effect {
                Effect::Save(record) if place >= until => {
                    self.spend();
                    self.disk.save(&record)?;
                }
                Effect::Save(_) | Effect::Replace(_) | Effect::Sync => {}
                Effect::Send { to, message } => {
                    self.spend();
                    match rmp_serde::to_vec_named(&message) {
                        Ok(bytes) => self.peers.send(to, bytes),
                        Err(error) => {
                            complain(&format!("a message that cannot be written: {error}"));
                        }
                    }
                }
                Effect::Reply { id, reply } => {
                    self.spend();
                    if let Some(answer) = self.calls.remove(&id) {
                        let _ = answer.send(reply);
                    }
                }
                Effect::WakeAt(at_ns) => self.wake_ns = Some(at_ns),
                Effect::Emit(event) => self.tell(event, moment(&self.taken, place)),
            }
        }
        self.effects = effects;
        self.taken.clear();
        let leads = P::leads(&self.node);
        if leads != std::mem::replace(&mut self.leads, leads) {
            self.say(&Answer::Leads(leads));
        }
        self.speak();
        Ok(())
    }

    /// Tells what happened in the step that was taken at this true moment.
    fn tell(&mut self, event: <P::Node as Node>::Event, at_ns: u64) {
        if let Some(members) = P::members(&event) {
            self.say(&Answer::Members(members));
        }
        if self.logs
            && let Some(told) = P::told(event)
        {
            if let Some(observation) = told.observation(at_ns, self.me) {
                self.say(&Answer::Observed(observation));
            }
            self.log.line(told.line(self.me, self.clock.wall_ns(at_ns)));
        }
    }

    /// Counts an effect, and dies before it where that is ordered.
    fn spend(&mut self) {
        match &mut self.effects_left {
            Some(0) => {
                let _ = rustix::process::kill_process(
                    rustix::process::getpid(),
                    rustix::process::Signal::KILL,
                );
                // Nothing happens between the signal and the end.
                loop {
                    std::thread::park();
                }
            }
            Some(left) => *left -= 1,
            None => {}
        }
    }

    /// Has something to tell the controller, if there is one.
    fn say(&mut self, answer: &Answer) {
        if self.is_controlled && serde_json::to_writer(&mut self.words, answer).is_ok() {
            self.words.push(b'\n');
        }
    }

    /// Tells it.
    fn speak(&mut self) {
        if !self.words.is_empty() {
            let mut out = io::stdout().lock();
            // Without a controller the orders end too, and so does this process.
            let _ = out.write_all(&self.words).and_then(|()| out.flush());
            self.words.clear();
        }
    }
}

/// When the step was taken that wanted this effect.
fn moment(taken: &[(usize, u64)], effect: usize) -> u64 {
    let later = taken.partition_point(|(first, _)| *first <= effect);
    taken[..later]
        .last()
        .map_or_else(monotonic_ns, |(_, at_ns)| *at_ns)
}

/// The log of the node: a thread that writes lines, so that a reader who is slow does not stop the node.
struct Log {
    lines: Option<SyncSender<String>>,
    writer: Option<std::thread::JoinHandle<()>>,
    dropped: u64,
}

impl Log {
    fn begin() -> Result<Self, NodeError> {
        let (lines, received) = sync_channel::<String>(LINES);
        let write = move || {
            let mut out = io::BufWriter::new(io::stderr());
            while let Ok(line) = received.recv() {
                let mut failed = writeln!(out, "{line}").is_err();
                for line in received.try_iter().take(LINES) {
                    failed |= writeln!(out, "{line}").is_err();
                }
                if failed | out.flush().is_err() {
                    break;
                }
            }
        };
        let writer = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(write);
        let writer = writer.map_err(|reason| NodeError::Machine {
            action: "start a thread",
            reason,
        })?;
        Ok(Self {
            lines: Some(lines),
            writer: Some(writer),
            dropped: 0,
        })
    }

    fn line(&mut self, line: String) {
        let Some(lines) = &self.lines else { return };
        if let Err(TrySendError::Full(_)) = lines.try_send(line) {
            self.dropped += 1;
        }
    }

    /// Writes what is left.
    fn end(&mut self) {
        if self.dropped > 0 {
            complain(&format!(
                "{} lines were left out: nobody read them fast enough",
                self.dropped
            ));
        }
        self.lines = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}
