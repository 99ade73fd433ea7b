//! The generator of histories is held against the judges: what it calls valid is valid, and every violation
//! that it plants is one.

#[allow(dead_code, unreachable_pub)]
mod common;

use common::{Fate, Length, Object, Traffic, Violation};
use rupture_checkers::history::{Kind, Validity};
use rupture_checkers::{Budget, Options, checker};

const OBJECTS: [Object; 11] = [
    Object::Register,
    Object::KeyValue { keys: 4 },
    Object::CasRegister,
    Object::Set,
    Object::RepeatedSet { elements: 4 },
    Object::GrowingSet { reads: 20 },
    Object::FifoQueue(Length::Short),
    Object::FifoQueue(Length::Long),
    Object::Stack(Length::Short),
    Object::Stack(Length::Long),
    Object::PriorityQueue(Length::Short),
];

const SEEDS: u64 = 24;

/// What a search of a history that has no other judge may take.
const BYTES: usize = 4 << 20;

fn traffic(object: Object, seed: u64) -> Traffic {
    Traffic {
        object,
        operations: if object.is_long() { 36 } else { 70 },
        clients: 2 + (seed % 2) as usize,
        pause_ns: [1e5, 4e6][(seed / 2 % 3 / 2) as usize],
        lost_per_mille: 20 * (seed / 2 % 2),
        fate: [Fate::Soon, Fate::Any][(seed / 4 % 2) as usize],
        seed,
        ..Traffic::CONTENDED
    }
}

/// What the judge says; `None` if there was no place for the violation.
fn judge(traffic: &Traffic) -> Option<Validity> {
    let history = traffic.generate()?;
    let options = Options {
        independent: traffic.object.independent(),
        ..Options::default()
    };
    let judge = checker(traffic.object.model(), None, &options).unwrap();
    Some(
        judge
            .check(&history, &Budget::unlimited().with_bytes(BYTES))
            .unwrap()
            .validity,
    )
}

/// Judges with and without a violation; the search may run out of memory on a few of them.
fn hold_against_the_judge(object: Object, violation: Option<Violation>, expected: Validity) {
    let (mut judged, mut unknown) = (0, 0);
    for seed in 0..SEEDS {
        let traffic = Traffic {
            violation,
            ..traffic(object, seed)
        };
        match judge(&traffic) {
            None => {}
            Some(Validity::Unknown) => unknown += 1,
            Some(verdict) => {
                assert_eq!(verdict, expected, "{traffic:?}");
                judged += 1;
            }
        }
    }
    assert!(
        judged * 4 >= SEEDS && unknown * 4 <= SEEDS,
        "{object:?} {violation:?}: {judged} judged, {unknown} unknown"
    );
}

#[test]
fn without_a_violation_every_history_is_valid() {
    for object in OBJECTS {
        hold_against_the_judge(object, None, Validity::Valid);
    }
}

#[test]
fn every_violation_that_is_planted_is_one() {
    for object in OBJECTS {
        for &violation in object.violations() {
            hold_against_the_judge(object, Some(violation), Validity::Invalid);
        }
    }
}

#[test]
fn every_function_and_outcome_occurs() {
    for object in OBJECTS {
        let traffic = Traffic {
            operations: 3_000,
            lost_per_mille: 10,
            fate: Fate::Any,
            ..traffic(object, 1)
        };
        let history = traffic.generate().unwrap();
        assert_eq!(history.operations().unwrap().len(), 3_000, "{object:?}");
        let count = |kind: Kind| history.iter().filter(|event| event.kind() == kind).count();
        assert_eq!(count(Kind::Invoke), 3_000);
        assert!((10..60).contains(&count(Kind::Info)), "{object:?}");
        assert_eq!(count(Kind::Fail) > 0, object == Object::CasRegister);
        assert_eq!(history.first_time_disorder(), None);
    }
}

/// A container that is short stays so however long the history is, and is empty now and then.
#[test]
fn a_short_container_stays_short() {
    for object in OBJECTS.into_iter().filter(|it| it.violations().len() == 5) {
        let traffic = Traffic {
            object,
            operations: 40_000,
            ..Traffic::CONTENDED
        };
        let history = traffic.generate().unwrap();
        let is_take = |f: &str| ["dequeue", "pop", "extract-max"].contains(&f);
        let (mut held, mut most, mut empty) = (0_i64, 0, 0);
        for event in history.iter().filter(|event| event.kind() == Kind::Ok) {
            match (is_take(event.f()), event.value().is_nil()) {
                (false, _) => held += 1,
                (true, false) => held -= 1,
                (true, true) => empty += 1,
            }
            most = most.max(held);
        }
        let long = object.is_long();
        assert_eq!(most > 9_000, long, "{object:?}: {most}");
        assert!(
            long || (most < 60 && empty > 100),
            "{object:?}: {most}, {empty}"
        );
    }
}

/// The violations of the table of bars have a place at twenty clients.
#[test]
fn twenty_clients_leave_a_place_for_every_violation() {
    for object in OBJECTS {
        for &violation in object.violations() {
            let traffic = Traffic {
                object,
                operations: 10_000,
                violation: Some(violation),
                ..Traffic::CONTENDED
            };
            assert!(traffic.generate().is_some(), "{traffic:?}");
        }
    }
}

/// Run by hand, in release: how long a million operations take, and ten million.
#[test]
#[ignore = "it is long, and takes 4 GB"]
fn large_histories() {
    for operations in [1_000_000, 10_000_000] {
        for object in OBJECTS {
            let keys = operations as u32 / 10;
            let object = match object {
                Object::KeyValue { .. } => Object::KeyValue { keys },
                other => other,
            };
            let violation = object.violations().first().copied();
            let traffic = Traffic {
                object,
                operations,
                violation,
                ..Traffic::CONTENDED
            };
            let start = std::time::Instant::now();
            let history = traffic.generate().unwrap();
            println!("{object:?} {} {:?}", history.len(), start.elapsed());
        }
    }
}
