//! What must not change a verdict, or only to the better; on histories too long for an oracle.

#[allow(dead_code, unreachable_pub)]
mod common;
#[path = "common/samples.rs"]
#[allow(unreachable_pub)]
mod samples;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Lie, Plan, Random, generate};
use rupture_checkers::history::{Event, History, Kind, Process, Validity, Value, Verdict, codec};
use rupture_checkers::{Budget, Options, checker, models};
use samples::{SAMPLES, Sample};

const SEEDS: u64 = 40;
/// How many short histories of each model have their neighbours swapped, shared by its levels, but some for each.
const HISTORIES: u64 = 200;
const FOR_EACH_LEVEL: u64 = 30;

fn plan(seed: u64) -> Plan {
    Plan {
        operations: 120,
        clients: 3 + (seed % 4) as usize,
        cas: seed.is_multiple_of(2),
        pause_ns: 4e5,
        lost_per_mille: 40 * (seed % 3),
        lie: [Lie::None, Lie::Stale][(seed / 2 % 2) as usize],
        seed,
    }
}

fn events(history: &History) -> Vec<Event> {
    let strip = |event: rupture_checkers::history::EventRef<'_>| {
        let mut event = event.to_event();
        event.index = None;
        event.time = -1;
        event
    };
    history.iter().map(strip).collect()
}

fn judge_with(events: &[Event], independent: bool, budget: &Budget<'_>) -> Verdict {
    let history: History = events.iter().collect();
    let options = Options {
        independent,
        ..Options::default()
    };
    let judge = checker("cas-register", None, &options).unwrap();
    judge.check(&history, budget).unwrap()
}

fn judge(events: &[Event]) -> Verdict {
    judge_with(events, false, &Budget::unlimited())
}

fn histories() -> impl Iterator<Item = (u64, Vec<Event>, Verdict)> {
    (0..SEEDS).map(|seed| {
        let events = events(&generate(&plan(seed)));
        let verdict = judge(&events);
        (seed, events, verdict)
    })
}

/// Swaps neighbours of different processes where `may` allows it, from the front.
fn swap(events: &mut [Event], seed: u64, may: fn(&Event, &Event) -> bool) -> usize {
    let mut swapped = 0;
    let mut at = 1 + (seed % 3) as usize;
    while at < events.len() {
        let (a, b) = (&events[at - 1], &events[at]);
        if a.process != b.process && may(a, b) {
            events.swap(at - 1, at);
            swapped += 1;
        }
        at += 2;
    }
    swapped
}

#[test]
fn both_verdicts_occur() {
    let invalid = histories()
        .filter(|(.., verdict)| verdict.validity == Validity::Invalid)
        .count();
    let valid = histories()
        .filter(|(.., verdict)| verdict.validity == Validity::Valid)
        .count();
    assert!(invalid > 5 && valid > 5, "{valid} valid, {invalid} invalid");
}

/// An invocation that moves before a completion lets more orders be.
#[test]
fn more_concurrency_keeps_valid_valid() {
    let mut swapped = 0;
    for (seed, mut events, verdict) in histories() {
        for round in 0..6 {
            swapped += swap(&mut events, seed + round, |a, b| {
                a.kind != Kind::Invoke && b.kind == Kind::Invoke
            });
            if verdict.validity == Validity::Valid {
                assert_eq!(judge(&events).validity, Validity::Valid, "seed {seed}");
            }
        }
    }
    assert!(swapped > 1_000, "{swapped}");
}

/// Two invocations, or two completions, do not order anything by their own order.
#[test]
fn order_among_invocations_means_nothing() {
    for (seed, mut events, verdict) in histories() {
        swap(&mut events, seed, |a, b| {
            (a.kind == Kind::Invoke) == (b.kind == Kind::Invoke)
        });
        assert_eq!(judge(&events).validity, verdict.validity, "seed {seed}");
    }
}

/// Judges that order what real time does not, each with the reason. Whoever mends one takes it off.
const ORDERED: [(&str, &str); 1] = [(
    "set-final",
    "of reads that overlap, the one that completed last is the last, as in Jepsen's set",
)];

/// The invocation of a sample and its `ok`.
fn calls(sample: &[Sample]) -> Vec<[Event; 2]> {
    let call = |&(f, invoked, ok): &Sample| {
        let event = |kind, value| format!("{{:process 0 :type {kind} :f :{f} :value {value}}}\n");
        let text = event(":invoke", invoked) + &event(":ok", ok);
        let mut call = events(&codec::read(text.as_bytes()).unwrap()).into_iter();
        [call.next().unwrap(), call.next().unwrap()]
    };
    sample.iter().map(call).collect()
}

/// The value with other integers: what is written becomes `written` more, and what a read brings becomes anything up to
/// there. Keys of transactions stay.
fn vary(value: &Value, read: bool, written: i64, random: &mut Random) -> Value {
    let mut upto = |n: i64| random.below(n as u64 + 1) as i64;
    match value {
        Value::Int(_) if read => Value::Int(upto(written + 1)),
        Value::Int(number) => Value::Int(number + written),
        Value::Vector(items) if read && items.iter().all(|item| item.as_int().is_some()) => {
            Value::Vector((1..=upto(written + 1)).map(Value::Int).collect())
        }
        Value::Vector(items) => match &items[..] {
            [f @ Value::Keyword(name), key, value] => {
                let value = vary(value, &**name == "r", written, random);
                Value::Vector(vec![f.clone(), key.clone(), value])
            }
            items => {
                let varied = items.iter().map(|item| vary(item, read, written, random));
                Value::Vector(varied.collect())
            }
        },
        other => other.clone(),
    }
}

/// A short history of a few processes, often wrong. Written values are all their own in every second one.
fn traffic(calls: &[[Event; 2]], random: &mut Random) -> Vec<Event> {
    let processes = 2 + random.below(3);
    let own = random.below(2) == 0;
    let mut open = vec![None; processes as usize];
    let mut events = Vec::new();
    for at in 0..4 + random.below(16) {
        let process = random.below(processes);
        let event = open[process as usize].take().unwrap_or_else(|| {
            let [mut invoke, mut ok] = calls[random.below(calls.len() as u64) as usize].clone();
            let written = if own { at } else { random.below(3) } as i64;
            let read = invoke.value == Value::Nil;
            if !read {
                invoke.value = vary(&invoke.value, false, written, random);
            }
            ok.value = vary(&ok.value, read, written, random);
            ok.kind = [Kind::Fail, Kind::Info, Kind::Ok][random.below(12).min(2) as usize];
            for event in [&mut invoke, &mut ok] {
                event.process = Process::Client(process as i64);
            }
            open[process as usize] = Some(ok);
            invoke
        });
        events.push(event);
    }
    events
}

/// The same for every judge of the registry, at every level, neighbour by neighbour.
#[test]
fn no_judge_orders_neighbours_that_both_begin_or_both_end() {
    for info in models() {
        let sample = SAMPLES.iter().find(|(model, _)| *model == info.name);
        let calls = calls(sample.expect("samples are of every model").1);
        let bounded = |level: &&str| ["", "=2", "=5ms"].map(|bound| format!("{level}{bound}"));
        let levels = info.consistency.iter().flat_map(bounded);
        let mut options = Options::default();
        if info.name == "semaphore" {
            options.permits = Some(1);
        }
        let named = levels.filter_map(|level| checker(info.name, Some(&level), &options).ok());
        let judges: Vec<_> = checker(info.name, None, &options)
            .into_iter()
            .chain(named)
            .collect();
        assert!(
            !judges.is_empty() && judges.len() >= info.consistency.len(),
            "{}",
            info.name
        );
        let (mut answers, mut moved) = (BTreeMap::<_, usize>::new(), Vec::new());
        for seed in 0..(HISTORIES / judges.len() as u64).max(FOR_EACH_LEVEL) {
            let events = traffic(&calls, &mut Random(seed));
            for judge in &judges {
                let say = |events: &[Event]| {
                    let verdict = judge.check(&events.iter().collect(), &Budget::unlimited());
                    verdict
                        .ok()
                        .map(|verdict| (verdict.validity.name(), verdict.not))
                };
                let before = say(&events);
                let answer = before.as_ref().map_or("refused", |before| before.0);
                *answers.entry(answer).or_default() += 1;
                for at in 1..events.len() {
                    let mut swapped = events.clone();
                    swapped.swap(at - 1, at);
                    let [a, b] = [&events[at - 1], &events[at]];
                    let both = (a.kind == Kind::Invoke) == (b.kind == Kind::Invoke);
                    if both && a.process != b.process && say(&swapped) != before {
                        moved.push((seed, at, before.clone(), say(&swapped)));
                    }
                }
            }
        }
        let known = ORDERED.iter().any(|(model, _)| *model == info.name);
        assert_eq!(!moved.is_empty(), known, "{}: {moved:?}", info.name);
        assert!(answers.len() > 1, "{}: {answers:?}", info.name);
    }
}

#[test]
fn names_of_processes_mean_nothing() {
    let names: [fn(i64) -> Process; 6] = [
        |number| Process::Client(1_000_003 - number * 7),
        |number| Process::Client(i64::MIN + number),
        |number| Process::Named(Value::Str(number.to_string().into())),
        |number| Process::Named(Value::keyword(&format!("w{number}"))),
        |number| Process::Named(Value::Vector(vec![Value::Int(number)])),
        |number| match number % 2 {
            0 => Process::Named(Value::Str((number / 2).to_string().into())),
            _ => Process::Named(Value::keyword(&(number / 2).to_string())),
        },
    ];
    for (seed, mut events, verdict) in histories() {
        let name = names[seed as usize % names.len()];
        for event in &mut events {
            if let Process::Client(number) = &event.process {
                event.process = name(*number);
            }
        }
        let renamed = judge(&events);
        assert_eq!(renamed.validity, verdict.validity, "seed {seed}");
        assert_eq!(renamed.explained, verdict.explained, "seed {seed}");
        let indices = |verdict: &Verdict| -> Vec<u64> {
            let evidence = verdict
                .anomalies
                .iter()
                .flat_map(|anomaly| &anomaly.evidence);
            evidence.map(|evidence| evidence.index).collect()
        };
        assert_eq!(indices(&renamed), indices(&verdict), "seed {seed}");
    }
}

/// What nobody saw complete may be forgotten where nobody needs it: a valid history without its unread
/// writes of `info` stays valid.
#[test]
fn unseen_operations_can_be_dropped() {
    let mut dropped = 0;
    for (seed, mut events, verdict) in histories() {
        if verdict.validity != Validity::Valid || seed.is_multiple_of(2) {
            continue;
        }
        let read: Vec<Value> = events
            .iter()
            .filter(|event| &*event.f == "read" && event.kind == Kind::Ok)
            .map(|event| event.value.clone())
            .collect();
        let unseen: Vec<Process> = events
            .iter()
            .filter(|event| event.kind == Kind::Info && &*event.f == "write")
            .filter(|event| !read.contains(&event.value))
            .map(|event| event.process.clone())
            .collect();
        for process in unseen {
            for _ in 0..2 {
                let last = events.iter().rposition(|event| event.process == process);
                events.remove(last.unwrap());
            }
            dropped += 1;
        }
        assert_eq!(judge(&events).validity, Validity::Valid, "seed {seed}");
    }
    assert!(dropped > 3, "{dropped}");
}

fn keyed(events: &[Event], key: &Value, shift: i64) -> Vec<Event> {
    let mut events = events.to_vec();
    for event in &mut events {
        event.value = Value::Vector(vec![key.clone(), event.value.clone()]);
        if let Process::Client(number) = &mut event.process {
            *number = *number * 2 + shift;
        }
    }
    events
}

/// Two objects side by side are judged as each by itself, whatever their keys are called.
#[test]
fn keys_are_judged_apart() {
    let all: Vec<_> = histories().collect();
    for pair in all.windows(2) {
        let [(seed, a, first), (_, b, second)] = pair else {
            continue;
        };
        for names in [
            [Value::Int(1), Value::Int(2)],
            [Value::str("b"), Value::str("a")],
        ] {
            let a = keyed(a, &names[0], 0);
            let b = keyed(b, &names[1], 1);
            let mut both = Vec::new();
            for at in 0..a.len().max(b.len()) {
                both.extend(a.get(at).cloned());
                both.extend(b.get(at).cloned());
            }
            let verdict = judge_with(&both, true, &Budget::unlimited());
            let merged = first.validity.merge(second.validity);
            assert_eq!(verdict.validity, merged, "seed {seed}");
            assert_eq!(
                verdict.explained,
                first.explained + second.explained,
                "seed {seed}"
            );
            let keys: Vec<Option<String>> =
                verdict.anomalies.iter().map(|a| a.key.clone()).collect();
            let expected: Vec<Option<String>> = [first, second]
                .iter()
                .zip(&names)
                .filter(|(verdict, _)| verdict.validity == Validity::Invalid)
                .map(|(_, name)| Some(name.to_string()))
                .collect();
            assert_eq!(keys, expected, "seed {seed}");
        }
    }
}

/// Whatever the bounds, the answer is the unbounded one or `unknown` with a reason.
#[test]
fn bounds_only_lead_to_unknown() {
    let (mut unknown, mut known) = (0, 0);
    for (seed, events, verdict) in histories() {
        for bytes in [0, 2_000, 8_000, 32_000, 128_000] {
            let bounded = judge_with(&events, false, &Budget::unlimited().with_bytes(bytes));
            match bounded.validity {
                Validity::Unknown => {
                    assert!(
                        bounded.reasons[0].starts_with("out of memory"),
                        "{bounded:?}"
                    );
                    assert!(bounded.explained < bounded.operations);
                    assert!(bounded.explained <= verdict.explained);
                    unknown += 1;
                }
                answer => {
                    assert_eq!(answer, verdict.validity, "seed {seed}, {bytes} bytes");
                    known += 1;
                }
            }
        }
    }
    assert!(
        unknown > 50 && known > 20,
        "{unknown} unknown, {known} known"
    );
}

/// Time that runs out at any look at the clock, also while a counterexample is shrunk.
#[test]
fn time_only_leads_to_unknown() {
    for (seed, events, verdict) in histories() {
        for looks in [0, 1, 2, 3, 5, 8, 13, 40] {
            let left = AtomicUsize::new(looks);
            let over = || {
                let less = |left: usize| left.checked_sub(1);
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
                    .is_err()
            };
            let bounded = judge_with(&events, false, &Budget::unlimited().with_time(&over));
            match bounded.validity {
                Validity::Unknown => {
                    assert!(bounded.reasons[0].starts_with("out of time"), "{bounded:?}");
                }
                answer => assert_eq!(answer, verdict.validity, "seed {seed}"),
            }
            for anomaly in &bounded.anomalies {
                assert!(!anomaly.evidence.is_empty(), "seed {seed}");
            }
        }
    }
}

/// More calls at once than a word has bits.
#[test]
fn wide_windows() {
    let mut events = Vec::new();
    for n in 0..150 {
        events.push(Event::new(n, Kind::Invoke, "write", Value::Int(n)));
    }
    for n in 0..150 {
        events.push(Event::new(n, Kind::Ok, "write", Value::Int(n)));
    }
    events.push(Event::new(0, Kind::Invoke, "read", Value::Nil));
    events.push(Event::new(0, Kind::Ok, "read", Value::Int(149)));
    assert_eq!(judge(&events).validity, Validity::Valid);
}

/// Many writes that never complete, each of which some read sees; then one of them is seen again.
#[test]
fn many_lost_writes() {
    let mut events = Vec::new();
    for n in 0..100 {
        events.push(Event::new(n, Kind::Invoke, "write", Value::Int(n)));
    }
    for n in (0..100).chain([3]) {
        events.push(Event::new(1_000, Kind::Invoke, "read", Value::Nil));
        events.push(Event::new(1_000, Kind::Ok, "read", Value::Int(n)));
    }
    assert_eq!(judge(&events[..300]).validity, Validity::Valid);
    let verdict = judge(&events);
    assert_eq!(verdict.validity, Validity::Invalid);
    let anomaly = &verdict.anomalies[0];
    assert!(anomaly.evidence.len() <= 5, "{anomaly:#?}");
}

#[test]
fn the_words_of_a_stale_read() {
    let mut events = Vec::new();
    let mut call = |process, f: &str, argument: Value, result: Value, ms: i64| {
        let times = [(Kind::Invoke, argument, ms), (Kind::Ok, result, ms + 3)];
        for (kind, value, ms) in times {
            let mut event = Event::new(process, kind, f, value);
            event.time = ms * 1_000_000;
            events.push(event);
        }
    };
    call(5, "write", Value::Int(3), Value::Int(3), 10);
    call(2, "read", Value::Nil, Value::Int(3), 20);
    call(3, "write", Value::Int(4), Value::Int(4), 30);
    call(2, "read", Value::Nil, Value::Int(4), 40);
    call(1, "read", Value::Nil, Value::Int(3), 50);
    call(1, "read", Value::Nil, Value::Int(4), 60);
    let verdict = judge(&events);
    let anomaly = &verdict.anomalies[0];
    assert_eq!((verdict.operations, verdict.explained), (6, 4));
    assert_eq!(anomaly.kind, "nonlinearizable");
    assert_eq!(
        anomaly.summary,
        "no order explains these 3 operations: process 1's read of 3 has no place"
    );
    assert_eq!(
        anomaly.explanation,
        [
            "process 5's write of 3 completed (event 1, 0.013000 s) before process 3's write of 4 \
             was invoked (event 4, 0.030000 s).",
            "process 3's write of 4 completed (event 5, 0.033000 s) before process 1's read of 3 \
             was invoked (event 8, 0.050000 s).",
            "process 1's read of 3 cannot come after process 5's write of 3, process 3's write of \
             4: the value is 4.",
            "None of the 3 other operations helps, whichever of them took effect, at whatever \
             moment while it ran.",
            "Everything up to event 8 has an order, but none goes on past the completion of process \
             1's read of 3.",
        ]
    );
    let indices: Vec<u64> = anomaly.evidence.iter().map(|e| e.index).collect();
    assert_eq!(indices, [0, 4, 8]);
}
