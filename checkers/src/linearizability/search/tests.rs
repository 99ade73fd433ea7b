//! Neither search is slower beside the other than twice what the better one takes alone, counted in steps.

use super::{
    A_TURN, A_TURN_AN_EVENT, Answer, Depth, Found, Levels, Limits, Meter, Reached, Search,
};
use super::{Goal, Plan, SHARE_OF_ENDLESS};
use crate::linearizability::calls::{Call, NEVER};
use crate::linearizability::tests::levels::calls_of;
use crate::linearizability::tests::{Random, objects, random};
use crate::models::op::{CounterOp, QueueOp};
use crate::models::{CasRegister, Counter, FifoQueue, KvAppend, MultiRegister, Semaphore};
use crate::searches::share;
use crate::{Budget, Id, Model};

/// What no search of the test goes beyond.
const STEPS: u64 = 100_000;

/// How many steps each of the two takes alone, if it decides within [`STEPS`], and how many all take together.
#[derive(Debug)]
struct Cost {
    levels: Option<u64>,
    depth: Option<u64>,
    together: u64,
    /// What the last turn of each may be too much.
    turns: u64,
}

fn cost<M: Model>(model: &M, calls: &[Call<M::Op>]) -> Cost {
    let budget = Budget::unlimited();
    let limits = Limits {
        budget: &budget,
        steps: STEPS,
    };
    let plan = Plan::new(model, calls, Goal::Order);
    let starts = [model.initial()];
    let mut meter = Meter::new(limits);
    let mut levels = Levels::new(model, calls, &plan, false);
    levels.start(&starts, &mut meter).expect("there is room");
    let levels = match levels.run(plan.events(), u64::MAX, &mut meter) {
        Ok(Reached::Event | Reached::Nowhere) => Some(meter.steps()),
        Ok(Reached::Quota) | Err(_) => None,
    };
    let mut meter = Meter::new(limits);
    let mut depth = Depth::new(model, &starts, calls, &plan, &mut meter).expect("there is room");
    let depth = match depth.run(u64::MAX, &mut meter) {
        Ok(Found::Answer(_)) => Some(meter.steps()),
        Ok(Found::Quota | Found::Room) | Err(_) => None,
    };
    let twice = Limits {
        budget: &budget,
        steps: STEPS * 4,
    };
    let (_, together) = Search::exists(model, calls, &twice);
    Cost {
        levels,
        depth,
        together,
        turns: 2 * (A_TURN + A_TURN_AN_EVENT * plan.events() as u64),
    }
}

/// Which of the two was better, if one of them decides.
fn assert_shared<M: Model>(model: &M, calls: &[Call<M::Op>]) -> Option<bool> {
    let cost = cost(model, calls);
    let better = [cost.levels, cost.depth].into_iter().flatten().min()?;
    let endless = calls.iter().any(|call| call.completed == NEVER);
    let relaxed = if endless {
        better / SHARE_OF_ENDLESS
    } else {
        0
    };
    assert!(
        cost.together <= 2 * better + relaxed + cost.turns,
        "{}: {cost:?}",
        model.name()
    );
    // Only where the others came to run at all does it say something.
    let both = cost.together > cost.turns / 2;
    both.then(|| cost.levels == Some(better))
}

/// Calls in rounds of so many clients, all of which run side by side.
fn in_rounds<O>(rounds: u32, clients: u32, mut op: impl FnMut(u32, u32) -> O) -> Vec<Call<O>> {
    let mut calls = Vec::new();
    for round in 0..rounds {
        for client in 0..clients {
            let at = round * 2 * clients + client;
            calls.push(Call {
                op: op(round, client),
                invoked: at,
                completed: at + clients,
                must: true,
                operation: calls.len() as u32,
            });
        }
    }
    calls
}

/// Sums that are all different never meet again: only a few orders end where they should.
fn sums(bits: u32, last: i64) -> Vec<Call<CounterOp>> {
    let mut calls = in_rounds(1, bits, |_, client| CounterOp::Add(1 << client));
    // While they run, one sees this.
    for call in &mut calls {
        call.invoked += 1;
        call.completed += 3;
    }
    calls.insert(
        0,
        Call {
            op: CounterOp::Read(last),
            invoked: 0,
            completed: bits + 2,
            must: true,
            operation: 99,
        },
    );
    calls
}

#[test]
fn two_searches_take_at_most_twice_the_steps_of_the_better_one() {
    let mut random = Random::new(61);
    let (mut levels, mut depth) = (0, 0);
    let mut count = |better: Option<bool>| match better {
        Some(true) => levels += 1,
        Some(false) => depth += 1,
        None => {}
    };
    // States that never meet again: additions of powers of two, with a read that is right or wrong.
    for bits in [6, 9, 12] {
        for last in [1, (1 << bits) - 1, 1 << bits, 0b10_1010, -1] {
            count(assert_shared(&Counter, &sums(bits, last)));
        }
    }
    // Queues of many values that all begin at once, and come out in one order.
    for clients in [4_u32, 5, 6, 7] {
        let mut calls = in_rounds(1, clients, |_, client| QueueOp::Enqueue(Id(client + 1)));
        for (at, value) in (1..=clients).rev().enumerate() {
            let invoked = 2 * clients + 2 * at as u32;
            calls.push(Call {
                op: QueueOp::Dequeue(Id(value)),
                invoked,
                completed: invoked + 1,
                must: true,
                operation: calls.len() as u32,
            });
        }
        count(assert_shared(&FifoQueue, &calls));
        // The last one comes out twice.
        if let Some(last) = calls.last_mut() {
            last.op = QueueOp::Dequeue(Id(clients));
        }
        count(assert_shared(&FifoQueue, &calls));
    }
    // States that meet all the time, with lies in every other history.
    for round in 0..share(160) {
        let (operations, processes) = (30 + random.below(60), 7 + random.below(6));
        let mut draw = |subject| {
            let mut ops = random::long(subject, operations, processes, &mut random);
            if round % 2 == 0 {
                random::lies(subject, &mut ops, &mut random);
            }
            ops
        };
        let model = CasRegister {
            observe_failed: false,
        };
        count(assert_shared(
            &model,
            &calls_of(&model, &draw(&objects::CAS_REGISTER)),
        ));
        let model = Semaphore { permits: 3 };
        count(assert_shared(
            &model,
            &calls_of(&model, &draw(&objects::SEMAPHORE)),
        ));
        count(assert_shared(
            &Counter,
            &calls_of(&Counter, &draw(&objects::COUNTER)),
        ));
        count(assert_shared(
            &KvAppend,
            &calls_of(&KvAppend, &draw(&objects::KV)),
        ));
        let ops = draw(&objects::MULTI_REGISTER);
        count(assert_shared(
            &MultiRegister,
            &calls_of(&MultiRegister, &ops),
        ));
        let ops = draw(&objects::FIFO_QUEUE);
        count(assert_shared(&FifoQueue, &calls_of(&FifoQueue, &ops)));
    }
    assert!(levels > 5 && depth > 20, "{levels}, {depth}");
}

/// What decides is the same whichever is the better one.
#[test]
fn a_search_that_has_its_turn_later_still_answers() {
    let budget = Budget::unlimited();
    let limits = Limits::of(&budget);
    let (answer, _) = Search::exists(&Counter, &sums(12, 0b1010_1010), &limits);
    assert!(matches!(answer, Answer::Order(_)), "{answer:?}");
    let (answer, _) = Search::exists(&Counter, &sums(12, -1), &limits);
    assert!(matches!(answer, Answer::Impossible(_)), "{answer:?}");
}
