//! Small histories at random: what clients of atomic objects could have seen, with lies, put together in
//! another order of time.

use rupture_history::Outcome;

use super::oracle::{self, Step};
use super::search::parts;
use crate::linearizability::tests::objects::Subject;
use crate::linearizability::tests::random::{self, Random};

/// How often an object is asked again until its answers have an order.
const TRIES: usize = 20;

/// A history of so many operations at most on so many objects. Each object is asked by itself, and the
/// operations of each process are then put together in any order, or so that some processes ask one object
/// first and others another. So even where every object by itself has an order, which is made sure of half of
/// the time, the whole need not have one.
pub(super) fn history(
    subject: &Subject,
    keys: usize,
    most: usize,
    random: &mut Random,
) -> Vec<Step> {
    let mut processes: Vec<Vec<Step>> = Vec::new();
    let fits = keys > 1 && random.below(2) == 0;
    let names = match (fits, random.below(2)) {
        (true, more) => Some(2 + more as i64),
        // A process that did not learn of its operation goes on under its own name, or under another.
        (false, 0) => Some(4),
        (false, _) => None,
    };
    let crossed = fits && random.below(4) > 0;
    for key in 0..keys {
        let most = most.div_ceil(keys).max(3);
        let mut steps = on_key(subject, key, most, names, random);
        for _ in 0..TRIES {
            if !fits || oracle::has_order(subject, keys, &steps, &parts(&steps)) {
                break;
            }
            steps = on_key(subject, key, most, names, random);
        }
        for step in steps {
            insert(&mut processes, step, crossed, random);
        }
    }
    in_time(processes, random)
}

fn on_key(
    subject: &Subject,
    key: usize,
    most: usize,
    names: Option<i64>,
    random: &mut Random,
) -> Vec<Step> {
    let ops = random::history(subject, most, random);
    let step = |mut op: crate::linearizability::tests::oracle::Op| {
        op.process = names.map_or(op.process, |names| op.process % names);
        Step { key, op }
    };
    ops.into_iter().map(step).collect()
}

/// Puts an operation somewhere after what its process did to the same object.
fn insert(processes: &mut Vec<Vec<Step>>, step: Step, crossed: bool, random: &mut Random) {
    let process = step.op.process as usize;
    if processes.len() <= process {
        processes.resize(process + 1, Vec::new());
    }
    let steps = &mut processes[process];
    let last = steps.iter().rposition(|other| other.key == step.key);
    let first = last.map_or(0, |last| last + 1);
    let place = match (crossed, process % 2) {
        (true, 0) => steps.len(),
        (true, _) => first,
        (false, _) => first + random.below(steps.len() + 1 - first),
    };
    steps.insert(place, step);
}

/// Gives every event a moment: each process does one thing after another, and nothing else is sure.
pub(super) fn in_time(mut processes: Vec<Vec<Step>>, random: &mut Random) -> Vec<Step> {
    for (process, steps) in processes.iter_mut().enumerate() {
        let last = steps.len().saturating_sub(1);
        for (at, step) in steps.iter_mut().enumerate() {
            step.op.process = process as i64;
            if at < last {
                step.op.recorded = step.op.recorded.or(Some(0));
            }
            if step.op.recorded.is_none() {
                step.op.outcome = Outcome::Info;
            }
        }
    }
    // How far each process is, in events.
    let mut next = vec![0; processes.len()];
    let mut moment = 0;
    let stays = 1 + random.below(6);
    let mut at = 0;
    while (0..next.len()).any(|process| next[process] < 2 * processes[process].len()) {
        if random.below(stays) == 0 {
            at = random.below(next.len());
        }
        let Some(step) = processes[at].get_mut(next[at] / 2) else {
            at = random.below(next.len());
            continue;
        };
        moment += 2;
        if usize::is_multiple_of(next[at], 2) {
            step.op.invoked = moment;
        } else if step.op.recorded.is_some() {
            step.op.recorded = Some(moment);
        }
        next[at] += 1;
    }
    let mut steps = processes.concat();
    steps.sort_by_key(|step| step.op.invoked);
    steps
}
