//! G1c and G0: operations that polled each other's messages in a circle, or wrote to logs in one, real time included.
//!
//! A step of a circle leads from an operation to one that polled a message it sent, or to one that was invoked
//! after it had completed `ok`. Where it is asked for, it also leads to one that sent what lies next in a log, which is
//! Adya's `ww` (1999, section 4.4.1). Operations that failed take no part (who polls their messages is G1a), and
//! an `info` operation has no end.
//!
//! The events are gone through in order, and an operation is *settled* once it was invoked and all whose
//! messages it polled are settled. If everything can be ordered, every operation is settled before its completion
//! is over: the order of settling is one. Conversely an operation that is not waits, by way of
//! others that are not settled, for one that has not even begun, or for itself; either closes a circle. It is then
//! settled by force, so that the next circle can be found. Linear in what was polled, and in the lengths of
//! the circles that are told.
//!
//! That is done twice: at first as if everything had begun before anything was over, which leaves the circles of polls
//! alone, then with real time, and with what was settled by force before. Otherwise a circle that needs real time
//! could hide one that does not, and is worse, because an operation is on both. For the same reason the circles of sends
//! alone, G0, are looked for first, both ways.

use rupture_history::Outcome;

use super::findings::{Finding, Findings};
use super::kind::LogAnomaly;
use super::numbers::NONE;
use super::orders::Overwrite;
use super::transcript::Transcript;
use crate::isolation::rows::Rows;

/// How many circles of a sweep are told; others are only counted.
const TOLD: usize = 8;

/// The names of circles: of steps alone, closed by a process, and by real time.
type Names = [LogAnomaly; 3];

const G0: Names = [
    LogAnomaly::G0,
    LogAnomaly::G0Process,
    LogAnomaly::G0Realtime,
];
const G1C: Names = [
    LogAnomaly::G1c,
    LogAnomaly::G1cProcess,
    LogAnomaly::G1cRealtime,
];

/// Finds circles, also those of what was [overwritten](Findings::overwrites).
pub(super) fn circles(transcript: &Transcript<'_>, findings: &mut Findings) {
    let nothing = vec![false; transcript.len() as usize];
    let mut forced = nothing.clone();
    let overwrites = std::mem::take(&mut findings.overwrites);
    let all = sources(transcript, true, &overwrites);
    if overwrites.is_empty() {
        forced = timeless(Sweep::new(transcript, &all, forced, G1C), findings);
    } else {
        let written = sources(transcript, false, &overwrites);
        let of_writes = timeless(Sweep::new(transcript, &written, nothing, G0), findings);
        forced.clone_from(&of_writes);
        forced = timeless(Sweep::new(transcript, &all, forced, G1C), findings);
        let timed = timed(Sweep::new(transcript, &written, of_writes, G0), findings);
        let both = forced.iter().zip(timed);
        forced = both.map(|(&one, other)| one || other).collect();
    }
    timed(Sweep::new(transcript, &all, forced, G1C), findings);
    findings.overwrites = overwrites;
}

/// By operation: those whose messages it polled, and those that it wrote right behind.
fn sources(transcript: &Transcript<'_>, polls: bool, overwrites: &[Overwrite]) -> Rows<u32> {
    let operations = 0..transcript.len() * u32::from(polls);
    let polled = operations.flat_map(|operation| {
        senders(transcript, operation).map(move |sender| (operation, sender))
    });
    let written = overwrites.iter().map(|it| (it.later, it.earlier));
    let mut steps: Vec<(u32, u32)> = polled.chain(written).collect();
    steps.sort_by_key(|step| step.0);
    Rows::sorted(transcript.len() as usize, steps.iter().copied(), NONE)
}

/// Circles of steps alone; what was settled by force.
fn timeless(mut sweep: Sweep<'_>, findings: &mut Findings) -> Vec<bool> {
    let transcript = sweep.transcript;
    sweep.most += findings.circles.len();
    for number in 0..transcript.len() {
        sweep.begin(number);
    }
    for number in 0..transcript.len() {
        sweep.complete(number, findings);
    }
    sweep.forced
}

/// Circles that close by real time; what was settled by force.
fn timed(mut sweep: Sweep<'_>, findings: &mut Findings) -> Vec<bool> {
    let transcript = sweep.transcript;
    sweep.most += findings.circles.len();
    let mut at_row = vec![NONE; transcript.history.len()];
    for (number, operation) in (0..).zip(transcript.operations) {
        at_row[operation.invoked as usize] = number;
        if let Some(row) = operation
            .completed
            .filter(|_| operation.outcome == Outcome::Ok)
        {
            at_row[row as usize] = number;
        }
    }
    for (row, number) in (0..).zip(at_row) {
        if number == NONE || transcript.outcome(number) == Outcome::Fail {
            continue;
        }
        if transcript.operations[number as usize].invoked == row {
            sweep.begin(number);
        } else {
            sweep.complete(number, findings);
        }
    }
    sweep.forced
}

struct Sweep<'a> {
    transcript: &'a Transcript<'a>,
    /// By operation: whom it waits for.
    sources: &'a Rows<u32>,
    names: Names,
    /// How many circles are told when the sweep is over.
    most: usize,
    begun: Vec<bool>,
    settled: Vec<bool>,
    /// What is settled as soon as it begins, or was before all that it waits for: circles are open there.
    forced: Vec<bool>,
    /// How many of those that each operation waits for are not settled.
    waits_for: Vec<u32>,
    /// By operation: who waits for it.
    pollers: Rows<u32>,
    stack: Vec<u32>,
    /// By which operation a search came to another, and which search it was.
    came_from: Vec<(u32, u32)>,
    searches: u32,
}

/// How a circle closes.
enum Close {
    /// The last operation sent what the first polled, and so on.
    Polled,
    /// The first had completed before the last began.
    Completed,
}

impl<'a> Sweep<'a> {
    fn new(
        transcript: &'a Transcript<'a>,
        sources: &'a Rows<u32>,
        forced: Vec<bool>,
        names: Names,
    ) -> Self {
        let len = transcript.len();
        let of = |operation: u32| sources.of(operation).iter().copied();
        let steps =
            (0..len).flat_map(|operation| of(operation).map(move |source| (source, operation)));
        Self {
            transcript,
            sources,
            names,
            most: TOLD,
            begun: vec![false; len as usize],
            settled: vec![false; len as usize],
            forced,
            waits_for: (0..len)
                .map(|operation| sources.of(operation).len() as u32)
                .collect(),
            pollers: Rows::sorted(len as usize, steps, NONE),
            stack: Vec::new(),
            came_from: Vec::new(),
            searches: 0,
        }
    }

    fn begin(&mut self, operation: u32) {
        self.begun[operation as usize] = true;
        let at = operation as usize;
        if self.waits_for[at] == 0 || self.forced[at] {
            self.settle(operation);
        }
    }

    fn force(&mut self, operation: u32) {
        self.forced[operation as usize] = true;
        self.settle(operation);
    }

    fn settle(&mut self, operation: u32) {
        self.settled[operation as usize] = true;
        self.stack.push(operation);
        while let Some(settled) = self.stack.pop() {
            for &poller in self.pollers.of(settled) {
                let poller = poller as usize;
                self.waits_for[poller] -= 1;
                if self.waits_for[poller] == 0 && self.begun[poller] && !self.settled[poller] {
                    self.settled[poller] = true;
                    self.stack.push(poller as u32);
                }
            }
        }
    }

    /// An operation is over, or the history is.
    fn complete(&mut self, operation: u32, findings: &mut Findings) {
        while !self.settled[operation as usize] {
            if findings.circles.len() >= self.most {
                findings.more_circles += 1;
                self.force(operation);
                continue;
            }
            // What it waits for may be a circle to which it does not belong.
            let (circle, close) = self.search(operation).unwrap_or_else(|| {
                let member = self.member(operation);
                self.search(member).unwrap_or((vec![member], Close::Polled))
            });
            let first = circle[0];
            self.tell(circle, &close, findings);
            self.force(first);
        }
    }

    fn tell(&self, circle: Vec<u32>, close: &Close, findings: &mut Findings) {
        let process = |operation: u32| self.transcript.operations[operation as usize].process;
        let (first, last) = (circle[0], circle[circle.len() - 1]);
        let kind = match close {
            Close::Polled => self.names[0],
            Close::Completed if process(first) == process(last) => self.names[1],
            Close::Completed => self.names[2],
        };
        let finding = Finding {
            kind,
            operation: first,
            before: NONE,
            first: findings.circles.len() as u32,
            second: NONE,
        };
        findings.circles.push(circle);
        findings.add(finding, false);
    }

    /// The shortest circle through an operation that is not settled: the operation, whose messages it polled,
    /// whose that one polled, and so on.
    fn search(&mut self, from: u32) -> Option<(Vec<u32>, Close)> {
        self.searches += 1;
        self.came_from.resize(self.begun.len(), (NONE, 0));
        self.came_from[from as usize] = (NONE, self.searches);
        let mut queue = vec![from];
        let mut next = 0;
        while let Some(&reached) = queue.get(next) {
            next += 1;
            for &sender in self.sources.of(reached) {
                if sender == from {
                    return Some((self.path(reached), Close::Polled));
                }
                let met = self.came_from[sender as usize].1 == self.searches;
                if met || self.settled[sender as usize] {
                    continue;
                }
                self.came_from[sender as usize] = (reached, self.searches);
                if !self.begun[sender as usize] {
                    return Some((self.path(sender), Close::Completed));
                }
                queue.push(sender);
            }
        }
        None
    }

    fn path(&self, mut last: u32) -> Vec<u32> {
        let mut path = Vec::new();
        while last != NONE {
            path.push(last);
            last = self.came_from[last as usize].0;
        }
        path.reverse();
        path
    }

    /// An operation on a circle for which this one waits.
    fn member(&mut self, operation: u32) -> u32 {
        self.searches += 1;
        let mut at = operation;
        while self.came_from[at as usize].1 != self.searches {
            self.came_from[at as usize] = (NONE, self.searches);
            let unsettled = |sender: &&u32| !self.settled[**sender as usize];
            let source = self.sources.of(at).iter().find(unsettled);
            at = source.copied().unwrap_or(at);
        }
        at
    }
}

/// Who sent what an operation polled, one after the other; some come more than once.
fn senders<'a>(
    transcript: &'a Transcript<'_>,
    operation: u32,
) -> impl Iterator<Item = u32> + use<'a> {
    let ok = transcript.outcome(operation) == Outcome::Ok;
    let polled = if ok {
        transcript.polled_by(operation)
    } else {
        &[]
    };
    let mut last = NONE;
    polled.iter().filter_map(move |mention| {
        let sender = transcript.messages.all[mention.message as usize].sender;
        if sender == NONE || sender == operation || sender == last {
            return None;
        }
        last = sender;
        (transcript.outcome(sender) != Outcome::Fail).then_some(sender)
    })
}
