//! Transactions of many reads, which are looked at by key and not two by two.

use crate::searches::share;
use rupture_history::Outcome;

use super::case::{Case, Op, Txn};
use super::oracle::Facts;
use super::random::Random;
use crate::isolation::Level;
use crate::isolation::weak::Ruling;

const LEVELS: [Level; 2] = [Level::ReadAtomic, Level::MonotonicAtomicView];

/// Up to this many reads of a transaction are looked at two by two.
const FEW: usize = 16;

fn txn(number: usize, ops: Vec<Op>) -> Txn {
    Txn {
        process: number as i64,
        outcome: Outcome::Ok,
        ops,
    }
}

/// A few transactions that write, and one that reads again and again what they left: from one snapshot or while they
/// commit, and now and then something else.
fn case(random: &mut Random) -> Case {
    let writers = 2 + random.below(4);
    let mut case = Case::default();
    // By commits: the last values.
    let mut states = vec![[0_i64; 3]];
    for number in 0..writers {
        let (mut ops, mut state) = (Vec::new(), states[number]);
        for (key, last) in state.iter_mut().enumerate() {
            if random.below(3) > 0 {
                *last = number as i64 + 1;
                ops.push(Op {
                    writes: true,
                    key,
                    value: *last,
                });
            }
        }
        states.push(state);
        case.0.push(txn(number, ops));
    }
    let goes_on = random.one_in(2);
    let mut snapshot = random.below(writers + 1);
    let mut ops = Vec::new();
    for _ in 0..FEW + 5 + random.below(12) {
        if goes_on && random.one_in(6) {
            snapshot = writers.min(snapshot + 1);
        }
        let key = random.below(3);
        let seen = match random.below(40) {
            0 => random.below(writers + 1),
            _ => snapshot,
        };
        ops.push(Op {
            writes: false,
            key,
            value: states[seen][key],
        });
    }
    case.0.push(txn(writers, ops));
    case
}

#[test]
fn what_transactions_of_many_reads_saw_is_judged_as_by_the_definitions() {
    let mut held = [0; 2];
    let histories = share(6_000) as u64;
    for seed in 0..histories {
        let case = case(&mut Random::new(17 << 40 | seed));
        let facts = Facts::of(&case);
        for (at, ruling) in case.judge(&LEVELS).into_iter().enumerate() {
            let holds = facts.holds(LEVELS[at]);
            assert_eq!(
                ruling == Ruling::Holds,
                holds,
                "{} {case:?} {ruling:?}",
                LEVELS[at]
            );
            held[at] += u64::from(holds);
        }
    }
    let both = held.map(|held| held > histories / 20 && held < histories * 19 / 20);
    assert_eq!(both, [true; 2], "{held:?}");
}
