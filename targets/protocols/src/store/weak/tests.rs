use rand::RngExt;

use super::*;
use crate::random::{Stream, stream};

/// A store, and the place of the next request in its log.
struct World {
    store: Store,
    index: u64,
    weakness: Weakness,
}

impl World {
    fn new(weakness: Weakness) -> Self {
        let (store, index) = (Store::default(), 1);
        Self {
            store,
            index,
            weakness,
        }
    }

    fn apply(&mut self, start: u64, session: u64, command: Command) -> Response {
        let begun = Begun {
            request: Request {
                idempotency_key: format!("{}:op", self.index),
                command,
            },
            start,
            session,
        };
        let answer = self
            .store
            .apply_weakly(0, self.index, &begun, self.weakness);
        self.index += 1;
        answer
    }

    /// Runs a transaction in Elle's short form: `ax1` appends 1 to x, `rx` reads x, `wx1` writes 1 to x.
    fn txn(&mut self, start: u64, session: u64, steps: &str) -> String {
        shown(&self.apply(start, session, Command::Txn(micros(steps))))
    }

    fn read(&self, session: u64, steps: &str) -> String {
        let command = Command::Txn(micros(steps));
        let applied = self.index - 1;
        let answer = self
            .store
            .read_weakly(applied, session, &command, self.weakness);
        shown(&answer)
    }
}

fn micros(steps: &str) -> Vec<Micro> {
    let step = |step: &str| {
        let key = Datum::Text(step[1..2].to_owned());
        let element = || Datum::Int(step[2..].parse().unwrap());
        match &step[..1] {
            "r" => Micro::Read(key),
            "w" => Micro::Write(key, element()),
            _ => Micro::Append(key, element()),
        }
    };
    steps.split(' ').map(step).collect()
}

/// What was read, one word a step, or that it was refused.
fn shown(answer: &Response) -> String {
    let Response::Steps(steps) = answer else {
        return "refused".to_owned();
    };
    let word = |datum: &Datum| match datum {
        Datum::List(list) => list.iter().map(digit).collect(),
        other => digit(other),
    };
    steps.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn digit(datum: &Datum) -> String {
    match datum {
        Datum::Int(digit) => digit.to_string(),
        _ => "-".to_owned(),
    }
}

#[test]
fn a_running_transaction_is_seen_and_so_is_one_that_aborts() {
    let mut world = World::new(Weakness::ReadUncommitted);
    assert_eq!(world.txn(0, 0, "ax1 ax2 ay1"), "- - -");
    assert_eq!(
        world.txn(0, 1, "rx ry az1"),
        "12 - -",
        "all but its last write"
    );
    assert_eq!(world.txn(0, 2, "ax3"), "refused", "x was written since");
    assert_eq!(
        world.txn(2, 3, "rx rx az2"),
        "123 123 -",
        "the append that was undone"
    );
    assert_eq!(world.txn(4, 3, "rx az3"), "12 -");
}

#[test]
fn an_intermediate_version_is_seen() {
    let mut world = World::new(Weakness::ReadUncommitted);
    world.txn(0, 0, "ax1 ax2");
    assert_eq!(world.txn(0, 1, "rx ay1"), "1 -");
}

#[test]
fn each_step_reads_at_a_later_moment() {
    let mut world = World::new(Weakness::ReadCommitted);
    world.txn(0, 0, "ax1 ay1");
    world.txn(1, 0, "ax2 ay2");
    assert_eq!(world.txn(0, 1, "rx rx az1 rx"), "- 1 - 12");
    assert_eq!(
        world.txn(1, 1, "ax3 rx ry"),
        "- 123 12",
        "no step reads before the one before it"
    );
}

#[test]
fn an_update_of_what_was_not_seen_is_merged() {
    let mut world = World::new(Weakness::LostUpdate);
    world.txn(0, 0, "ax1");
    assert_eq!(world.txn(1, 0, "rx ax2"), "1 -");
    assert_eq!(world.txn(1, 1, "rx ax3"), "1 -");
    assert_eq!(world.read(0, "rx"), "123");
    assert_eq!(
        world.txn(1, 1, "ax4 rx"),
        "refused",
        "its snapshot would be torn"
    );
    assert_eq!(world.txn(3, 1, "ax4 rx"), "- 1234");
    world.txn(5, 0, "wy1");
    assert_eq!(world.txn(5, 1, "ry wy2 ry"), "- - 2");
}

#[test]
fn snapshots_skew_but_the_first_committer_wins() {
    let mut world = World::new(Weakness::WriteSkew);
    assert_eq!(world.txn(0, 0, "rx ay1"), "- -");
    assert_eq!(world.txn(0, 1, "ry ax1"), "- -");
    assert_eq!(world.txn(0, 2, "ax2"), "refused");
    assert_eq!(world.txn(1, 2, "ry rx az1 rz"), "1 - - 1");
    assert_eq!(world.read(0, "rx ry"), "1 1");
}

#[test]
fn two_sites_see_two_writes_in_opposite_orders() {
    let mut world = World::new(Weakness::LongFork);
    world.txn(0, 0, "ax1");
    world.txn(0, 1, "ay1");
    assert_eq!(world.read(2, "rx ry"), "1 -");
    assert_eq!(world.read(3, "rx ry"), "- 1");
    assert_eq!(world.txn(2, 3, "rx ay2 ry"), "- - 12");
    assert_eq!(
        world.txn(3, 2, "ay3"),
        "refused",
        "it has not seen all of y"
    );
    for _ in 0..APART {
        world.apply(world.index - 1, 0, Command::Add(Datum::Nil, 1));
    }
    assert_eq!(world.read(2, "rx ry"), "1 12");
    assert_eq!(world.read(3, "rx ry"), "1 12");
    assert_eq!(world.txn(world.index - 1, 2, "ay3"), "-");
}

#[test]
fn a_stale_snapshot_is_refreshed_and_holds_what_its_session_wrote() {
    let mut world = World::new(Weakness::StaleSnapshot);
    while world.index < REFRESHED {
        world.txn(0, 0, "ax1");
    }
    assert_eq!(world.read(1, "rx"), "-");
    assert_eq!(world.read(0, "rx").len() as u64, REFRESHED - 1);
    assert_eq!(
        world.txn(0, 1, "ay1 rx"),
        format!("- {}", world.read(0, "rx"))
    );
    assert_eq!(world.read(2, "ry"), "1");
}

#[test]
fn what_is_forgotten_cannot_be_a_snapshot() {
    let mut world = World::new(Weakness::WriteSkew);
    for _ in 0..1_000 {
        world.txn(world.index - 1, 0, "wx1");
    }
    assert_eq!(world.txn(0, 1, "ry az1"), "refused");
    assert_eq!(world.txn(world.index - 100, 1, "ry az1"), "- -");
    let past = serde_json::to_value(&world.store.past).unwrap();
    assert!(past["commits"].as_array().unwrap().len() < 300);
}

#[test]
fn a_retry_is_answered_as_the_first_attempt_was() {
    let mut world = World::new(Weakness::WriteSkew);
    let request = |key: &str| Request {
        idempotency_key: key.to_owned(),
        command: Command::Txn(micros("rx ax1")),
    };
    for (start, key, answer) in [
        (0, "a", "- -"),
        (1, "a", "- -"),
        (0, "b", "refused"),
        (2, "b", "refused"),
    ] {
        let begun = Begun {
            request: request(key),
            start,
            session: 0,
        };
        let given = world
            .store
            .apply_weakly(0, world.index, &begun, world.weakness);
        assert_eq!(shown(&given), answer, "{key} from {start}");
        world.index += 1;
    }
    assert_eq!(world.read(0, "rx"), "1");
}

fn random_steps(random: &mut Stream, element: u64) -> String {
    let step = |number| {
        let key = ["x", "y", "z"][random.random_range(0..3_u64) as usize];
        match random.random_range(0..2_u32) {
            0 => format!("r{key}"),
            _ => format!("a{key}{}", 10 * element + number),
        }
    };
    (0..3).map(step).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_replica_that_was_restored_goes_on_as_the_others_do() {
    for weakness in [
        Weakness::ReadUncommitted,
        Weakness::ReadCommitted,
        Weakness::LostUpdate,
        Weakness::WriteSkew,
        Weakness::LongFork,
        Weakness::StaleSnapshot,
    ] {
        let mut random = stream(1, "weak stores");
        let (mut one, mut other) = (World::new(weakness), World::new(weakness));
        for element in 0..300 {
            let steps = random_steps(&mut random, element);
            let back = random.random_range(0..5_u64);
            let start = (one.index - 1).saturating_sub(back);
            let session = random.random_range(0..4_u64);
            assert_eq!(
                one.txn(start, session, &steps),
                other.txn(start, session, &steps)
            );
            assert_eq!(one.read(session, "rx ry"), other.read(session, "rx ry"));
            if random.random_range(0..100_u32) == 0 {
                let text = serde_json::to_string(&other.store).unwrap();
                other.store = serde_json::from_str(&text).unwrap();
                assert_eq!(one.store, other.store);
            }
        }
    }
}

#[test]
fn a_store_without_a_weakness_remembers_nothing() {
    let mut store = Store::default();
    let request = Request {
        idempotency_key: "1:txn".to_owned(),
        command: Command::Txn(micros("ax1 rx")),
    };
    store.apply(0, &request, true);
    assert!(store.past.is_empty());
    assert!(!serde_json::to_string(&store).unwrap().contains("past"));
}
