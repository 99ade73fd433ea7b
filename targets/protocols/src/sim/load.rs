//! How much happens in one second of simulated time, and when that is too much.
//!
//! A bug whose messages multiply would keep the simulation at one instant for ever, and fill the memory meanwhile.
//! What happens is counted by the second, and one in which more happens than any sound protocol makes happen ends the
//! simulation: [`Outside::Storm`](super::Outside::Storm) tells what it was, and nothing happens after that. Counts and
//! not clocks decide, so that a storm is repeatable like everything else.

use super::SimOptions;

const SECOND_NS: u64 = 1_000_000_000;
/// A wake-up counts as so many events: one a microsecond is the most that a node can ask for, and too much.
const WAKE_WEIGHT: u64 = 8;
/// After so many events in which nothing reached the outside it gets a say.
pub(super) const PATIENCE: u64 = 65_536;

/// More happened in a second of simulated time than may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storm {
    /// When it was noticed, in nanoseconds of true time.
    pub at_ns: u64,
    /// What there was too much of.
    pub excess: Excess,
    /// Events in that second so far: what became due, effects, calls and alarms.
    pub events: u64,
    /// How many may come in a second.
    pub most_events: u64,
    /// About how many bytes were sent and saved in it.
    pub bytes: u64,
    /// How many may be.
    pub most_bytes: u64,
    /// What there was of each kind in it, the most frequent first: messages by their names, `wake-up`, `save`, `call`,
    /// `alarm`.
    pub kinds: Vec<(&'static str, u64)>,
    /// The same of the second before.
    pub before: Vec<(&'static str, u64)>,
}

/// What there was too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Events in a second.
    Events,
    /// Bytes in a second.
    Bytes,
    /// What is under way and to come at one moment; each takes memory.
    UnderWay {
        /// How much.
        count: u64,
    },
    /// Messages between nodes in a second, for so few operations of clients; in real worlds, where they cost time.
    Messages {
        /// How many operations completed in it.
        operations: u64,
    },
    /// Effects of one step of one node.
    Effects {
        /// Which node.
        node: crate::NodeId,
    },
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Load {
    second: u64,
    events: u64,
    bytes: u64,
    kinds: Vec<(&'static str, u64)>,
    before: Vec<(&'static str, u64)>,
    /// Events since the outside heard of anything.
    unheard: u64,
    /// Whether a step had no end.
    endless: Option<crate::NodeId>,
    is_over: bool,
}

impl Load {
    /// Counts something that is no message.
    pub(super) fn count(&mut self, now_ns: u64) {
        let second = now_ns / SECOND_NS;
        if second != self.second {
            let is_next = second == self.second + 1;
            self.second = second;
            self.events = 0;
            self.bytes = 0;
            self.before.clear();
            if is_next {
                std::mem::swap(&mut self.before, &mut self.kinds);
            }
            self.kinds.clear();
        }
        self.events += 1;
        self.unheard += 1;
    }

    /// Counts something of a kind, and its bytes.
    pub(super) fn count_kind(&mut self, now_ns: u64, kind: &'static str, bytes: usize) {
        self.count(now_ns);
        self.bytes = self.bytes.saturating_add(bytes as u64);
        match self.kinds.iter_mut().find(|(name, _)| *name == kind) {
            Some((_, count)) => *count += 1,
            None => self.kinds.push((kind, 1)),
        }
    }

    pub(super) fn count_wake(&mut self, now_ns: u64) {
        self.count_kind(now_ns, "wake-up", 0);
        self.events += WAKE_WEIGHT - 1;
    }

    /// Notes that a step of a node had more effects than any may.
    pub(super) fn has_no_end(&mut self, node: crate::NodeId) {
        self.endless.get_or_insert(node);
    }

    /// Whether a storm was told: then nothing happens any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether the outside should get a say, though nothing has reached it; asks once.
    pub(super) fn is_impatient(&mut self) -> bool {
        let is = self.unheard >= PATIENCE;
        if is {
            self.unheard = 0;
        }
        is
    }

    /// The outside hears of something.
    pub(super) fn is_heard(&mut self) {
        self.unheard = 0;
    }

    /// The storm, if there is one; once.
    pub(super) fn storm(
        &mut self,
        now_ns: u64,
        under_way: u64,
        options: &SimOptions,
        nodes: u32,
    ) -> Option<Storm> {
        let (most_events, most_bytes) = (options.most_events(nodes), options.most_bytes(nodes));
        let excess = match self.endless {
            Some(node) => Excess::Effects { node },
            None if self.events > most_events => Excess::Events,
            None if self.bytes > most_bytes => Excess::Bytes,
            None if under_way > options.most_under_way(nodes) => {
                Excess::UnderWay { count: under_way }
            }
            None => return None,
        };
        self.is_over = true;
        let sorted = |kinds: &[(&'static str, u64)]| {
            let mut kinds = kinds.to_vec();
            kinds.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
            kinds
        };
        Some(Storm {
            at_ns: now_ns,
            excess,
            events: self.events,
            most_events,
            bytes: self.bytes,
            most_bytes,
            kinds: sorted(&self.kinds),
            before: sorted(&self.before),
        })
    }
}
