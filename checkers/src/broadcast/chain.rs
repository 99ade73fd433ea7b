//! Why one broadcast happened before another: the shortest chain of messages.
//!
//! Almost always the sender of the second had itself delivered the first: had it not, but learned of it by way of
//! a third message, then the process at fault has either not delivered the third, which is nearer, or had delivered
//! it without the first before. Only where messages are delivered before they are broadcast is that not so, and
//! the chain longer.

use rustc_hash::FxHashSet;

use super::findings::Finding;
use super::transcript::{NONE, Transcript};

/// From a message back to one that happened before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) message: u32,
    /// With which delivery of it the sender of the message before in the chain had learned of it; `NONE` where that
    /// had broadcast it itself.
    pub(super) learned: u32,
}

/// A message that was reached, and from which place in the queue.
#[derive(Clone, Copy, Debug)]
struct Reached {
    link: Link,
    from: usize,
}

/// The message that a finding delivers, and the nearest of another sender that happened before it and that the
/// process had not delivered by then, with those between. Linear in the length of the history.
pub(super) fn shortest(transcript: &Transcript<'_>, finding: &Finding) -> Vec<Link> {
    let delivered = transcript.delivered_by(finding.process);
    let has = delivered.iter().filter(|d| d.operation < finding.delivery);
    let at = delivered.partition_point(|d| d.operation < finding.delivery);
    let mut search = Search {
        transcript,
        sender: transcript.messages[delivered[at].message as usize].sender,
        has: has.map(|delivery| delivery.message).collect(),
        learned: vec![0; transcript.processes.len()],
        sent: vec![0; transcript.processes.len()],
        queue: Vec::new(),
    };
    search.reach(delivered[at].message, NONE, 0);
    let mut next = 0;
    while next < search.queue.len() {
        if search.expand(next) {
            return search.path();
        }
        next += 1;
    }
    vec![search.queue[0].link]
}

struct Search<'a> {
    transcript: &'a Transcript<'a>,
    /// Whose messages are none of ours: they are a matter of FIFO order.
    sender: u32,
    /// What the process had delivered.
    has: FxHashSet<u32>,
    /// How many deliveries and broadcasts of each process were gone through.
    learned: Vec<usize>,
    sent: Vec<usize>,
    queue: Vec<Reached>,
}

impl Search<'_> {
    /// Whether that is what was looked for.
    fn reach(&mut self, message: u32, learned: u32, from: usize) -> bool {
        let about = &self.transcript.messages[message as usize];
        let link = Link { message, learned };
        self.queue.push(Reached { link, from });
        about.chained && about.sender != self.sender && !self.has.contains(&message)
    }

    fn expand(&mut self, place: usize) -> bool {
        let about = &self.transcript.messages[self.queue[place].link.message as usize];
        let (process, until) = (about.sender as usize, about.operation);
        let sent = self.transcript.sent_by(about.sender);
        while let Some(&message) = sent.get(self.sent[process]) {
            if self.transcript.messages[message as usize].operation >= until {
                break;
            }
            self.sent[process] += 1;
            if self.transcript.messages[message as usize].chained
                && self.reach(message, NONE, place)
            {
                return true;
            }
        }
        let delivered = self.transcript.delivered_by(about.sender);
        while let Some(delivery) = delivered.get(self.learned[process]) {
            if delivery.operation > until {
                break;
            }
            self.learned[process] += 1;
            let message = &self.transcript.messages[delivery.message as usize];
            let in_time = self.transcript.in_time(message, delivery.operation);
            if in_time && self.reach(delivery.message, delivery.operation, place) {
                return true;
            }
        }
        false
    }

    fn path(&self) -> Vec<Link> {
        let mut path = Vec::new();
        let mut at = self.queue.len() - 1;
        while at > 0 {
            path.push(self.queue[at].link);
            at = self.queue[at].from;
        }
        path.push(self.queue[0].link);
        path.reverse();
        path
    }
}
