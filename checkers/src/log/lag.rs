//! How far polls lag behind real time, as Jepsen's kafka workload measures it.
//!
//! The lag of a key in a poll is how long, at least, the consumer had not been at the end of the log when the poll was
//! invoked: since the first event that shows an offset beyond the last one that the process had met. What it had met are
//! the offsets that its `ok` operations sent or polled since it was assigned the key; -1 before. An offset is shown by
//! the completion, `ok` or `info`, of an operation that sent or polled it or a later one of the key. `assign` forgets the
//! keys that it does not name, and a process that subscribes knows of none until it polls them.
//!
//! A lag is no anomaly: the worst is a measure, and a note says whose it was. Times are those of the events; without them
//! nothing is measured. O(n log n) in what was sent and polled.

use std::collections::BTreeSet;

use rupture_history::{Measure, Outcome, Verdict};
use rustc_hash::FxHashMap;

use super::parse::{self, Role, UNKNOWN};
use super::transcript::Transcript;

/// An offset, the event's time at which it was shown first, and the row of that event.
#[derive(Clone, Copy, Debug)]
struct Shown {
    offset: i64,
    time: i64,
    row: u32,
}

/// A poll that lags.
#[derive(Clone, Copy, Debug)]
struct Lag {
    operation: u32,
    key: u32,
    /// Nanoseconds, and offsets.
    time: u64,
    offsets: u64,
}

/// Measures the worst lag: how long it was, and how many offsets.
pub(super) fn measure(transcript: &Transcript<'_>, verdict: &mut Verdict) {
    if !is_timed(transcript) {
        return;
    }
    let Some(worst) = Sweep::of(transcript).worst() else {
        return;
    };
    let numbers = [
        ("realtime-lag", "ns", worst.time),
        ("realtime-lag-offsets", "offsets", worst.offsets),
    ];
    verdict
        .measured
        .extend(numbers.map(|(name, unit, number)| Measure {
            name: name.to_owned(),
            unit: unit.to_owned(),
            at_least: number,
            at_most: None,
            key: Some(transcript.keys.names[worst.key as usize].to_string()),
        }));
    if worst.time > 0 {
        verdict.notes.push(told(transcript, worst));
    }
}

fn told(transcript: &Transcript<'_>, lag: Lag) -> String {
    let operation = &transcript.operations[lag.operation as usize];
    let invoked = transcript.invocation(lag.operation);
    let micros = lag.time / 1_000;
    format!(
        "realtime-lag: at worst {}.{:06} s and {}, of key {} in the {} of process {} that was invoked with event \
         {}",
        micros / 1_000_000,
        micros % 1_000_000,
        match lag.offsets {
            1 => "1 offset".to_owned(),
            offsets => format!("{offsets} offsets"),
        },
        transcript.keys.names[lag.key as usize],
        invoked.f(),
        transcript.history.process(operation.process),
        invoked.index(),
    )
}

/// Whether every event of a client has a time.
fn is_timed(transcript: &Transcript<'_>) -> bool {
    let timed = |row: u32| transcript.history.get(row as usize).time() >= 0;
    transcript
        .operations
        .iter()
        .all(|operation| timed(operation.invoked) && operation.completed.is_none_or(timed))
}

/// The last offsets that a process met, by key, with the time since when each is not the end of the log.
#[derive(Default)]
struct Consumer {
    met: FxHashMap<u32, i64>,
    since: BTreeSet<(i64, u32)>,
}

struct Sweep<'a, 'h> {
    transcript: &'a Transcript<'h>,
    /// By key: greater and greater offsets, as they were shown.
    shown: Vec<Vec<Shown>>,
    consumers: FxHashMap<i64, Consumer>,
}

impl<'a, 'h> Sweep<'a, 'h> {
    fn of(transcript: &'a Transcript<'h>) -> Self {
        let mut sweep = Self {
            transcript,
            shown: vec![Vec::new(); transcript.keys.names.len()],
            consumers: FxHashMap::default(),
        };
        for (row, number) in sweep.completions() {
            if transcript.outcome(number) == Outcome::Fail {
                continue;
            }
            let time = transcript.history.get(row as usize).time();
            for (key, offset) in sweep.offsets(number) {
                let shown = &mut sweep.shown[key as usize];
                if shown.last().is_none_or(|last| last.offset < offset) {
                    shown.push(Shown { offset, time, row });
                }
            }
        }
        sweep
    }

    /// Operations by the rows of their completions.
    fn completions(&self) -> Vec<(u32, u32)> {
        let operations = (0..).zip(self.transcript.operations);
        let ends =
            operations.filter_map(|(number, operation)| Some((operation.completed?, number)));
        let mut ends: Vec<(u32, u32)> = ends.collect();
        ends.sort_unstable();
        ends
    }

    /// The offsets that an operation was told, by key; -1 for a key of which it polled nothing.
    fn offsets(&self, number: u32) -> Vec<(u32, i64)> {
        let sent = self.transcript.sends_of(number).iter();
        let told = sent.chain(self.transcript.polled_by(number));
        let told = told.filter(|mention| mention.offset != UNKNOWN);
        let told = told.map(|mention| (mention.key, mention.offset));
        let empty = self.transcript.empty_of(number);
        told.chain(empty.map(|key| (key, -1))).collect()
    }

    /// When it was first shown that the log goes on behind an offset.
    fn passed(&self, key: u32, offset: i64) -> Option<Shown> {
        let shown = &self.shown[key as usize];
        let at = shown.partition_point(|shown| shown.offset <= offset);
        shown.get(at).copied()
    }

    /// How many offsets further the log was known to go when a row came.
    fn behind(&self, key: u32, offset: i64, row: u32) -> u64 {
        let shown = &self.shown[key as usize];
        let at = shown.partition_point(|shown| shown.row < row);
        let last = at.checked_sub(1).map(|at| shown[at].offset);
        last.map_or(0, |last| last.saturating_sub(offset).max(0) as u64)
    }

    /// The worst lag, the first of those; none where nobody polled.
    fn worst(mut self) -> Option<Lag> {
        let mut worst: Option<Lag> = None;
        for (_, number) in self.completions() {
            if self.transcript.outcome(number) != Outcome::Ok {
                continue;
            }
            let process = self.transcript.operations[number as usize].process;
            let step = self.transcript.step(number);
            match step.role {
                Role::Assign => self.assign(number, process),
                Role::Subscribe => {
                    self.consumers.insert(process, Consumer::default());
                }
                Role::Transaction => {
                    let polls = step.polls;
                    self.meet(number, process);
                    let lag = self.lag(number, process).filter(|_| polls);
                    if let Some(lag) =
                        lag.filter(|lag| worst.is_none_or(|worst| worst.time < lag.time))
                    {
                        worst = Some(lag);
                    }
                }
                Role::Crash | Role::Other => {}
            }
        }
        worst
    }

    fn assign(&mut self, number: u32, process: i64) {
        let invoked = self.transcript.invocation(number);
        let names = parse::named(invoked).into_iter().flatten();
        let keys: Vec<u32> = names
            .filter_map(|name| self.transcript.keys.get(name))
            .collect();
        let before = self.consumers.remove(&process).unwrap_or_default();
        for key in keys {
            let offset = before.met.get(&key).copied().unwrap_or(-1);
            self.stand(process, key, offset);
        }
        self.consumers.entry(process).or_default();
    }

    fn meet(&mut self, number: u32, process: i64) {
        for (key, offset) in self.offsets(number) {
            let consumer = self.consumers.entry(process).or_default();
            let met = consumer.met.get(&key).copied();
            if met.is_none_or(|met| met < offset) {
                self.stand(process, key, offset);
            }
        }
    }

    fn stand(&mut self, process: i64, key: u32, offset: i64) {
        let since = |passed: Option<Shown>| passed.map_or(i64::MAX, |shown| shown.time);
        let now = since(self.passed(key, offset));
        let consumer = self.consumers.entry(process).or_default();
        if let Some(before) = consumer.met.insert(key, offset) {
            let shown = &self.shown[key as usize];
            let at = shown.partition_point(|shown| shown.offset <= before);
            consumer.since.remove(&(since(shown.get(at).copied()), key));
        }
        consumer.since.insert((now, key));
    }

    /// The worst lag of a poll.
    fn lag(&self, number: u32, process: i64) -> Option<Lag> {
        let consumer = self.consumers.get(&process)?;
        let &(since, key) = consumer.since.first()?;
        let invoked = self.transcript.operations[number as usize].invoked;
        let time = self.transcript.history.get(invoked as usize).time();
        Some(Lag {
            operation: number,
            key,
            time: time.saturating_sub(since).max(0) as u64,
            offsets: self.behind(key, consumer.met[&key], invoked),
        })
    }
}
