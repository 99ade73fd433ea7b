//! Raft (Ongaro & Ousterhout 2014, "the paper"; Ongaro 2014, "the thesis"): the replicated log under the
//! reference store.
//!
//! [`Raft`] is a [`Node`]: a pure state machine. Where to start: [`Config`] says what a cluster is told, [`Call`]
//! and [`Reply`] what clients say and hear, [`event`] what a node tells of itself.
//!
//! | property | kept by | source |
//! |---|---|---|
//! | one leader a term | `election`: a vote binds and is durable before it is sent | paper, 5.2 |
//! | a leader only appends | `replication`: only a follower truncates | paper, 5.3 |
//! | equal index and term, equal logs up to there | `replication`: a follower agrees before it appends | paper, 5.3 |
//! | a leader has all that is committed | `election`: a voter's log is no more up to date; `commit`: only entries of the own term are counted | paper, 5.4 |
//! | all apply the same | `commit`: in the order of the log, once | paper, 5.4.3 |
//! | reads are linearizable | `reads` | thesis, 6.4 |
//! | majorities of old and new members meet | `membership`: one node at a time, each change committed before the next | thesis, 4.1 |
//! | a retried request takes effect once | [`crate::store`], by the log's own time | paper, 8; thesis, 6.3 |
//!
//! Deliberately absent: reads by followers, pipelines of several messages with entries to one follower,
//! snapshots in pieces, joint consensus, witnesses, and any defence against nodes that lie.

mod commit;
mod config;
mod digest;
mod election;
pub mod event;
mod leader;
mod log;
mod membership;
mod message;
pub mod metrics;
mod mutant;
mod reads;
mod recovery;
mod replication;
mod snapshot;
mod transfer;

use std::sync::Arc;

use crate::node::{Context, Input, Node, NodeId};
use crate::reply::Reply;
use crate::store::{Store, Weakness};

pub use config::{Config, ConfigError, FaultKind, MAX_NODES, ReadMode, Tolerance};
pub use event::{Event, EventKind, Level, Mark, StepDown};
pub use log::{Entry, Payload, Point};
pub use membership::Membership;
pub use message::{Admin, Beat, Call, Message, Outcome, Record};
pub use metrics::Metrics;
pub use mutant::Mutant;
pub use snapshot::Snapshot;

use config::Timing;
use election::Candidacy;
use leader::Leading;
use log::Log;
use membership::Memberships;
use recovery::{Promised, Unsynced};
use replication::Batch;

type Ctx<'a> = Context<'a, Raft>;

/// What a node is in its term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Follower,
    /// It asks whether it could win.
    PreCandidate,
    Candidate,
    Leader,
}

/// A node of Raft with a replica of the store.
#[derive(Clone, Debug)]
pub struct Raft {
    config: Config,
    timing: Timing,
    id: NodeId,

    // What the disk keeps.
    term: u64,
    voted_for: Option<NodeId>,
    log: Log,
    snapshot: Option<Arc<Snapshot>>,
    unsynced: Unsynced,
    /// Up to here the log is durable.
    synced: u64,

    // What follows from the log.
    memberships: Memberships,
    commit: u64,
    applied: u64,
    store: Store,

    // What is forgotten in a crash.
    role: Role,
    leader: Option<NodeId>,
    /// When a leader was heard last; also when the process started, as it may have heard one just before.
    heard_ns: Option<u64>,
    /// The leader that fell silent.
    lost: Option<NodeId>,
    timeout_ns: u64,
    election_at_ns: u64,
    /// The members whose votes it has in its candidacy, ascending.
    votes: Vec<NodeId>,
    lead: Leading,
    /// When it will be woken.
    wake_at_ns: Option<u64>,
    /// What it told last that others count on.
    promised: Promised,
    metrics: Metrics,
}

impl Raft {
    /// A node that has not started. The configuration should have passed [`Config::validate`], and be the
    /// same for all nodes.
    pub fn new(config: Config) -> Self {
        let members = Arc::new(Membership::founded_by(&config.members));
        Self {
            timing: Timing::of(&config),
            config,
            id: 0,
            term: 0,
            voted_for: None,
            log: Log::default(),
            snapshot: None,
            unsynced: Unsynced::default(),
            synced: 0,
            memberships: Memberships::new(0, members),
            commit: 0,
            applied: 0,
            store: Store::default(),
            role: Role::Follower,
            leader: None,
            heard_ns: None,
            lost: None,
            timeout_ns: 0,
            election_at_ns: 0,
            votes: Vec::new(),
            lead: Leading::default(),
            wake_at_ns: None,
            promised: Promised::default(),
            metrics: Metrics::default(),
        }
    }

    /// Whether it believes that it leads.
    pub fn is_leader(&self) -> bool {
        self.role == Role::Leader
    }

    /// Its term.
    pub fn term(&self) -> u64 {
        self.term
    }

    /// Who it believes leads its term.
    pub fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// The latest members in its log, ascending.
    pub fn members(&self) -> &[NodeId] {
        &self.memberships.latest().voters
    }

    /// The index up to which it knows the log to be committed; all of that is applied.
    pub fn committed(&self) -> u64 {
        self.commit
    }

    /// The index of the last entry of its log.
    pub fn last_index(&self) -> u64 {
        self.log.last_index()
    }

    /// Its replica of the state.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What it counted since its process started.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn mutates(&self, mutant: Mutant) -> bool {
        self.config.mutant == Some(mutant)
    }

    /// How weakly transactions are isolated, under a mutant.
    fn weakness(&self) -> Option<Weakness> {
        self.config.mutant.and_then(Mutant::weakness)
    }

    fn emit(&self, kind: EventKind, cx: &mut Ctx<'_>) {
        let term = self.term;
        cx.emit(Event { term, kind });
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Ctx<'_>) {
        let term = message.term();
        if let Message::RequestVote {
            pre,
            transfer,
            last_index,
            last_term,
            ..
        } = message
        {
            let asked = Candidacy {
                term,
                pre,
                transfer,
                last_index,
                last_term,
            };
            return self.on_request_vote(from, asked, cx);
        }
        if message.is_of_a_term() && term > self.term {
            self.become_follower(term, StepDown::Superseded, Some(from), cx);
        }
        self.on_message_of_term(from, term, message, cx);
    }

    /// A message whose term is not ahead, but for a granted pre-vote.
    fn on_message_of_term(&mut self, from: NodeId, term: u64, message: Message, cx: &mut Ctx<'_>) {
        // Two leaders of one term meet only under a mutant.
        let follows = term == self.term && self.role != Role::Leader;
        let leads = term == self.term && self.role == Role::Leader;
        match message {
            Message::Vote { pre, granted, .. } if granted => self.on_vote(from, term, pre, cx),
            Message::Append {
                beat,
                prev_index,
                prev_term,
                commit,
                entries,
                ..
            } if follows => {
                let batch = Batch {
                    prev_index,
                    prev_term,
                    commit,
                    entries,
                };
                self.on_append(from, beat, batch, cx);
            }
            Message::Heartbeat { beat, commit, .. } if follows => {
                self.on_beat(from, beat, commit, cx);
            }
            Message::InstallSnapshot { beat, snapshot, .. } if follows => {
                self.on_snapshot(from, beat, &snapshot, cx);
            }
            Message::Append { .. }
            | Message::Heartbeat { .. }
            | Message::InstallSnapshot { .. }
                if term < self.term =>
            {
                // The beat is one of an earlier term, and is not echoed: in this term, in which the same node may
                // lead again with rounds that began anew, it would confirm rounds that nobody has answered.
                self.ack(from, Beat::default(), Outcome::Heard, cx);
            }
            Message::Ack { beat, outcome, .. } if leads => self.on_ack(from, beat, outcome, cx),
            Message::TimeoutNow { .. } if follows => self.on_timeout_now(from, cx),
            _ => {}
        }
    }

    fn on_call(&mut self, id: u64, call: Call, cx: &mut Ctx<'_>) {
        match call {
            Call::Request(request) if request.command.is_read_only() => {
                self.on_read(id, request.command, cx);
            }
            Call::Request(request) => self.on_write(id, request, cx),
            Call::Admin(admin) => self.on_admin(id, admin, cx),
        }
    }

    fn on_wake(&mut self, cx: &mut Ctx<'_>) {
        self.wake_at_ns = None;
        if self.role == Role::Leader && self.lead.has_work {
            self.work_off(cx);
        }
        if self.role == Role::Leader {
            if cx.now_ns >= self.lead.heartbeat_at_ns {
                self.on_heartbeat(cx);
            }
        } else if cx.now_ns >= self.election_at_ns {
            self.on_election_timeout(cx);
        }
    }

    /// Asks to be woken for what is due next. A follower's timeout moves on with every message, so it is let
    /// run out and set anew instead.
    fn arm(&mut self, cx: &mut Ctx<'_>) {
        let due_ns = match self.role {
            Role::Leader if self.lead.has_work => cx.now_ns,
            Role::Leader => self.lead.heartbeat_at_ns,
            _ => self.election_at_ns,
        };
        if self.wake_at_ns.is_none_or(|at_ns| due_ns < at_ns) {
            self.wake_at_ns = Some(due_ns);
            cx.wake_at(due_ns);
        }
    }
}

impl Node for Raft {
    type Message = Message;
    type Call = Call;
    type Reply = Reply;
    type Record = Record;
    type Event = Event;

    fn step(&mut self, input: Input<Self>, context: &mut Context<'_, Self>) {
        match input {
            Input::Start { records } => self.start(records, context),
            Input::Message { from, message } => self.on_message(from, message, context),
            Input::Call { id, call } => self.on_call(id, call, context),
            Input::Wake => self.on_wake(context),
        }
        self.arm(context);
    }

    fn message_name(message: &Message) -> &'static str {
        message.name()
    }

    fn message_bytes(message: &Message) -> usize {
        let entries = match message {
            Message::Append { entries, .. } => entries.len(),
            _ => 0,
        };
        size_of_val(message) + entries * size_of::<Entry>()
    }

    fn record_bytes(record: &Record) -> usize {
        let entries = match record {
            Record::Append(entries) => entries.len(),
            _ => 0,
        };
        size_of_val(record) + entries * size_of::<Entry>()
    }
}
