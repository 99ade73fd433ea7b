//! Histories as clients in a closed loop would see them, for tests and benches.

use rupture_checkers::history::{Event, History, Kind, Value};

/// `SplitMix64` (Steele, Lea & Flood 2014).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }
}

/// What to generate. Every operation takes 2 ms on average and has its effect at a moment of it that is
/// drawn uniformly.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub operations: usize,
    pub clients: usize,
    /// Compare-and-set and five values; otherwise writes of values of their own.
    pub cas: bool,
    /// Nanoseconds between two operations of a client: 100,000 is contended, 4,000,000 moderate.
    pub pause_ns: f64,
    /// Of a thousand operations, how many are never seen to complete.
    pub lost_per_mille: u64,
    /// What one read at nine tenths of the history returns.
    pub lie: Lie,
    pub seed: u64,
}

/// How a read lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It does not.
    None,
    /// It returns what nobody wrote.
    Unwritten,
    /// It returns what an earlier read returned. A violation unless something wrote that again.
    Stale,
}

struct Draft {
    process: i64,
    f: &'static str,
    argument: Value,
    result: Value,
    kind: Kind,
    invoked: i64,
    effect: i64,
    completed: i64,
}

fn value(n: i64) -> Value {
    match n {
        0 => Value::Nil,
        n => Value::Int(n),
    }
}

/// Generates a history.
pub fn generate(plan: &Plan) -> History {
    let mut random = Random(plan.seed);
    let mut drafts = draft(plan, &mut random);
    drafts.sort_by_key(|draft| draft.effect);
    take_effect(&mut drafts);
    match plan.lie {
        Lie::None => {}
        Lie::Unwritten => lie_unwritten(&mut drafts),
        Lie::Stale => lie_stale(&mut drafts),
    }
    events(&drafts)
}

fn draft(plan: &Plan, random: &mut Random) -> Vec<Draft> {
    let mut drafts = Vec::with_capacity(plan.operations);
    let mut clocks = vec![0.0; plan.clients];
    let mut names: Vec<i64> = (0..plan.clients as i64).collect();
    for number in 0..plan.operations {
        let client = (0..plan.clients)
            .min_by(|&a, &b| f64::total_cmp(&clocks[a], &clocks[b]))
            .unwrap_or_default();
        let invoked = clocks[client] + random.exponential(plan.pause_ns);
        let takes = 1.0 + random.exponential(2e6);
        let (f, argument) = call(plan, number, random);
        let lost = random.below(1000) < plan.lost_per_mille;
        drafts.push(Draft {
            process: names[client],
            f,
            argument,
            result: Value::Nil,
            kind: if lost { Kind::Info } else { Kind::Ok },
            invoked: invoked as i64,
            effect: (invoked + takes * random.unit()) as i64,
            completed: (invoked + takes) as i64,
        });
        clocks[client] = invoked + takes;
        if lost {
            names[client] += plan.clients as i64;
        }
    }
    drafts
}

fn call(plan: &Plan, number: usize, random: &mut Random) -> (&'static str, Value) {
    let mut small = || Value::Int(1 + random.below(5) as i64);
    if !plan.cas {
        return match random.below(2) {
            0 => ("read", Value::Nil),
            _ => ("write", Value::Int(1 + number as i64)),
        };
    }
    let pair = Value::Vector(vec![small(), small()]);
    let one = small();
    match random.below(3) {
        0 => ("read", Value::Nil),
        1 => ("write", one),
        _ => ("cas", pair),
    }
}

fn take_effect(drafts: &mut [Draft]) {
    let mut state = 0;
    for draft in drafts {
        match draft.f {
            "read" => draft.result = value(state),
            "write" => state = draft.argument.as_int().unwrap_or_default(),
            _ => {
                let pair: Vec<i64> = draft
                    .argument
                    .items()
                    .unwrap_or_default()
                    .iter()
                    .filter_map(Value::as_int)
                    .collect();
                if pair[0] == state {
                    state = pair[1];
                } else if draft.kind == Kind::Ok {
                    draft.kind = Kind::Fail;
                }
            }
        }
        if draft.f != "read" {
            draft.result = draft.argument.clone();
        }
    }
}

/// Lets a read at nine tenths return what nobody wrote, which nothing can explain.
fn lie_unwritten(drafts: &mut [Draft]) {
    let from = drafts.len() * 9 / 10;
    let read = drafts[from..]
        .iter_mut()
        .find(|draft| draft.f == "read" && draft.kind == Kind::Ok);
    if let Some(read) = read {
        read.result = Value::Int(-1);
    }
}

/// Lets a read at nine tenths return what an earlier one returned, which is wrong unless something wrote
/// it again.
fn lie_stale(drafts: &mut [Draft]) {
    let from = drafts.len() * 9 / 10;
    let old = drafts[from / 2..from]
        .iter()
        .find(|draft| draft.f == "read")
        .map(|draft| draft.result.clone());
    let read = drafts[from..].iter_mut().find(|draft| {
        draft.f == "read" && draft.kind == Kind::Ok && Some(&draft.result) != old.as_ref()
    });
    if let (Some(read), Some(old)) = (read, old) {
        read.result = old;
    }
}

fn events(drafts: &[Draft]) -> History {
    let mut events: Vec<(i64, usize, bool)> = Vec::with_capacity(drafts.len() * 2);
    for (number, draft) in drafts.iter().enumerate() {
        events.push((draft.invoked, number, false));
        events.push((draft.completed, number, true));
    }
    events.sort_unstable();
    let mut history = History::new();
    for (time, number, completes) in events {
        let draft = &drafts[number];
        let mut event = if completes {
            Event::new(draft.process, draft.kind, draft.f, draft.result.clone())
        } else {
            Event::new(draft.process, Kind::Invoke, draft.f, draft.argument.clone())
        };
        event.time = time;
        history.push(&event);
    }
    history
}
