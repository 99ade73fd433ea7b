//! Key-value stores under many clients: strings by key that are appended to, read, and now and then replaced.

use rupture_checkers::history::{Event, History, Kind, Value};

use super::random::Random;

/// Clients in a closed loop on a store of strings. Operations take 2 ms on average, and 0.1 ms lie between two of
/// a client: about as many operations are at work as there are clients. Half of them are appends, a third gets and the
/// rest puts; every string that is appended or put is its own.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    pub clients: usize,
    pub operations: usize,
    pub keys: usize,
    /// On so many keys a get at nine tenths of the history is answered with what was there long before.
    pub violated: usize,
    pub seed: u64,
}

struct Draft {
    process: usize,
    key: usize,
    f: &'static str,
    text: String,
    invoked: f64,
    effect: f64,
    completed: f64,
}

impl Store {
    /// The history, linearizable unless keys are violated, and then certainly not.
    pub fn generate(&self) -> History {
        let mut drafts = self.drafts();
        drafts.sort_by(|a, b| f64::total_cmp(&a.effect, &b.effect));
        let mut texts = vec![String::new(); self.keys];
        let mut old: Vec<Option<String>> = vec![None; self.keys];
        let late = self.operations * 9 / 10;
        for (number, draft) in drafts.iter_mut().enumerate() {
            let text = &mut texts[draft.key];
            match draft.f {
                "append" => text.push_str(&draft.text),
                "put" => text.clone_from(&draft.text),
                _ if number > late && draft.key < self.violated && old[draft.key].is_some() => {
                    draft.text = old[draft.key].take().unwrap_or_default();
                }
                _ => {
                    draft.text.clone_from(text);
                    // What was read halfway is gone at nine tenths: appends that were read later had completed.
                    if number > self.operations / 4 && number < self.operations / 2 {
                        old[draft.key] = Some(text.clone());
                    }
                }
            }
        }
        events(&drafts)
    }

    fn drafts(&self) -> Vec<Draft> {
        let mut random = Random(self.seed);
        let mut clocks = vec![0.0; self.clients];
        let draft = |number: usize| {
            let process = (0..self.clients)
                .min_by(|&a, &b| f64::total_cmp(&clocks[a], &clocks[b]))
                .unwrap_or_default();
            let invoked = clocks[process] + random.exponential(1e5);
            let completed = invoked + 1.0 + random.exponential(2e6);
            clocks[process] = completed;
            let f = match random.below(12) {
                0..6 => "append",
                6..10 => "get",
                _ => "put",
            };
            Draft {
                process,
                key: random.below(self.keys as u64) as usize,
                f,
                text: match f {
                    "get" => String::new(),
                    _ => format!("x {process} {number} y"),
                },
                invoked,
                effect: invoked + (completed - invoked) * random.unit(),
                completed,
            }
        };
        (0..self.operations).map(draft).collect()
    }
}

fn events(drafts: &[Draft]) -> History {
    let mut moments: Vec<(f64, usize, bool)> = Vec::with_capacity(drafts.len() * 2);
    for (at, draft) in drafts.iter().enumerate() {
        moments.push((draft.invoked, at, false));
        moments.push((draft.completed, at, true));
    }
    moments.sort_by(|a, b| f64::total_cmp(&a.0, &b.0));
    let event = |(_, at, completes): (f64, usize, bool)| {
        let draft: &Draft = &drafts[at];
        let kind = if completes { Kind::Ok } else { Kind::Invoke };
        let value = match draft.f {
            "get" if !completes => Value::Nil,
            _ => Value::str(&draft.text),
        };
        let mut event = Event::new(draft.process as i64, kind, draft.f, value);
        event
            .extra
            .push(("key".into(), Value::str(&draft.key.to_string())));
        event
    };
    let events: Vec<Event> = moments.into_iter().map(event).collect();
    events.iter().collect()
}
