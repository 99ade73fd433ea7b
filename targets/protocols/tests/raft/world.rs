//! A simulated cluster with clients and a nemesis that do what a seed says, and the judgement of what came of it.
//!
//! Clients add to one set, read it, and add to counters with retries. From that alone follows: what was
//! acknowledged, or read, before a read began must be in it (linearizability of a set that only grows); at the
//! end all that was acknowledged is there; and no retried addition counts twice.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rupture_protocols::Reply;
use rupture_protocols::raft::{Admin, Call, Config, Raft, ReadMode, Record};
use rupture_protocols::random::{Stream, stream};
use rupture_protocols::sim::{Keep, Latency, LinkFault, Outside, Sim, SimOptions, Status};
use rupture_protocols::store::{Command, Datum, Request, Response};

use crate::invariants::Invariants;

const MS: u64 = 1_000_000;
const CLIENTS: u32 = 9;
/// So many of them only read, so that they do not wait for writes where no majority is.
const READERS: u32 = 4;
/// The client that changes the cluster.
const ADMIN: u32 = 1_000;
/// The first of the clients that read at the end.
const FINAL: u32 = 2_000;
/// The alarm of the nemesis; those of clients are their numbers, and above 32 bits which of their alarms it is.
const NEMESIS: u64 = 1_000_000;
const NOWHERE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: u32,
    pub(crate) config: Config,
    pub(crate) options: SimOptions,
    pub(crate) faulty_ns: u64,
    /// Clocks drift by at most this.
    pub(crate) drift_ppm: u64,
    pub(crate) changes_members: bool,
    /// From one act of the nemesis to the next passes up to this.
    pub(crate) calm_ns: u64,
}

impl Plan {
    /// What this seed makes of a cluster.
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = stream(seed, "plan");
        let nodes = 1 + below(&mut random, 9) as u32;
        let drift_ppm = 100_000;
        let config = Config {
            batch_entries: 4 + below(&mut random, 40) as usize,
            snapshot_threshold: 5 + below(&mut random, 150),
            snapshot_trailing: below(&mut random, 30),
            reads: [ReadMode::ReadIndex, ReadMode::Lease][below(&mut random, 2) as usize],
            lease_drift_ppm: drift_ppm as u32,
            ..Config::for_nodes(nodes)
        };
        let options = SimOptions {
            loss_ppm: below(&mut random, 30_000) as u32,
            duplicate_ppm: below(&mut random, 30_000) as u32,
            reorder_ppm: below(&mut random, 30_000) as u32,
            effect_cost_ns: below(&mut random, 2) * 2_000,
            latency: Latency::new(200_000, 500_000 + below(&mut random, 5 * MS), 50 * MS),
            sync: Latency::new(300_000, 400_000 + below(&mut random, 5 * MS), 50 * MS),
            ..SimOptions::default()
        };
        Self {
            nodes,
            config,
            options,
            faulty_ns: 4_000 * MS,
            drift_ppm,
            changes_members: below(&mut random, 2) == 0,
            calm_ns: [320 * MS, 80 * MS][below(&mut random, 2) as usize],
        }
    }
}

/// Where a client is.
#[derive(Debug, Default)]
struct Client {
    /// The open call, and when it began.
    open: Option<u64>,
    wants: Want,
    target: u32,
    /// How much was known when the operation began.
    known: usize,
    /// Counts its alarms: only the last one is heard.
    alarms: u64,
}

#[derive(Clone, Debug, Default)]
enum Want {
    #[default]
    Nothing,
    Add(i64),
    Read,
    /// Add to a counter of its own; the number of attempts so far.
    Count(i64, u32),
}

pub(crate) struct World {
    plan: Plan,
    sim: Sim<Raft>,
    random: Stream,
    clients: BTreeMap<u32, Client>,
    calls: u64,
    operations: i64,
    /// What must be in every read that begins now.
    known: Vec<i64>,
    known_set: BTreeSet<i64>,
    /// Counters that were acknowledged.
    counted: BTreeSet<i64>,
    counters: Vec<i64>,
    pub(crate) invariants: Invariants,
    pub(crate) wrong: Vec<String>,
    pub(crate) acknowledged: usize,
    pub(crate) reads: usize,
    /// Whether to print what happens.
    pub(crate) trace: bool,
}

impl World {
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        let config = plan.config.clone();
        let make = move |_| Raft::new(config.clone());
        let mut world = Self {
            sim: Sim::new(plan.options.clone(), seed, plan.nodes, make),
            random: stream(seed, "world"),
            plan,
            clients: BTreeMap::new(),
            calls: 0,
            operations: 0,
            known: Vec::new(),
            known_set: BTreeSet::new(),
            counted: BTreeSet::new(),
            counters: Vec::new(),
            invariants: Invariants::default(),
            wrong: Vec::new(),
            acknowledged: 0,
            reads: 0,
            trace: false,
        };
        for client in 0..CLIENTS {
            world.clients.insert(client, Client::default());
            world.sim.alarm(u64::from(client), 0);
        }
        world.sim.alarm(NEMESIS, 500 * MS);
        world
    }

    /// Runs, heals, and judges.
    pub(crate) fn run(&mut self) {
        self.run_until(self.plan.faulty_ns);
        self.heal();
        self.clients.clear();
        self.run_until(self.sim.now_ns() + 3_000 * MS);
        self.final_read();
        self.run_until(self.sim.now_ns() + 2_000 * MS);
        self.judge_end();
        self.wrong.append(&mut self.invariants.violations);
    }

    fn run_until(&mut self, limit_ns: u64) {
        while let Some(outside) = self.sim.advance(limit_ns) {
            self.hear(outside);
        }
    }

    fn hear(&mut self, outside: Outside<Raft>) {
        if self.trace {
            println!("{} {outside:?}", self.sim.now_ns());
        }
        match outside {
            Outside::Event { node, event, .. } => self.invariants.note(node, &event),
            Outside::Alarm { token: NEMESIS } => self.strike(),
            Outside::Alarm { token } => self.wake_client(token as u32, token >> 32),
            Outside::Reply {
                client, id, reply, ..
            } => self.answered(client, id, Some(reply)),
            Outside::Refused { client, id, .. } | Outside::Broken { client, id, .. } => {
                self.answered(client, id, None);
            }
            Outside::Crashed { .. } | Outside::Busy => {}
            Outside::Storm(storm) => self.wrong.push(format!("{storm:?}")),
        }
    }

    /// A client whose call is open gives it up after a while; one that is free begins something.
    fn wake_client(&mut self, number: u32, alarm: u64) {
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        if client.alarms != alarm {
            return;
        }
        client.open = None;
        if !matches!(client.wants, Want::Count(_, tried) if tried < 5) {
            self.operations += 1;
            let operation = self.operations;
            client.known = self.known.len();
            client.wants = match below(&mut self.random, 5) {
                _ if number < READERS => Want::Read,
                0 | 1 => Want::Read,
                2 => Want::Count(operation, 0),
                _ => Want::Add(operation),
            };
            if matches!(client.wants, Want::Count(..)) {
                self.counters.push(operation);
            }
        }
        self.ask(number);
    }

    fn ask(&mut self, number: u32) {
        let nodes = u64::from(self.sim.nodes());
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        if client.target >= nodes as u32 || below(&mut self.random, 10) == 0 {
            client.target = below(&mut self.random, nodes) as u32;
        }
        let (command, key) = match &mut client.wants {
            Want::Nothing => return,
            Want::Add(it) => (Command::SetAdd(Datum::Nil, Datum::Int(*it)), *it),
            Want::Read => (Command::SetRead(Datum::Nil), self.operations),
            Want::Count(it, tried) => {
                *tried += 1;
                (Command::Add(Datum::Int(*it), 1), *it)
            }
        };
        self.calls += 1;
        client.open = Some(self.calls);
        let request = Request {
            idempotency_key: format!("{key}:{}", command.operation_type()),
            command,
        };
        let target = client.target;
        self.sim
            .call(number, target, self.calls, Call::Request(request));
        self.set_alarm(number, 1_500 * MS);
    }

    fn answered(&mut self, number: u32, id: u64, reply: Option<Reply>) {
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        if client.open != Some(id) {
            return;
        }
        client.open = None;
        match reply {
            Some(Reply::Ok(response)) => {
                let wants = std::mem::take(&mut client.wants);
                let known = client.known;
                self.succeeded(&wants, known, &response);
            }
            Some(Reply::Error { leader, .. }) => client.target = leader.unwrap_or(NOWHERE),
            None => client.target = NOWHERE,
        }
        let pause_ns = below(&mut self.random, 30 * MS);
        self.set_alarm(number, pause_ns);
    }

    /// Wakes a client later, and not before.
    fn set_alarm(&mut self, number: u32, after_ns: u64) {
        if let Some(client) = self.clients.get_mut(&number) {
            client.alarms += 1;
            let token = client.alarms << 32 | u64::from(number);
            self.sim.alarm(token, self.sim.now_ns() + after_ns);
        }
    }

    fn succeeded(&mut self, wants: &Want, known: usize, response: &Response) {
        match (wants, response) {
            (Want::Add(it), _) => {
                self.acknowledged += 1;
                self.know(*it);
            }
            (Want::Read, Response::Value(Datum::List(elements))) => {
                self.reads += 1;
                self.judge_read(known, elements);
            }
            (Want::Count(it, _), _) => {
                self.counted.insert(*it);
            }
            _ => self
                .wrong
                .push(format!("{wants:?} was answered by {response:?}")),
        }
    }

    fn know(&mut self, element: i64) {
        if self.known_set.insert(element) {
            self.known.push(element);
        }
    }

    fn judge_read(&mut self, known: usize, elements: &[Datum]) {
        let found: BTreeSet<i64> = elements.iter().filter_map(integer).collect();
        let missing = self.known[..known].iter().find(|it| !found.contains(it));
        if let Some(missing) = missing {
            self.wrong.push(format!("stale read: {missing} is missing"));
        }
        for element in found {
            self.know(element);
        }
    }

    /// Everybody runs and hears everybody.
    fn heal(&mut self) {
        self.sim.mend_all();
        for node in 0..self.sim.nodes() {
            self.sim.cancel_crash(node);
            self.sim.resume(node);
            self.sim.start(node);
            self.sim.set_drift(node, 0);
        }
        self.plan.faulty_ns = 0;
    }

    fn final_read(&mut self) {
        let known = self.known.len();
        let reads = self.reads;
        for attempt in 0..100 {
            let client = Client {
                wants: Want::Read,
                known,
                target: attempt % self.sim.nodes(),
                ..Client::default()
            };
            // Each attempt is another client's, so that no alarm of an earlier one disturbs it.
            let number = FINAL + attempt;
            self.clients.insert(number, client);
            self.ask(number);
            let open = self.clients[&number].open;
            while self.clients[&number].open == open {
                let Some(outside) = self.sim.advance(self.sim.now_ns() + 1_500 * MS) else {
                    break;
                };
                self.hear(outside);
            }
            self.clients.clear();
            if self.reads > reads {
                return;
            }
        }
        self.wrong.push("nobody answers at the end".to_owned());
    }

    fn judge_end(&mut self) {
        let counters = *self.sim.counters();
        if counters.stray_replies > 0 {
            self.wrong.push(format!(
                "{} calls were answered twice",
                counters.stray_replies
            ));
        }
        let ended = counters.replies + counters.refused + counters.broken;
        if counters.calls != ended {
            self.wrong
                .push(format!("{} calls, {ended} ends", counters.calls));
        }
        (0..self.sim.nodes()).for_each(|node| self.judge_disk(node));
        let Some(leader) = self.leader() else {
            return self.wrong.push("nobody leads at the end".to_owned());
        };
        let Some(node) = self.sim.node(leader) else {
            return;
        };
        let (store, committed) = (node.store().clone(), node.committed());
        for &counter in &self.counters {
            let count = store.read(&Command::Count(Datum::Int(counter)));
            let least = i64::from(self.counted.contains(&counter));
            if !matches!(count, Response::Value(Datum::Int(it)) if (least..=1).contains(&it)) {
                self.wrong
                    .push(format!("counter {counter} is {count:?}, at least {least}"));
            }
        }
        for &member in node.members() {
            let follower = self.sim.node(member);
            if follower.is_none_or(|it| it.committed() != committed || *it.store() != store) {
                self.wrong
                    .push(format!("n{member} is not like the leader at the end"));
            }
        }
    }

    /// What stands on a disk can be written and read, and the log's own time never goes back.
    fn judge_disk(&mut self, node: u32) {
        let records = self.sim.records(node);
        let text = serde_json::to_string(records).expect("records can be written");
        let back: Vec<Record> = serde_json::from_str(&text).expect("records can be read");
        let mut times = BTreeMap::new();
        for record in records {
            match record {
                Record::Append(entries) => {
                    times.extend(entries.iter().map(|it| (it.index, it.at_ns)));
                }
                Record::Truncate { from } => drop(times.split_off(from)),
                Record::State { .. } | Record::Snapshot { .. } => {}
            }
        }
        if back != records {
            self.wrong.push(format!(
                "the records of n{node} change when written and read"
            ));
        }
        if !times.values().is_sorted() {
            self.wrong
                .push(format!("the time of the log of n{node} goes back"));
        }
    }

    /// The leader of the highest term.
    fn leader(&self) -> Option<u32> {
        let leads = |node: &u32| self.sim.node(*node).is_some_and(Raft::is_leader);
        let term = |node: &u32| self.sim.node(*node).map(Raft::term);
        (0..self.sim.nodes()).filter(leads).max_by_key(term)
    }
}

/// The nemesis.
impl World {
    fn strike(&mut self) {
        if self.plan.faulty_ns == 0 {
            return;
        }
        let nodes = self.sim.nodes();
        let node = below(&mut self.random, u64::from(nodes)) as u32;
        let node = if below(&mut self.random, 3) == 0 {
            self.leader().unwrap_or(node)
        } else {
            node
        };
        match below(&mut self.random, 14) {
            0 | 1 => self.split(),
            2 => self.cut_some(node),
            3 => self.sim.mend_all(),
            4 => {
                let keep = self.keep();
                self.sim.crash(node, keep);
            }
            5 | 6 => {
                let (keep, effects) = (self.keep(), 1 + below(&mut self.random, 25) as u32);
                let by_ns = self.sim.now_ns() + 200 * MS;
                self.sim.crash_amid(node, keep, effects, by_ns);
            }
            7 => self.freeze(node),
            8 => self.drift(node),
            9 => self.spoil(node),
            10 => self.admin(node, Admin::TransferTo(node)),
            11 if self.plan.changes_members => self.change_members(node),
            12 => self.revive(),
            _ => {
                self.sim.mend_all();
                self.revive();
            }
        }
        let pause_ns = 5 * MS + below(&mut self.random, self.plan.calm_ns);
        self.sim.alarm(NEMESIS, self.sim.now_ns() + pause_ns);
    }

    fn keep(&mut self) -> Keep {
        [Keep::Written, Keep::Synced, Keep::Torn][below(&mut self.random, 3) as usize]
    }

    fn revive(&mut self) {
        for node in 0..self.sim.nodes() {
            self.sim.resume(node);
            self.sim.start(node);
        }
    }

    fn split(&mut self) {
        self.sim.mend_all();
        let side = self.random.next_u64();
        for from in 0..self.sim.nodes() {
            for to in 0..self.sim.nodes() {
                if from != to && (side >> from & 1) != (side >> to & 1) {
                    self.sim.cut(from, to);
                }
            }
        }
    }

    fn cut_some(&mut self, node: u32) {
        for other in 0..self.sim.nodes() {
            match below(&mut self.random, 4) {
                0 => self.sim.cut(node, other),
                1 => self.sim.cut(other, node),
                _ => false,
            };
        }
    }

    fn freeze(&mut self, node: u32) {
        if self.sim.status(node) == Status::Paused {
            self.sim.resume(node);
        } else {
            self.sim.pause(node);
        }
    }

    fn drift(&mut self, node: u32) {
        let range = self.plan.drift_ppm;
        let ppm = below(&mut self.random, 2 * range + 1) as i64 - range as i64;
        self.sim.set_drift(node, ppm);
        let jump = below(&mut self.random, 7_200_000 * MS) as i64 - 3_600_000 * MS as i64;
        self.sim.bump_clock(node, jump);
    }

    fn spoil(&mut self, node: u32) {
        let fault = LinkFault {
            delay_ns: below(&mut self.random, 200 * MS),
            jitter_ns: below(&mut self.random, 100 * MS),
            loss_ppm: below(&mut self.random, 300_000) as u32,
            duplicate_ppm: below(&mut self.random, 300_000) as u32,
            reorder_ppm: below(&mut self.random, 300_000) as u32,
        };
        for other in 0..self.sim.nodes() {
            if other != node {
                *self.sim.link(node, other) = fault;
            }
        }
    }

    fn change_members(&mut self, node: u32) {
        if below(&mut self.random, 2) == 0 {
            self.admin(node, Admin::RemoveNode(node));
        } else if self.sim.nodes() < 12 {
            let added = self.sim.add_node();
            self.admin(node, Admin::AddNode(added));
        } else {
            // Once more somebody who is, was, or will be a member.
            self.admin(node, Admin::AddNode(node));
        }
    }

    /// Asks the leader, or if there is none a node.
    fn admin(&mut self, node: u32, admin: Admin) {
        self.calls += 1;
        let target = self.leader().unwrap_or(node);
        self.sim.call(ADMIN, target, self.calls, Call::Admin(admin));
    }
}

fn integer(datum: &Datum) -> Option<i64> {
    match datum {
        Datum::Int(it) => Some(*it),
        _ => None,
    }
}

/// A number below `limit`, which is at least 1.
pub(crate) fn below(random: &mut Stream, limit: u64) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(limit)) >> 64) as u64
}
