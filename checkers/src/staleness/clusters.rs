//! Values and who wrote and read them: a *cluster* is a write with the reads of its value (Gibbons & Korach
//! 1997, section 3; Golab, Li & Shah 2011, section 4).
//!
//! Clusters exist where it is known of every read which write it read from. Writes of values that nobody read
//! need not differ: each is a cluster of its own. A write of which nobody knows whether it happened is left out
//! if nobody read its value; that leaves every other read at most as stale as it was. The initial value is a
//! write before everything, whose cluster is there if somebody read it.

use crate::linearizability::calls::Call;
use crate::model::Id;
use crate::models::op::RegisterOp;

/// What was done to one register.
pub(super) type RegisterCall = Call<RegisterOp>;

/// A moment: the row of an event and one more. Moment 0 is before the history.
pub(super) type Moment = u32;

fn moment(row: u32) -> Moment {
    row.saturating_add(1)
}

/// A write and the reads of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cluster {
    /// The call that wrote; `None` for the initial value.
    pub(super) write: Option<u32>,
    /// When the write was invoked.
    pub(super) begin: Moment,
    /// When the first operation of the cluster completed. The write comes before that in every order, also if
    /// its own completion was later or never.
    pub(super) first_end: Moment,
    /// The call that completed then.
    pub(super) first_ended: Option<u32>,
    /// When the last operation of the cluster was invoked.
    pub(super) last_begin: Moment,
    /// The call that was invoked then.
    pub(super) last_begun: Option<u32>,
}

impl Cluster {
    /// Whether the cluster must span time: some operation of it ended before another began.
    pub(super) fn is_forward(&self) -> bool {
        self.first_end < self.last_begin
    }

    /// The calls that matter: the write, the first to end, the last to begin.
    pub(super) fn calls(&self) -> impl Iterator<Item = u32> {
        let read = self.last_begun.filter(|_| self.last_begin != self.begin);
        [self.write, self.first_ended, read].into_iter().flatten()
    }
}

/// A read that no bound explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Impossible {
    pub(super) read: u32,
    /// The first write of the value, invoked after the read had completed; `None` if nobody ever wrote it.
    pub(super) write: Option<u32>,
}

/// What is known of a register's reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// These reads returned what nobody can have written by then; there is at least one.
    Impossible(Vec<Impossible>),
    /// Every read has one write that it can have read from. In the order of first ends.
    Clusters(Vec<Cluster>),
    /// Some value has several writes.
    Repeated,
}

/// All that is known of one value.
#[derive(Clone, Copy, Debug)]
struct ReadsOf {
    first_end: Moment,
    first_ended: u32,
    last_end: Moment,
    last_begin: Moment,
    last_begun: u32,
}

/// What was read of each value, by its number.
struct Reads {
    of: Vec<Option<ReadsOf>>,
}

impl Reads {
    fn new(calls: &[RegisterCall], chosen: &[u32]) -> Self {
        let mut of: Vec<Option<ReadsOf>> = vec![None; values(calls, chosen)];
        for &number in chosen {
            let call = &calls[number as usize];
            let RegisterOp::Read(value) = call.op else {
                continue;
            };
            let (begin, end) = (moment(call.invoked), moment(call.completed));
            let reads = of[value.0 as usize].get_or_insert(ReadsOf {
                first_end: end,
                first_ended: number,
                last_end: end,
                last_begin: begin,
                last_begun: number,
            });
            if end < reads.first_end {
                (reads.first_end, reads.first_ended) = (end, number);
            }
            if begin > reads.last_begin {
                (reads.last_begin, reads.last_begun) = (begin, number);
            }
            reads.last_end = reads.last_end.max(end);
        }
        Self { of }
    }

    fn of(&self, value: Id) -> Option<&ReadsOf> {
        self.of[value.0 as usize].as_ref()
    }
}

/// How many values there are, counting by their numbers.
fn values(calls: &[RegisterCall], chosen: &[u32]) -> usize {
    let number = |call: &u32| match calls[*call as usize].op {
        RegisterOp::Read(value) | RegisterOp::Write(value) => value.0 as usize + 1,
        RegisterOp::Cas(..) | RegisterOp::Differs(_) => 1,
    };
    chosen.iter().map(number).max().unwrap_or(0).max(1)
}

/// Finds out what is known of the reads among the chosen calls. Linear but for sorting.
pub(super) fn read(calls: &[RegisterCall], chosen: &[u32]) -> Reading {
    let reads = Reads::new(calls, chosen);
    let impossible = impossible(calls, chosen, &reads);
    if !impossible.is_empty() {
        return Reading::Impossible(impossible);
    }
    let mut known = vec![false; reads.of.len()];
    let mut clusters = Vec::new();
    if let Some(reads) = reads.of(Id::NIL) {
        known[0] = true;
        clusters.push(initial(reads));
    }
    for &number in chosen {
        let call = &calls[number as usize];
        let RegisterOp::Write(value) = call.op else {
            continue;
        };
        let begin = moment(call.invoked);
        match reads.of(value).filter(|reads| begin < reads.last_end) {
            Some(_) if known[value.0 as usize] => return Reading::Repeated,
            Some(reads) => {
                known[value.0 as usize] = true;
                clusters.push(seen(number, call, reads));
            }
            None if call.must => clusters.push(unseen(number, call)),
            None => {}
        }
    }
    clusters.sort_unstable_by_key(|cluster| cluster.first_end);
    Reading::Clusters(clusters)
}

fn initial(reads: &ReadsOf) -> Cluster {
    Cluster {
        write: None,
        begin: 0,
        first_end: 0,
        first_ended: None,
        last_begin: reads.last_begin,
        last_begun: Some(reads.last_begun),
    }
}

fn unseen(number: u32, call: &RegisterCall) -> Cluster {
    Cluster {
        write: Some(number),
        begin: moment(call.invoked),
        first_end: moment(call.completed),
        first_ended: Some(number),
        last_begin: moment(call.invoked),
        last_begun: Some(number),
    }
}

fn seen(number: u32, call: &RegisterCall, reads: &ReadsOf) -> Cluster {
    let mut cluster = unseen(number, call);
    if reads.first_end < cluster.first_end {
        cluster.first_end = reads.first_end;
        cluster.first_ended = Some(reads.first_ended);
    }
    if reads.last_begin > cluster.last_begin {
        cluster.last_begin = reads.last_begin;
        cluster.last_begun = Some(reads.last_begun);
    }
    cluster
}

/// Reads that completed before any write of their value was invoked, in the order of invocation.
fn impossible(calls: &[RegisterCall], chosen: &[u32], reads: &Reads) -> Vec<Impossible> {
    let mut first: Vec<Option<u32>> = vec![None; reads.of.len()];
    for &number in chosen {
        if let RegisterOp::Write(value) = calls[number as usize].op {
            first[value.0 as usize].get_or_insert(number);
        }
    }
    let judge = |&number: &u32| {
        let RegisterOp::Read(value) = calls[number as usize].op else {
            return None;
        };
        let write = first[value.0 as usize];
        let begun = |write: u32| calls[write as usize].invoked < calls[number as usize].completed;
        let possible = value == Id::NIL || write.is_some_and(begun);
        (!possible).then_some(Impossible {
            read: number,
            write,
        })
    };
    chosen.iter().filter_map(judge).collect()
}
