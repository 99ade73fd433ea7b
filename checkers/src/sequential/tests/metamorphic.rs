//! What must not change an answer.

use crate::searches::share;
use rupture_history::Validity;

use super::oracle::{self, Step};
use super::random;
use super::search::judge;
use crate::linearizability::tests::objects::{self, Subject};
use crate::linearizability::tests::random::Random;
use crate::models::{CasRegister, FifoQueue, KvAppend, Register, Set, Stack};
use crate::{Budget, Checker, Linearizable, Model};

const HISTORIES: usize = share(600);
const MOST: usize = 10;

fn by_process(steps: &[Step]) -> Vec<Vec<Step>> {
    let most = steps.iter().map(|step| step.op.process).max().unwrap_or(0);
    let mut processes = vec![Vec::new(); most as usize + 1];
    for step in steps {
        processes[step.op.process as usize].push(step.clone());
    }
    processes
}

fn hold<M: Model + Copy>(model: M, subject: &Subject, seed: u64) {
    let mut random = Random::new(seed);
    let mut linear = 0;
    for number in 0..HISTORIES {
        let keys = 1 + number % 3;
        let steps = random::history(subject, keys, MOST, &mut random);
        let validity = judge(model, keys, &steps).validity;
        let mut processes = by_process(&steps);
        let moved = random::in_time(processes.clone(), &mut random);
        assert_eq!(
            judge(model, keys, &moved).validity,
            validity,
            "moved in time: {steps:#?}"
        );
        processes.reverse();
        let renamed = random::in_time(processes, &mut random);
        assert_eq!(
            judge(model, keys, &renamed).validity,
            validity,
            "other names: {steps:#?}"
        );
        let history = oracle::history(&moved, keys > 1);
        let strict = Linearizable::new(model)
            .independent(keys > 1 && model.name() != "kv-append")
            .check(&history, &Budget::unlimited())
            .unwrap();
        if strict.validity == Validity::Valid {
            linear += 1;
            assert_eq!(validity, Validity::Valid, "linearizable: {moved:#?}");
        }
    }
    assert!(linear > HISTORIES / 10, "{linear}");
}

#[test]
fn time_and_names_change_nothing_and_linearizable_is_sequential() {
    let cas = CasRegister {
        observe_failed: false,
    };
    hold(Register, &objects::REGISTER, 51);
    hold(cas, &objects::CAS_REGISTER, 52);
    hold(KvAppend, &objects::KV, 53);
    hold(Set, &objects::SET, 54);
    hold(FifoQueue, &objects::FIFO_QUEUE, 55);
    hold(Stack, &objects::STACK, 56);
}
