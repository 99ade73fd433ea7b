//! G1c: operations that polled each other's messages in a circle, real time included.
//!
//! A step of a circle leads from an operation to one that polled a message it sent, or to one that was invoked
//! after it had completed `ok`. Operations that failed take no part (who polls their messages is G1a), and
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
//! could hide one that does not, and is worse, because an operation is on both.

use rupture_history::Outcome;

use super::findings::{Finding, Findings};
use super::kind::LogAnomaly;
use super::numbers::NONE;
use super::transcript::Transcript;

/// How many circles are told; others are only counted.
const TOLD: usize = 8;

/// Finds circles.
pub(super) fn circles(transcript: &Transcript<'_>, findings: &mut Findings) {
    let nothing = vec![false; transcript.len() as usize];
    let mut sweep = Sweep::new(transcript, nothing);
    for number in 0..transcript.len() {
        sweep.begin(number);
    }
    for number in 0..transcript.len() {
        sweep.complete(number, findings);
    }
    let forced = std::mem::take(&mut sweep.forced);
    timed(transcript, Sweep::new(transcript, forced), findings);
}

/// Circles that close by real time.
fn timed(transcript: &Transcript<'_>, mut sweep: Sweep<'_>, findings: &mut Findings) {
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
}

struct Sweep<'a> {
    transcript: &'a Transcript<'a>,
    begun: Vec<bool>,
    settled: Vec<bool>,
    /// What is settled as soon as it begins, or was before all that it waits for: circles are open there.
    forced: Vec<bool>,
    /// How many of the messages that each operation waits for are of others that are not settled.
    waits_for: Vec<u32>,
    /// Who polled messages of each operation: those of one lie between its number and the next.
    pollers: Vec<u32>,
    first_poller: Vec<u32>,
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
    fn new(transcript: &'a Transcript<'a>, forced: Vec<bool>) -> Self {
        let len = transcript.len() as usize;
        let mut waits_for = vec![0; len];
        let mut first_poller = vec![0; len + 1];
        for operation in 0..transcript.len() {
            for sender in senders(transcript, operation) {
                waits_for[operation as usize] += 1;
                first_poller[sender as usize + 1] += 1;
            }
        }
        for number in 0..len {
            first_poller[number + 1] += first_poller[number];
        }
        let mut next = first_poller.clone();
        let mut pollers = vec![NONE; first_poller[len] as usize];
        for operation in 0..transcript.len() {
            for sender in senders(transcript, operation) {
                let next = &mut next[sender as usize];
                pollers[*next as usize] = operation;
                *next += 1;
            }
        }
        Self {
            transcript,
            begun: vec![false; len],
            settled: vec![false; len],
            forced,
            waits_for,
            pollers,
            first_poller,
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
            let at = settled as usize;
            for edge in self.first_poller[at]..self.first_poller[at + 1] {
                let poller = self.pollers[edge as usize] as usize;
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
            if findings.circles.len() >= TOLD {
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
            Close::Polled => LogAnomaly::G1c,
            Close::Completed if process(first) == process(last) => LogAnomaly::G1cProcess,
            Close::Completed => LogAnomaly::G1cRealtime,
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
            for sender in senders(self.transcript, reached) {
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
            let unsettled = |sender: &u32| !self.settled[*sender as usize];
            at = senders(self.transcript, at).find(unsettled).unwrap_or(at);
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
