//! From a history without an order to the few operations that prove it.
//!
//! Leaving out a write changes the question: without the write of 3 a read of 3 is impossible although the
//! history was fine. So operations are *weakened*, as in linearizability: a read may be dropped, and what may
//! have changed the state is taken for something that perhaps happened, in its place in the order of its
//! process, or did not. Every order of the whole is an order of the weakened history too. Whole objects may be
//! left out as well: no other would miss them.
//!
//! A prefix of the history is no part of the question here: an operation may read what is written only later.
//! So a long history is not cut but weakened from some moment on.
//!
//! The proof has two sets. `must` is a smallest set of operations such that no order exists if these happened,
//! whichever of all the others did. `may` are the others that take part: with those alone, each operation of
//! `must` is still needed. Smallest means that no member can be left out (Zeller & Hildebrandt 2002,
//! 1-minimal). Everything is bounded: a search that is cut short proves nothing, and what it was about is kept.

use rupture_history::Operation;

use super::program::{Program, Role, program_bytes};
use super::search::{Answer, Limits, Search};
use crate::linearizability::calls::Part;
use crate::{Budget, Model};

/// How much more than the verdict one test may cost, and all of them.
const STEPS_A_TEST: u64 = 2;
const STEPS_IN_ALL: u64 = 40;
const STEPS_AT_LEAST: u64 = 50_000;

/// What has no order.
#[derive(Debug)]
pub(super) struct Subject<'a, M: Model> {
    pub(super) model: &'a M,
    pub(super) parts: &'a [Part<M::Op>],
    pub(super) operations: &'a [Operation],
    pub(super) budget: &'a Budget<'a>,
}

/// The operations that prove a violation, by their numbers in the history; both sets are sorted.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    /// These happened, and that is impossible.
    pub(super) must: Vec<u32>,
    /// Whether or not these did.
    pub(super) may: Vec<u32>,
    /// Whether it was shown that none can be left out.
    pub(super) smallest: bool,
}

impl Proof {
    /// All of them in the order of invocation.
    pub(super) fn operations(&self) -> Vec<u32> {
        let mut all = [&self.must[..], &self.may[..]].concat();
        all.sort_unstable();
        all
    }

    pub(super) fn has(&self, operation: u32) -> bool {
        self.must.binary_search(&operation).is_ok() || self.may.binary_search(&operation).is_ok()
    }

    /// Whether some of them are on this object.
    pub(super) fn touches<O>(&self, part: &Part<O>) -> bool {
        part.calls.iter().any(|call| self.has(call.operation))
    }
}

/// Shrinks a subject that was found to have no order in so many steps.
pub(super) fn shrink<M: Model>(subject: &Subject<'_, M>, steps: u64) -> Proof {
    let calls: usize = subject.parts.iter().map(|part| part.calls.len()).sum();
    let whole = steps + calls as u64;
    let mut shrinker = Shrinker {
        subject,
        kept: vec![true; subject.operations.len()],
        steps_a_test: whole.saturating_mul(STEPS_A_TEST).max(STEPS_AT_LEAST),
        steps_left: whole.saturating_mul(STEPS_IN_ALL).max(STEPS_AT_LEAST * 20),
        doubt: false,
    };
    shrinker.leave_out_objects();
    let mut must = shrinker.first_to_end();
    let reads = shrinker.reads(&must);
    shrinker.leave_out(&mut must, &reads);
    let all = must.clone();
    shrinker.leave_out(&mut must, &all);
    let may = shrinker.smallest_may(&must);
    Proof {
        must,
        may,
        smallest: !shrinker.doubt,
    }
}

struct Shrinker<'a, M: Model> {
    subject: &'a Subject<'a, M>,
    /// Which operations are on objects that were kept.
    kept: Vec<bool>,
    steps_a_test: u64,
    steps_left: u64,
    /// Whether a test was stopped, so that something may have been kept without need.
    doubt: bool,
}

impl<M: Model> Shrinker<'_, M> {
    /// Looks for an order in which operations take part as `role` says.
    fn decide(&mut self, role: impl Fn(u32) -> Role) -> Answer {
        let Subject {
            model,
            parts,
            operations,
            budget,
        } = self.subject;
        let steps = self.steps_a_test.min(self.steps_left);
        if steps == 0 || budget.is_over() || program_bytes(parts) > budget.bytes() {
            self.doubt = true;
            return Answer::Stopped(super::search::Stop::Steps);
        }
        let role = |operation: u32| {
            if self.kept[operation as usize] {
                role(operation)
            } else {
                Role::Out
            }
        };
        let program = Program::new(*model, parts, operations, role);
        let limits = Limits {
            budget,
            held: program.bytes(),
            steps,
        };
        let finding = Search::decide(*model, &program, &limits);
        let cost = finding.steps + program.entries.len() as u64 / 8 + 1;
        self.steps_left = self.steps_left.saturating_sub(cost);
        if let Answer::Stopped(_) = finding.answer {
            self.doubt = true;
        }
        finding.answer
    }

    /// Whether no order exists if these happened, whatever the others did.
    fn impossible(&mut self, must: &[u32]) -> bool {
        let role = |operation| match must.binary_search(&operation) {
            Ok(_) => Role::AsTold,
            Err(_) => Role::Weakened,
        };
        self.decide(role) == Answer::Impossible
    }

    /// Leaves out the objects that can be.
    fn leave_out_objects(&mut self) {
        let mut parts: Vec<usize> = (0..self.subject.parts.len()).collect();
        let mut size = parts.len().div_ceil(2);
        while size > 0 && parts.len() > 1 {
            let mut needed = Vec::new();
            for piece in parts.chunks(size) {
                self.keep(piece, false);
                if self.decide(|_| Role::AsTold) != Answer::Impossible {
                    self.keep(piece, true);
                    needed.extend_from_slice(piece);
                }
            }
            parts = needed;
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn keep(&mut self, parts: &[usize], kept: bool) {
        for &part in parts {
            for call in &self.subject.parts[part].calls {
                self.kept[call.operation as usize] = kept;
            }
        }
    }

    /// What happened, in the order of completion.
    fn happened(&self) -> Vec<u32> {
        let calls = self.subject.parts.iter().flat_map(|part| &part.calls);
        let mut all: Vec<(u32, u32)> = calls
            .filter(|call| call.must && self.kept[call.operation as usize])
            .map(|call| (call.completed, call.operation))
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(_, operation)| operation).collect()
    }

    /// The fewest of the first to complete that will do. What is impossible stays so with more.
    fn first_to_end(&mut self) -> Vec<u32> {
        let all = self.happened();
        let head = |count: usize| {
            let mut head = all[..count].to_vec();
            head.sort_unstable();
            head
        };
        let (mut low, mut high) = (0, all.len());
        while low + 1 < high {
            let middle = usize::midpoint(low, high);
            if self.impossible(&head(middle)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        head(high)
    }

    fn reads(&self, among: &[u32]) -> Vec<u32> {
        let calls = self.subject.parts.iter().flat_map(|part| &part.calls);
        let mut reads: Vec<u32> = calls
            .filter(|call| self.subject.model.is_read(&call.op))
            .map(|call| call.operation)
            .filter(|operation| among.binary_search(operation).is_ok())
            .collect();
        reads.sort_unstable();
        reads
    }

    /// Leaves out what it can of the candidates, large pieces first. One pass of single ones is enough: what
    /// is needed now is needed in every smaller set.
    fn leave_out(&mut self, must: &mut Vec<u32>, candidates: &[u32]) {
        let mut candidates = candidates.to_vec();
        let mut size = candidates.len().div_ceil(2);
        while size > 0 && !candidates.is_empty() {
            let mut needed = Vec::new();
            for piece in candidates.chunks(size) {
                let mut without = must.clone();
                without.retain(|operation| piece.binary_search(operation).is_err());
                if !without.is_empty() && self.impossible(&without) {
                    *must = without;
                } else {
                    needed.extend_from_slice(piece);
                }
            }
            candidates = needed;
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    /// The others that take part: without them, some operation of `must` would seem needless.
    fn smallest_may(&mut self, must: &[u32]) -> Vec<u32> {
        let mut may: Vec<u32> = Vec::new();
        for &weakened in must {
            let role = |operation| {
                if operation != weakened && must.binary_search(&operation).is_ok() {
                    Role::AsTold
                } else {
                    Role::Weakened
                }
            };
            if let Answer::Order(order) = self.decide(role) {
                may.extend(order);
            }
        }
        may.sort_unstable();
        may.dedup();
        may.retain(|operation| must.binary_search(operation).is_err());
        let mut size = may.len().div_ceil(2);
        while size > 0 && !may.is_empty() {
            for piece in may.clone().chunks(size) {
                let mut fewer = may.clone();
                fewer.retain(|operation| piece.binary_search(operation).is_err());
                if self.all_needed(must, &fewer) {
                    may = fewer;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
        may
    }

    /// Whether there is an order once any one of `must` is weakened, with no others than these.
    fn all_needed(&mut self, must: &[u32], may: &[u32]) -> bool {
        must.iter().all(|&weakened| {
            let role = |operation| {
                if operation == weakened || may.binary_search(&operation).is_ok() {
                    Role::Weakened
                } else if must.binary_search(&operation).is_ok() {
                    Role::AsTold
                } else {
                    Role::Out
                }
            };
            matches!(self.decide(role), Answer::Order(_))
        })
    }
}
