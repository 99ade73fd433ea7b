//! The judges that count, as Jepsen's do, against their definitions: every count by loops over all operations, on
//! random histories; and of each anomaly a smallest example.

use std::collections::BTreeMap;

use rupture_checkers::history::{Event, History, Kind, Validity, Value, Verdict, codec};
use rupture_checkers::{Budget, Options, checker};

fn judge(model: &str, options: &Options, history: &History) -> Verdict {
    let judge = checker(model, None, options).unwrap();
    judge.check(history, &Budget::unlimited()).unwrap()
}

/// A xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// An operation by a process of its own.
#[derive(Clone, Debug)]
struct Op {
    f: &'static str,
    argument: Value,
    result: Value,
    invoked: usize,
    /// The row of its completion, and what that says.
    ended: Option<(usize, Kind)>,
}

impl Op {
    fn is_ok(&self) -> bool {
        matches!(self.ended, Some((_, Kind::Ok)))
    }

    fn failed(&self) -> bool {
        matches!(self.ended, Some((_, Kind::Fail)))
    }

    /// The row of its `ok`.
    fn known(&self) -> usize {
        self.ended
            .filter(|_| self.is_ok())
            .map_or(usize::MAX, |(row, _)| row)
    }
}

/// Up to seven operations whose events are in any order.
fn random(
    random: &mut Random,
    draw: &mut dyn FnMut(&mut Random) -> (&'static str, Value, Value),
) -> (Vec<Op>, History) {
    let mut ops: Vec<Op> = Vec::new();
    let mut history = History::new();
    let mut running: Vec<usize> = Vec::new();
    let all = 1 + random.below(7);
    for row in 0.. {
        if ops.len() < all && (running.is_empty() || random.below(2) == 0) {
            let (f, argument, result) = draw(random);
            history.push(&Event::new(
                ops.len() as i64,
                Kind::Invoke,
                f,
                argument.clone(),
            ));
            running.push(ops.len());
            ops.push(Op {
                f,
                argument,
                result,
                invoked: row,
                ended: None,
            });
        } else if !running.is_empty() && (ops.len() < all || random.below(6) > 0) {
            let number = running.swap_remove(random.below(running.len()));
            let kind = [
                Kind::Ok,
                Kind::Ok,
                Kind::Ok,
                Kind::Ok,
                Kind::Fail,
                Kind::Info,
            ][random.below(6)];
            let op = &mut ops[number];
            op.ended = Some((row, kind));
            let value = if kind == Kind::Ok {
                &op.result
            } else {
                &op.argument
            };
            history.push(&Event::new(number as i64, kind, op.f, value.clone()));
        } else {
            break;
        }
    }
    (ops, history)
}

fn ints(numbers: &[i64]) -> Value {
    Value::Vector(numbers.iter().map(|&n| Value::Int(n)).collect())
}

/// What the definition says of a history: of nothing seen nothing, of something wrong that, of something open nothing.
fn expect(ops: &[Op], observed: bool, wrong: bool, open: bool) -> Validity {
    let seen = ops.iter().any(Op::is_ok);
    match (wrong, seen && observed && !open) {
        (true, _) => Validity::Invalid,
        (false, true) => Validity::Valid,
        (false, false) => Validity::Unknown,
    }
}

fn note<'a>(verdict: &'a Verdict, words: &str) -> &'a str {
    let found = verdict.notes.iter().find(|note| note.contains(words));
    found.unwrap_or_else(|| panic!("no {words} in {verdict:#?}"))
}

const HISTORIES: usize = 4_000;

/// Runs a comparison on many histories, and wants every answer among them.
fn compare(
    mut draw: impl FnMut(&mut Random) -> (&'static str, Value, Value),
    mut check: impl FnMut(&[Op], &History) -> Validity,
) {
    let stream = &mut Random(0x9e37_79b9_7f4a_7c15);
    let mut answers: BTreeMap<Validity, usize> = BTreeMap::new();
    for _ in 0..HISTORIES {
        let (ops, history) = random(stream, &mut draw);
        *answers.entry(check(&ops, &history)).or_default() += 1;
    }
    assert!(
        answers.len() == 3 && answers.values().all(|&count| count > 50),
        "{answers:?}"
    );
}

#[test]
fn unique_ids_are_those_given_once() {
    let draw = |random: &mut Random| ("generate", Value::Nil, Value::Int(random.below(9) as i64));
    compare(draw, |ops, history| {
        let given: Vec<&Value> = ops
            .iter()
            .filter(|op| op.is_ok())
            .map(|op| &op.result)
            .collect();
        let twice = given
            .iter()
            .enumerate()
            .any(|(at, id)| given[..at].contains(id));
        let verdict = judge("unique-ids", &Options::default(), history);
        assert_eq!(
            verdict.validity,
            expect(ops, true, twice, false),
            "{ops:#?}\n{verdict:#?}"
        );
        let mut repeated: Vec<&&Value> = given
            .iter()
            .filter(|id| given.iter().filter(|other| other == id).count() > 1)
            .collect();
        repeated.sort();
        repeated.dedup();
        assert_eq!(verdict.anomalies.len(), repeated.len());
        let words = note(&verdict, "were asked for");
        assert!(
            words.starts_with(&format!(
                "{} ids were asked for and {} given, {} of",
                ops.len(),
                given.len(),
                repeated.len()
            )),
            "{words}"
        );
        if let (Some(least), Some(greatest)) = (given.iter().min(), given.iter().max()) {
            assert!(
                words.ends_with(&format!("from {least} to {greatest}")),
                "{words}"
            );
        }
        verdict.validity
    });
}

#[test]
fn a_total_queue_gives_out_what_it_was_given() {
    let draw = |random: &mut Random| {
        let value = random.below(4) as i64;
        match random.below(5) {
            0 | 1 => ("enqueue", Value::Int(value), Value::Int(value)),
            2 | 3 => ("dequeue", Value::Nil, Value::Int(value)),
            _ => (
                "drain",
                Value::Nil,
                ints(&[value, random.below(4) as i64][..random.below(3)]),
            ),
        }
    };
    compare(draw, |ops, history| {
        let enqueues = |value: i64, counts: &dyn Fn(&Op) -> bool| {
            let of = |op: &&Op| op.f == "enqueue" && op.argument == Value::Int(value) && counts(op);
            ops.iter().filter(of).count()
        };
        let out = |value: i64| {
            let value = Value::Int(value);
            let taken = ops.iter().filter(|op| op.f != "enqueue" && op.is_ok());
            let of = |op: &Op| match &op.result {
                Value::Vector(items) => items.iter().filter(|item| **item == value).count(),
                one => usize::from(*one == value),
            };
            taken.map(of).sum::<usize>()
        };
        let (mut lost, mut unexpected, mut duplicated, mut recovered) = (0, 0, 0, 0);
        for value in 0..4 {
            let tried = enqueues(value, &|op| !op.failed());
            let known = enqueues(value, &Op::is_ok);
            lost += known.saturating_sub(out(value));
            if tried == 0 {
                unexpected += out(value);
            } else {
                duplicated += out(value).saturating_sub(tried);
            }
            recovered += out(value).min(tried).saturating_sub(known);
        }
        let unknown = |op: &&Op| !op.is_ok() && !op.failed();
        let open = ops
            .iter()
            .filter(|op| op.f == "dequeue")
            .filter(unknown)
            .count();
        let drains = ops
            .iter()
            .filter(|op| op.f == "drain")
            .filter(unknown)
            .count();
        let proved = drains == 0 && lost > open;
        let verdict = judge("total-queue", &Options::default(), history);
        let wrong = proved || unexpected > 0;
        let observed = ops.iter().any(|op| op.f == "enqueue" && op.is_ok())
            || (0..4).any(|value| out(value) > 0);
        assert_eq!(
            verdict.validity,
            expect(ops, observed, wrong, lost > 0 && !proved),
            "{ops:#?}\n{verdict:#?}"
        );
        let words = note(&verdict, "enqueues were tried");
        let counts = format!(
            "{unexpected} unexpected, {duplicated} duplicated; {lost} lost, {recovered} recovered"
        );
        assert!(words.ends_with(&counts), "{counts}: {words}");
        verdict.validity
    });
}

#[test]
fn the_last_read_of_a_set_has_what_was_added() {
    let draw = |random: &mut Random| {
        let element = random.below(4) as i64;
        match random.below(3) {
            0 | 1 => ("add", Value::Int(element), Value::Int(element)),
            _ => {
                let read: Vec<i64> = (0..4).filter(|_| random.below(2) == 0).collect();
                ("read", Value::Nil, ints(&read))
            }
        }
    };
    compare(draw, |ops, history| {
        let verdict = judge("set-final", &Options::default(), history);
        let reads = ops.iter().filter(|op| op.f == "read" && op.is_ok());
        let Some(read) = reads.max_by_key(|op| op.known()) else {
            assert_eq!(verdict.validity, Validity::Unknown);
            return verdict.validity;
        };
        let (mut lost, mut unexpected, mut recovered, mut open) = (0, 0, 0, 0);
        for element in (0..4).map(Value::Int) {
            let adds = || {
                ops.iter()
                    .filter(|op| op.f == "add" && op.argument == element)
            };
            let tried = adds().any(|op| !op.failed() && op.invoked < read.known());
            let known = adds().any(Op::is_ok);
            let settled = adds().any(|op| op.known() < read.invoked);
            let seen = read.result.items().unwrap().contains(&element);
            lost += usize::from(settled && !seen);
            open += usize::from(known && !settled && !seen);
            unexpected += usize::from(seen && !tried);
            recovered += usize::from(seen && tried && !known);
        }
        let wrong = lost > 0 || unexpected > 0;
        assert_eq!(
            verdict.validity,
            expect(ops, true, wrong, open > 0),
            "{ops:#?}\n{verdict:#?}"
        );
        let words = note(&verdict, "the last read has");
        let counts = format!("{recovered} recovered, {unexpected} unexpected; {lost} lost");
        assert!(words.ends_with(&counts), "{counts}: {words}");
        verdict.validity
    });
}

#[test]
fn a_counter_is_read_within_its_bounds() {
    let draw = |random: &mut Random| {
        let number = random.below(7) as i64 - 2;
        match random.below(2) {
            0 => ("add", Value::Int(number), Value::Int(number)),
            _ => ("read", Value::Nil, Value::Int(number)),
        }
    };
    compare(draw, |ops, history| {
        let mut outside = 0;
        let reads = || ops.iter().filter(|op| op.f == "read" && op.is_ok());
        for read in reads() {
            let (mut lower, mut upper) = (0, 0);
            for add in ops
                .iter()
                .filter(|op| op.f == "add" && !op.failed() && op.invoked < read.known())
            {
                let number = add.argument.as_int().unwrap();
                let known = add.known() < read.invoked;
                lower += if known { number } else { number.min(0) };
                upper += if known { number } else { number.max(0) };
            }
            outside += usize::from(!(lower..=upper).contains(&read.result.as_int().unwrap()));
        }
        let verdict = judge("counter-bounds", &Options::default(), history);
        assert_eq!(
            verdict.validity,
            expect(ops, reads().count() > 0, outside > 0, false),
            "{ops:#?}\n{verdict:#?}"
        );
        assert_eq!(verdict.anomalies.len(), outside.min(8));
        // What is linearizable lies within its bounds.
        let strict = judge("counter", &Options::default(), history).validity;
        assert!(strict != Validity::Valid || outside == 0, "{ops:#?}");
        verdict.validity
    });
}

fn parse(text: &str) -> History {
    codec::read(text.as_bytes()).unwrap()
}

/// A process, the kind of the event, a function and a value.
type Row = (usize, &'static str, &'static str, &'static str);

/// The model, the events, the anomaly, and how many operations prove it.
type Example = (&'static str, &'static [Row], &'static str, usize);

/// The smallest histories.
const EXAMPLES: [Example; 8] = [
    (
        "unique-ids",
        &[
            (0, "invoke", "generate", "nil"),
            (0, "ok", "generate", "1"),
            (0, "invoke", "generate", "nil"),
            (0, "ok", "generate", "1"),
        ],
        "duplicated",
        2,
    ),
    (
        "total-queue",
        &[(0, "invoke", "enqueue", "1"), (0, "ok", "enqueue", "1")],
        "lost",
        1,
    ),
    (
        "total-queue",
        &[(0, "invoke", "dequeue", "nil"), (0, "ok", "dequeue", "1")],
        "unexpected",
        1,
    ),
    (
        "total-queue",
        &[
            (0, "invoke", "enqueue", "1"),
            (0, "fail", "enqueue", "1"),
            (0, "invoke", "drain", "nil"),
            (0, "ok", "drain", "[1]"),
        ],
        "unexpected",
        2,
    ),
    (
        "set-final",
        &[
            (0, "invoke", "add", "1"),
            (0, "ok", "add", "1"),
            (0, "invoke", "read", "nil"),
            (0, "ok", "read", "#{}"),
        ],
        "lost",
        2,
    ),
    (
        "set-final",
        &[(0, "invoke", "read", "nil"), (0, "ok", "read", "#{1}")],
        "unexpected",
        1,
    ),
    (
        "counter-bounds",
        &[
            (0, "invoke", "add", "1"),
            (0, "ok", "add", "1"),
            (0, "invoke", "read", "nil"),
            (0, "ok", "read", "0"),
        ],
        "out-of-bounds",
        2,
    ),
    (
        "counter-bounds",
        &[
            (0, "invoke", "add", "1"),
            (1, "invoke", "read", "nil"),
            (1, "ok", "read", "2"),
        ],
        "out-of-bounds",
        2,
    ),
];

#[test]
fn every_anomaly_has_a_smallest_example() {
    let event = |(process, kind, f, value): &(usize, &str, &str, &str)| {
        format!("{{:process {process} :type :{kind} :f :{f} :value {value}}}\n")
    };
    for (model, events, kind, evidence) in EXAMPLES {
        let text: String = events.iter().map(event).collect();
        let verdict = judge(model, &Options::default(), &parse(&text));
        assert_eq!(verdict.validity, Validity::Invalid, "{text}");
        let anomaly = &verdict.anomalies[0];
        assert_eq!(
            (&*anomaly.kind, anomaly.evidence.len()),
            (kind, evidence),
            "{anomaly:#?}"
        );
        assert!(!anomaly.summary.is_empty() && !anomaly.explanation.is_empty());
        // Each key by itself, and named.
        let keyed = |(process, kind, f, value): &(usize, &str, &str, &str)| {
            let value = format!("[:k {value}]");
            event(&(*process, kind, f, &value))
        };
        let text: String = events.iter().map(keyed).collect();
        let options = Options {
            independent: true,
            ..Options::default()
        };
        let verdict = judge(model, &options, &parse(&text));
        assert_eq!(
            verdict.anomalies[0].key.as_deref(),
            Some(":k"),
            "{verdict:#?}"
        );
        assert_eq!(verdict.anomalies[0].kind, kind);
    }
}

#[test]
fn what_may_have_been_taken_is_not_lost() {
    let enqueued = "{:process 0 :type :invoke :f :enqueue :value 1} {:process 0 :type :ok :f :enqueue :value 1}
                    {:process 0 :type :invoke :f :enqueue :value 2} {:process 0 :type :ok :f :enqueue :value 2}
                    {:process 1 :type :invoke :f :dequeue}";
    let verdict = judge("total-queue", &Options::default(), &parse(enqueued));
    assert_eq!(
        verdict.validity,
        Validity::Invalid,
        "one dequeue did not take two values"
    );
    let one = enqueued.replace(
        ":value 2} {:process 0 :type :ok",
        ":value 2} {:process 0 :type :fail",
    );
    let verdict = judge("total-queue", &Options::default(), &parse(&one));
    assert_eq!(verdict.validity, Validity::Unknown, "{verdict:#?}");
    assert!(
        verdict.reasons[0].contains("may have taken"),
        "{:?}",
        verdict.reasons
    );
}

#[test]
fn a_semaphore_is_judged_by_its_permits() {
    let history = parse(
        "{:process 0 :type :invoke :f :acquire :value 2} {:process 0 :type :ok :f :acquire :value 2}
         {:process 1 :type :invoke :f :acquire :value 1} {:process 1 :type :ok :f :acquire :value 1}",
    );
    let with = |permits| {
        judge(
            "semaphore",
            &Options {
                permits,
                ..Options::default()
            },
            &history,
        )
    };
    assert_eq!(with(Some(2)).validity, Validity::Invalid);
    assert_eq!(with(Some(3)).validity, Validity::Valid);
    // Who releases what nobody had taken is wrong with any number.
    let release = parse(
        "{:process 0 :type :invoke :f :release :value 1} {:process 0 :type :ok :f :release :value 1}",
    );
    assert_eq!(
        judge("semaphore", &Options::default(), &release).validity,
        Validity::Invalid
    );
    assert!(
        with(None).reasons[0].contains("--permits N"),
        "{:?}",
        with(None).reasons
    );
    assert!(
        checker(
            "mutex",
            None,
            &Options {
                permits: Some(1),
                ..Options::default()
            }
        )
        .is_err()
    );
}

#[test]
fn past_the_budget_they_say_unknown() {
    let mut text = String::new();
    for f in ["generate", "enqueue", "add", "read"] {
        text.clear();
        for n in 0..3 {
            let value = if f == "read" {
                "0".to_owned()
            } else {
                n.to_string()
            };
            text += &format!("{{:process 0 :type :invoke :f :{f} :value nil}} {{:process 0 :type :ok :f :{f} :value {value}}}\n").replace(":f :add :value nil", &format!(":f :add :value {n}"));
        }
        let model = match f {
            "generate" => "unique-ids",
            "enqueue" => "total-queue",
            "add" | "read" => "counter-bounds",
            _ => unreachable!(),
        };
        let judge = checker(model, None, &Options::default()).unwrap();
        for budget in [
            Budget::unlimited().with_time(&|| true),
            Budget::unlimited().with_bytes(1),
        ] {
            let verdict = judge.check(&parse(&text), &budget).unwrap();
            assert_eq!(verdict.validity, Validity::Unknown, "{model}");
            assert!(
                verdict.reasons[0].starts_with("out of"),
                "{:?}",
                verdict.reasons
            );
        }
    }
}
