//! Operations as evidence. Of one that sent or polled much, it shows what an anomaly is about and what lies beside
//! that; `...` stands for the rest, as Clojure prints it.

use rupture_history::{Evidence, ValueRef};

use super::transcript::Transcript;

/// How many messages are shown whatever they are.
const SHOWN: usize = 32;

/// The evidence of an operation for an anomaly about these messages.
pub(super) fn of(transcript: &Transcript<'_>, operation: u32, about: &[u32]) -> Evidence {
    let row = &transcript.operations[operation as usize];
    let mut evidence = Evidence::of(transcript.history, row);
    let (sent, polled) = (
        transcript.sends_of(operation),
        transcript.polled_by(operation),
    );
    if sent.len() + polled.len() <= SHOWN {
        return evidence;
    }
    let near = Near { transcript, about };
    evidence.argument = near.micro_operations(transcript.invocation(operation).value());
    let completed = transcript.completion(operation);
    if let (Some(completed), Some(result)) = (completed, &mut evidence.result) {
        *result = near.micro_operations(completed.value());
    }
    evidence
}

struct Near<'a> {
    transcript: &'a Transcript<'a>,
    about: &'a [u32],
}

impl Near<'_> {
    fn is_about(&self, key: ValueRef<'_>, value: ValueRef<'_>) -> bool {
        let key = self.transcript.keys.get(key);
        self.about.iter().any(|message| {
            let message = &self.transcript.messages.all[*message as usize];
            Some(message.key) == key && (message.value == value || same(message.value, value))
        })
    }

    fn micro_operations(&self, value: ValueRef<'_>) -> String {
        let mut shown = Shown::default();
        for item in value.items().into_iter().flatten() {
            let (first, second, third) = (item.get(0), item.get(1), item.get(2));
            let f = first.and_then(ValueRef::as_name).unwrap_or_default();
            match (f, second, third) {
                ("poll", Some(map), _) => shown.push(self.poll(map)),
                ("send", Some(key), Some(value)) => {
                    let plain = value.pair().map_or(value, |(_, value)| value);
                    let is = self.is_about(key, value) || self.is_about(key, plain);
                    shown.push(is.then(|| item.to_string()));
                }
                _ => shown.push(Some(item.to_string())),
            }
        }
        format!("[{}]", shown.text())
    }

    fn poll(&self, map: ValueRef<'_>) -> Option<String> {
        let mut keys = Shown::default();
        let mut any = false;
        for (key, pairs) in map.entries()? {
            let pairs: Vec<ValueRef<'_>> = pairs.items()?.collect();
            let is = |pair: &ValueRef<'_>| {
                let value = pair.pair().map(|(_, value)| value);
                value.is_some_and(|value| self.is_about(key, value))
            };
            let about: Vec<bool> = pairs.iter().map(is).collect();
            let mut shown = Shown::default();
            for (at, pair) in pairs.iter().enumerate() {
                let beside = &about[at.saturating_sub(1)..about.len().min(at + 2)];
                shown.push(beside.contains(&true).then(|| pair.to_string()));
            }
            let is_shown = about.contains(&true);
            any |= is_shown;
            keys.push(is_shown.then(|| format!("{key} [{}]", shown.text())));
        }
        any.then(|| format!("[:poll {{{}}}]", keys.text()))
    }
}

/// Equal as trees: sets and maps may be written in another order.
fn same(one: ValueRef<'_>, other: ValueRef<'_>) -> bool {
    let tree = |value: ValueRef<'_>| crate::values::canonical(value.to_value());
    one.count().is_some() && tree(one) == tree(other)
}

/// Words with the rest left out.
#[derive(Default)]
struct Shown {
    words: Vec<String>,
}

impl Shown {
    fn push(&mut self, word: Option<String>) {
        match word {
            Some(word) => self.words.push(word),
            None if self.words.last().is_some_and(|last| last == "...") => {}
            None => self.words.push("...".to_owned()),
        }
    }

    fn text(&self) -> String {
        self.words.join(" ")
    }
}
