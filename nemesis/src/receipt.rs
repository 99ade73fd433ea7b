//! Receipts: the evidence that a fault took hold and was undone.
//!
//! A receipt is one line of `faults.jsonl`, and the undo journal of a run whose controller died: it names what
//! was made, so that only that is undone. It is written when the fault began and again when it was healed; of
//! lines with the same `id` the last one counts.

use std::collections::BTreeMap;

use rupture_history::{Event, Kind, Process, Value};
use rupture_targets::{Link, Loss, NodeName, Traffic};
use serde::{Deserialize, Serialize};

use crate::fault::{Change, Damage, Fault, Skew};
use crate::kind::Holds;

/// The version of [`Receipt`] that this build writes.
pub const RECEIPT_VERSION: u32 = 1;

/// What became of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It was ordered, and no probe has shown it yet: a change of membership takes time.
    Pending,
    /// A probe showed that it took hold; once `healed_ns` is set, another one showed that it is gone.
    Injected,
    /// It did not take hold, for the reason given.
    NotInjected,
    /// It took hold, or may have, and no probe showed that it is gone.
    NotHealed,
}

impl State {
    /// The words for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Injected => "injected",
            Self::NotInjected => "not injected",
            Self::NotHealed => "not healed",
        }
    }
}

/// One look at the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// When.
    pub at_ns: u64,
    /// What was looked at.
    pub looked_at: String,
    /// What had to be seen.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// Whether that is what had to be seen.
    pub ok: bool,
}

/// A bit that was flipped on the disk of a dead node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flip {
    /// Which, from the beginning of what the disk holds.
    pub bit: u64,
    /// A digest of what the disk held before, by which is known whether it is to be flipped back.
    pub before: u64,
}

/// The record of one fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`RECEIPT_VERSION`].
    pub version: u32,
    /// Which fault of the run, from 0.
    pub id: u64,
    /// What became of it.
    pub state: State,
    /// Why it was not injected or not healed.
    pub reason: Option<String>,
    /// Whether anything was done to the cluster. A fault that found nobody to hit was not injected and is
    /// harmless; one that was made and not seen means that the tool or the world is broken.
    pub acted: bool,
    /// What was asked.
    pub fault: Fault,
    /// The nodes that it hit, in order.
    pub nodes: Vec<NodeName>,
    /// The node that took the place of one that left, once that is undone.
    pub replacement: Option<NodeName>,
    /// The nodes of those whose process was killed or paused and that had left the cluster when that was undone, so
    /// that they stay stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<NodeName>,
    /// The links that it cut or shaped, in order.
    pub links: Vec<Link>,
    /// When it began.
    pub began_ns: u64,
    /// What showed that it took hold.
    pub began: Option<Probe>,
    /// When it was undone.
    pub healed_ns: Option<u64>,
    /// What showed that it is gone.
    pub healed: Option<Probe>,
    /// What disks lost.
    pub losses: BTreeMap<NodeName, Loss>,
    /// Which bits of which disks were flipped.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flipped: BTreeMap<NodeName, Flip>,
    /// What became of messages while it lasted, on all links and by all faults together.
    pub traffic: Option<Traffic>,
}

impl Receipt {
    pub(crate) fn new(id: u64, fault: &Fault, began_ns: u64) -> Self {
        Self {
            version: RECEIPT_VERSION,
            id,
            state: State::Pending,
            reason: None,
            acted: false,
            fault: fault.clone(),
            nodes: Vec::new(),
            replacement: None,
            left: Vec::new(),
            links: Vec::new(),
            began_ns,
            began: None,
            healed_ns: None,
            healed: None,
            losses: BTreeMap::new(),
            flipped: BTreeMap::new(),
            traffic: None,
        }
    }

    /// The two events that the beginning adds to a history: what was asked, and what was done to whom.
    pub fn begin_events(&self) -> [Event; 2] {
        let at_ns = self.began_ns;
        [asked_to_begin(&self.fault, at_ns), self.begun_event(at_ns)]
    }

    /// The second of [`Receipt::begin_events`], at another time: what takes time in a world was asked for earlier.
    pub fn begun_event(&self, at_ns: u64) -> Event {
        let done = if self.state == State::NotInjected {
            self.refusal("not-injected")
        } else {
            self.done()
        };
        event(at_ns, begin_name(&self.fault), done)
    }

    /// The two events that the end adds to a history; nothing before the end and for what never began. A fault
    /// that was to come and turned out to have hit nobody ends as one that was not injected.
    pub fn end_events(&self) -> Option<[Event; 2]> {
        let at_ns = self.healed_ns?;
        Some([asked_to_end(&self.fault, at_ns), self.ended_event(at_ns)])
    }

    /// The second of [`Receipt::end_events`], at another time.
    pub fn ended_event(&self, at_ns: u64) -> Event {
        let undone = match self.state {
            State::NotHealed => self.refusal("not-healed"),
            _ if !self.acted => self.refusal("not-injected"),
            _ => self.undone(),
        };
        event(at_ns, end_name(&self.fault), undone)
    }

    fn refusal(&self, word: &str) -> Value {
        let reason = self.reason.as_deref().unwrap_or_default();
        Value::Vector(vec![Value::keyword(word), Value::str(reason)])
    }

    fn done(&self) -> Value {
        match &self.fault {
            Fault::Partition { .. } => {
                Value::Vector(vec![Value::keyword("isolated"), self.grudges()])
            }
            Fault::Kill { .. } => self.each("killed"),
            Fault::Pause { .. } => self.each("paused"),
            Fault::Clock { skew, .. } => match skew {
                Skew::Bump { by_ns } => self.each_value(&Value::Int(by_ns / 1_000_000)),
                Skew::Strobe { .. } => self.each("strobed"),
                Skew::Drift { ppm } => self.each_value(&Value::Int(*ppm)),
            },
            Fault::Link { .. } => self.each("shaped"),
            Fault::Storage { ailment, .. } => self.each(ailment.info().done),
            Fault::Disk { damage, .. } => match damage {
                Damage::LostWrites => self.each("power-lost"),
                Damage::Torn => self.each("torn"),
            },
            Fault::Membership { change } => match change {
                Change::Grow => self.each("joining"),
                Change::Shrink { .. } => self.each("leaving"),
            },
            Fault::Transfer { .. } => self.each("asked-to-lead"),
        }
    }

    fn undone(&self) -> Value {
        match &self.fault {
            Fault::Partition { .. } => Value::keyword("network-healed"),
            Fault::Kill { .. } | Fault::Disk { .. } => self.each_that_stayed("started"),
            Fault::Storage { .. } => match self.fault.holds() {
                Holds::DisksAndProcesses => self.each_that_stayed("started"),
                _ => self.each("whole"),
            },
            Fault::Pause { .. } => self.each_that_stayed("resumed"),
            Fault::Clock { .. } => self.each("reset"),
            Fault::Link { .. } => self.each("reliable"),
            Fault::Membership { .. } => self.each("undone"),
            Fault::Transfer { .. } => self.each("left-alone"),
        }
    }

    fn each(&self, word: &str) -> Value {
        self.each_value(&Value::keyword(word))
    }

    /// The word for those that are still there, and `left` for the others.
    fn each_that_stayed(&self, word: &str) -> Value {
        let value = |node: &NodeName| {
            let has_left = self.left.contains(node);
            Value::keyword(if has_left { "left" } else { word })
        };
        let entry = |node: &NodeName| (Value::str(node.as_str()), value(node));
        Value::Map(self.nodes.iter().map(entry).collect())
    }

    fn each_value(&self, value: &Value) -> Value {
        let entry = |node: &NodeName| (Value::str(node.as_str()), value.clone());
        Value::Map(self.nodes.iter().map(entry).collect())
    }

    /// As Jepsen writes a grudge: each node, and whom it does not hear.
    fn grudges(&self) -> Value {
        let mut grudges: BTreeMap<&NodeName, Vec<Value>> = BTreeMap::new();
        for link in &self.links {
            let deaf_to = grudges.entry(&link.to).or_default();
            deaf_to.push(Value::str(link.from.as_str()));
        }
        let entry =
            |(node, from): (&NodeName, Vec<Value>)| (Value::str(node.as_str()), Value::Set(from));
        Value::Map(grudges.into_iter().map(entry).collect())
    }
}

/// The event that says that a fault was asked for.
pub fn asked_to_begin(fault: &Fault, at_ns: u64) -> Event {
    event(at_ns, begin_name(fault), asked(fault))
}

/// The event that says that the end of a fault was asked for.
pub fn asked_to_end(fault: &Fault, at_ns: u64) -> Event {
    event(at_ns, end_name(fault), Value::Nil)
}

fn event(at_ns: u64, f: &str, value: Value) -> Event {
    Event {
        index: None,
        time: i64::try_from(at_ns).unwrap_or(i64::MAX),
        kind: Kind::Info,
        process: Process::nemesis(),
        f: f.into(),
        value,
        extra: Vec::new(),
    }
}

/// The `f` of the events of a beginning, Jepsen's where it has one.
fn begin_name(fault: &Fault) -> &'static str {
    match fault {
        Fault::Partition { .. } => "start-partition",
        Fault::Kill { .. } => "kill",
        Fault::Pause { .. } => "pause",
        Fault::Clock { skew, .. } => match skew {
            Skew::Bump { .. } => "bump-clock",
            Skew::Strobe { .. } => "strobe-clock",
            Skew::Drift { .. } => "drift-clock",
        },
        Fault::Link { .. } => "start-packet",
        Fault::Storage { ailment, .. } => ailment.info().f,
        Fault::Disk { damage, .. } => match damage {
            Damage::LostWrites => "lose-unsynced-writes",
            Damage::Torn => "tear-write",
        },
        Fault::Membership { change } => match change {
            Change::Grow => "grow",
            Change::Shrink { .. } => "shrink",
        },
        Fault::Transfer { .. } => "transfer-leadership",
    }
}

/// The `f` of the events of an end, Jepsen's where it has one.
fn end_name(fault: &Fault) -> &'static str {
    match fault {
        Fault::Partition { .. } => "stop-partition",
        Fault::Kill { .. } | Fault::Disk { .. } => "start",
        Fault::Storage { .. } => "heal-disk",
        Fault::Pause { .. } => "resume",
        Fault::Clock { .. } => "reset-clock",
        Fault::Link { .. } => "stop-packet",
        Fault::Membership { change } => match change {
            Change::Grow => "shrink",
            Change::Shrink { .. } => "grow",
        },
        Fault::Transfer { .. } => "end-transfer",
    }
}

/// What was asked, in one word where there is one.
fn asked(fault: &Fault) -> Value {
    if let Fault::Partition { shape } = fault {
        return Value::keyword(shape.name());
    }
    let who = fault
        .who()
        .map_or(Value::Nil, |who| Value::keyword(&who.name()));
    match fault {
        Fault::Clock { .. } | Fault::Link { .. } | Fault::Storage { .. } => {
            Value::Vector(vec![who, Value::str(&fault.to_string())])
        }
        _ => who,
    }
}
