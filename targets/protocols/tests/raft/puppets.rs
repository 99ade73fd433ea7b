//! A cluster on strings: nothing moves but what a script says, message by message.
//!
//! A script is a text, one act a line (or between semicolons); nodes are numbers from 0:
//!
//! | act | meaning |
//! |---|---|
//! | `elect 4 by 2 3` | a second passes, node 4 times out, and the votes of 2 and 3 are asked and counted; all other messages are lost |
//! | `write 0 x` | a client asks node 0 to add `x` to a set |
//! | `read 0` | a client asks node 0 for that set |
//! | `beat 0 to 1 2` | node 0's heartbeat is due; messages pass between it and 1 and 2 until all is quiet |
//! | `wait 400` | milliseconds pass for everybody, and nobody notices |
//! | `wake 0` | node 0 wakes; its messages are lost |
//! | `crash 0` | node 0 loses what it did not sync, and starts again |
//! | `jam 0` | from here on node 0's disk ends no sync, and what node 0 sends is lost: it will crash there |
//! | `reboot 0` | only the process of node 0 dies: what it saved is still there, if no more durable |
//! | `durable 0` | all that node 0 saved must be durable |
//! | `add 0 5`, `remove 0 2`, `transfer 0 1` | somebody asks node 0 to change the cluster |
//! | `logs 1 12 1 1 13` | what the logs must be: the terms of their entries (`1.10.` where one has two digits), `-` if empty |
//! | `commit 0 2` | up to where node 0 must know the log to be committed |
//! | `reply 3 ok`, `reply 3 TIMEOUT no`, `reply 3 none` | how the third call was answered, `maybe` if it may have been executed |
//! | `leads 0`, `follows 0` | what node 0 must be |
//! | `members 0 0,1,2` | the members that node 0 must know |

use std::collections::{BTreeMap, VecDeque};

use rupture_protocols::Reply;
use rupture_protocols::raft::{Admin, Call, Config, Event, EventKind, Message, Raft, Record};
use rupture_protocols::random::{Stream, stream};
use rupture_protocols::store::{Command, Datum, Request};
use rupture_protocols::{Context, Effect, Input, Node, NodeId};

use crate::invariants::Invariants;

pub(crate) struct Puppets {
    config: Config,
    pub(crate) nodes: Vec<Raft>,
    disks: Vec<Disk>,
    random: Vec<Stream>,
    now_ns: u64,
    /// Messages under way.
    post: VecDeque<(NodeId, NodeId, Message)>,
    calls: u64,
    pub(crate) replies: BTreeMap<u64, Vec<Reply>>,
    pub(crate) invariants: Invariants,
    pub(crate) events: Vec<(NodeId, Event)>,
}

#[derive(Default)]
struct Disk {
    records: Vec<Record>,
    synced: usize,
    /// It takes records and never ends a sync.
    jammed: bool,
}

impl Puppets {
    pub(crate) fn new(nodes: u32, config: Config) -> Self {
        let mut puppets = Self {
            config,
            nodes: Vec::new(),
            disks: Vec::new(),
            random: Vec::new(),
            now_ns: 1_000_000_000,
            post: VecDeque::new(),
            calls: 0,
            replies: BTreeMap::new(),
            invariants: Invariants::default(),
            events: Vec::new(),
        };
        for node in 0..nodes {
            puppets.nodes.push(Raft::new(puppets.config.clone()));
            puppets.disks.push(Disk::default());
            puppets.random.push(stream(7, &format!("puppet {node}")));
            puppets.start(node);
        }
        puppets
    }

    /// Performs a script, and panics where an expectation fails.
    pub(crate) fn play(&mut self, script: &str) {
        for act in script.split(['\n', ';']) {
            let words: Vec<&str> = act.split_whitespace().collect();
            if let Some((verb, rest)) = words.split_first() {
                self.act(verb, rest, act.trim());
            }
        }
    }

    fn act(&mut self, verb: &str, words: &[&str], act: &str) {
        let number = |place: usize| -> u32 { words[place].parse().expect(act) };
        let others = || {
            words[2..]
                .iter()
                .map(|word| word.parse().expect(act))
                .collect::<Vec<u32>>()
        };
        match verb {
            "elect" => self.elect(number(0), &others()),
            "beat" => self.beat(number(0), &others()),
            "wait" => self.now_ns += u64::from(number(0)) * 1_000_000,
            "wake" => {
                self.step(number(0), Input::Wake);
                self.post.clear();
            }
            "write" => self.write(number(0), words[1]),
            "read" => self.ask(number(0), Command::SetRead(Datum::Nil), "r"),
            "crash" => self.start(number(0)),
            "jam" => self.disks[number(0) as usize].jammed = true,
            "reboot" => self.reboot(number(0)),
            "durable" => {
                let disk = &self.disks[number(0) as usize];
                assert_eq!(disk.synced, disk.records.len(), "{act}");
            }
            "add" => self.admin(number(0), Admin::AddNode(number(1))),
            "remove" => self.admin(number(0), Admin::RemoveNode(number(1))),
            "transfer" => self.admin(number(0), Admin::TransferTo(number(1))),
            "logs" => assert_eq!(self.logs(), words, "{act}"),
            "commit" => {
                let committed = self.nodes[number(0) as usize].committed();
                assert_eq!(committed, u64::from(number(1)), "{act}");
            }
            "reply" => assert_eq!(
                self.reply(u64::from(number(0))),
                words[1..].join(" "),
                "{act}"
            ),
            "leads" => assert!(self.nodes[number(0) as usize].is_leader(), "{act}"),
            "follows" => assert!(!self.nodes[number(0) as usize].is_leader(), "{act}"),
            "members" => {
                let members = self.nodes[number(0) as usize].members();
                let names: Vec<String> = members.iter().map(ToString::to_string).collect();
                assert_eq!(names.join(","), words[1], "{act}");
            }
            _ => panic!("no such act: {act}"),
        }
    }

    fn elect(&mut self, node: NodeId, voters: &[NodeId]) {
        // The first time it may only learn that its term is an old one.
        for _ in 0..2 {
            if !self.nodes[node as usize].is_leader() {
                self.now_ns += 1_000_000_000;
                self.step(node, Input::Wake);
                self.deliver(node, voters, |message| {
                    matches!(message, Message::RequestVote { .. } | Message::Vote { .. })
                });
            }
        }
        assert!(
            self.nodes[node as usize].is_leader(),
            "n{node} was not elected"
        );
    }

    pub(crate) fn beat(&mut self, node: NodeId, others: &[NodeId]) {
        self.now_ns += 50_000_000;
        self.step(node, Input::Wake);
        self.deliver(node, others, |_| true);
    }

    /// Passes messages between a node and others until all is quiet; the rest is lost.
    pub(crate) fn deliver(
        &mut self,
        node: NodeId,
        others: &[NodeId],
        passes: impl Fn(&Message) -> bool,
    ) {
        loop {
            let Some((from, to, message)) = self.post.pop_front() else {
                // What it gathered meanwhile goes out as well.
                self.step(node, Input::Wake);
                if self.post.is_empty() {
                    return;
                }
                continue;
            };
            let inside =
                (from == node && others.contains(&to)) || (to == node && others.contains(&from));
            if inside && passes(&message) {
                self.step(to, Input::Message { from, message });
            }
        }
    }

    fn write(&mut self, node: NodeId, element: &str) {
        let element = Datum::Text(element.to_owned());
        self.ask(node, Command::SetAdd(Datum::Nil, element), "w");
    }

    fn ask(&mut self, node: NodeId, command: Command, kind: &str) {
        let idempotency_key = format!("{}:{kind}", self.calls + 1);
        self.call(
            node,
            Call::Request(Request {
                idempotency_key,
                command,
            }),
        );
    }

    fn admin(&mut self, node: NodeId, admin: Admin) {
        self.call(node, Call::Admin(admin));
    }

    fn call(&mut self, node: NodeId, call: Call) {
        self.calls += 1;
        let id = self.calls;
        self.step(node, Input::Call { id, call });
    }

    /// Loses what was not synced, and starts the process anew; a node that is new joins.
    pub(crate) fn start(&mut self, node: NodeId) {
        let disk = &mut self.disks[node as usize];
        disk.records.truncate(disk.synced);
        self.reboot(node);
    }

    /// Starts the process anew with all that it saved.
    fn reboot(&mut self, node: NodeId) {
        let disk = &mut self.disks[node as usize];
        disk.jammed = false;
        let records = disk.records.clone();
        self.nodes[node as usize] = Raft::new(self.config.clone());
        self.step(node, Input::Start { records });
    }

    /// A node that nobody knows yet starts.
    pub(crate) fn join(&mut self) {
        let node = self.nodes.len() as u32;
        self.nodes.push(Raft::new(self.config.clone()));
        self.disks.push(Disk::default());
        self.random.push(stream(7, &format!("puppet {node}")));
        self.start(node);
    }

    /// Lets a leader's next message with entries reach a node, and the answer come back; nothing else.
    pub(crate) fn replicate_one(&mut self, leader: NodeId, node: NodeId) {
        self.post.clear();
        self.now_ns += 50_000_000;
        let has = |puppets: &Self| terms_on(&puppets.disks[node as usize].records);
        let before = has(self);
        self.step(leader, Input::Wake);
        while has(self) == before {
            let next = self.post.pop_front();
            let (from, to, message) = next.expect("nothing more is on its way");
            if (from, to) == (leader, node) || (from, to) == (node, leader) {
                self.step(to, Input::Message { from, message });
            }
        }
        let answer = self.post.pop_back();
        let (from, to, message) = answer.expect("the node answers");
        self.step(to, Input::Message { from, message });
        self.post.clear();
    }

    /// Whether a voter gives its vote in a term to a candidate with an unbeatable log.
    pub(crate) fn votes(&mut self, voter: NodeId, candidate: NodeId, term: u64) -> bool {
        let request = Message::RequestVote {
            term,
            pre: false,
            transfer: false,
            last_index: 1_000,
            last_term: 1_000,
        };
        self.post.clear();
        let (from, message) = (candidate, request);
        self.step(voter, Input::Message { from, message });
        let answer = self.post.pop_front();
        matches!(answer, Some((_, _, Message::Vote { granted: true, .. })))
    }

    /// Wakes a node when its heartbeat is due, and holds back the last message of it to another; the rest is lost.
    pub(crate) fn hold_heartbeat(&mut self, from: NodeId, to: NodeId) -> Message {
        self.post.clear();
        self.now_ns += 50_000_000;
        self.step(from, Input::Wake);
        self.take(from, to)
    }

    /// Takes the last message from one node to another off the network; the rest is lost.
    pub(crate) fn take(&mut self, from: NodeId, to: NodeId) -> Message {
        let is_it = |it: &(NodeId, NodeId, Message)| (it.0, it.1) == (from, to);
        let place = self.post.iter().rposition(is_it).expect("such a message");
        let (_, _, message) = self.post.remove(place).expect("a message in its place");
        self.post.clear();
        message
    }

    pub(crate) fn step(&mut self, node: NodeId, input: Input<Raft>) {
        let mut effects = Vec::new();
        let members = self.config.members.clone();
        let mut context = Context {
            id: node,
            nodes: &members,
            now_ns: self.now_ns,
            wall_ns: 0,
            random: &mut self.random[node as usize],
            effects: &mut effects,
        };
        self.nodes[node as usize].step(input, &mut context);
        for effect in effects {
            self.perform(node, effect);
        }
    }

    fn perform(&mut self, node: NodeId, effect: Effect<Raft>) {
        let disk = &mut self.disks[node as usize];
        match effect {
            Effect::Save(record) => disk.records.push(record),
            Effect::Replace(records) => {
                disk.records = records;
                disk.synced = disk.records.len();
            }
            Effect::Sync | Effect::Send { .. } if disk.jammed => {}
            Effect::Sync => disk.synced = disk.records.len(),
            Effect::Send { to, message } => {
                // As over a wire.
                let text = serde_json::to_string(&message).expect("a message can be written");
                let back = serde_json::from_str(&text).expect("a message can be read");
                assert_eq!(message, back);
                self.post.push_back((node, to, back));
            }
            Effect::Reply { id, reply } => self.replies.entry(id).or_default().push(reply),
            Effect::WakeAt(_) => {}
            Effect::Emit(event) => {
                self.invariants.note(node, &event);
                self.events.push((node, event));
            }
        }
    }

    /// The terms of all logs, as the disks tell.
    fn logs(&self) -> Vec<String> {
        self.disks
            .iter()
            .map(|disk| terms_on(&disk.records))
            .collect()
    }

    /// How a call was answered; once, if at all.
    fn reply(&self, id: u64) -> String {
        let replies = self.replies.get(&id).map_or(&[][..], |replies| replies);
        assert!(
            replies.len() < 2,
            "call {id} was answered twice: {replies:?}"
        );
        match replies.first() {
            None => "none".to_owned(),
            Some(Reply::Ok(_)) => "ok".to_owned(),
            Some(Reply::Error {
                code,
                maybe_executed,
                ..
            }) => format!("{code} {}", if *maybe_executed { "maybe" } else { "no" }),
        }
    }

    /// How often a kind of event was told by a node.
    pub(crate) fn count(&self, node: NodeId, is_it: impl Fn(&EventKind) -> bool) -> usize {
        let of_node = self.events.iter().filter(|(from, _)| *from == node);
        of_node.filter(|(_, event)| is_it(&event.kind)).count()
    }
}

/// The terms of the entries that these records hold, without those that a snapshot replaced.
fn terms_on(records: &[Record]) -> String {
    let mut terms: Vec<u64> = Vec::new();
    let mut base = 0;
    for record in records {
        match record {
            Record::State { .. } => {}
            Record::Append(entries) => terms.extend(entries.iter().map(|entry| entry.term)),
            Record::Truncate { from } => terms.truncate((from - 1 - base) as usize),
            Record::Snapshot { base: point, .. } => {
                terms.clear();
                base = point.index;
            }
        }
    }
    match terms.iter().max() {
        None => "-".to_owned(),
        Some(0..=9) => terms.iter().map(ToString::to_string).collect(),
        Some(_) => terms
            .iter()
            .flat_map(|term| [term.to_string(), ".".to_owned()])
            .collect(),
    }
}
