//! The order of each log: which message lies at which offset, as far as anybody was told.

use rupture_history::Outcome;

use super::numbers::NONE;
use super::parse::UNKNOWN;
use super::transcript::{Mention, Transcript};

/// A message lies at more than one offset.
const SEVERAL: u32 = u32::MAX - 1;

/// A message at an offset of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) key: u32,
    pub(super) offset: i64,
    pub(super) message: u32,
    /// The first operation that shows it.
    pub(super) shown_by: u32,
}

/// The entries of all logs, by key, then by offset.
pub(super) struct Orders {
    pub(super) entries: Vec<Entry>,
    /// How many known offsets of the same log are before that of each entry.
    pub(super) places: Vec<u32>,
    /// The entry of each message.
    of: Vec<u32>,
    /// For each `info` operation that certainly took effect, the poll that shows it.
    proofs: Vec<u32>,
}

impl Orders {
    pub(super) fn of(transcript: &Transcript<'_>) -> Self {
        let proofs = proofs(transcript);
        let entries = entries(transcript, &proofs);
        let mut of = vec![NONE; transcript.messages.all.len()];
        for (number, entry) in entries.iter().enumerate() {
            let of = &mut of[entry.message as usize];
            *of = if *of == NONE { number as u32 } else { SEVERAL };
        }
        Self {
            places: places(&entries),
            entries,
            of,
            proofs,
        }
    }

    /// The `ok` poll without which nobody would know that an `info` operation took effect.
    pub(super) fn proof(&self, operation: u32) -> Option<u32> {
        let proof = self.proofs[operation as usize];
        (proof != NONE).then_some(proof)
    }

    /// Whether an operation certainly took effect.
    pub(super) fn happened(&self, transcript: &Transcript<'_>, operation: u32) -> bool {
        transcript.outcome(operation) == Outcome::Ok || self.proof(operation).is_some()
    }

    /// Where a message lies; `None` where that is not known, or not which of several places is meant.
    pub(super) fn entry(&self, mention: &Mention) -> Option<u32> {
        match self.of[mention.message as usize] {
            NONE => None,
            SEVERAL => {
                let wanted = (mention.key, mention.offset, mention.message);
                let found = self
                    .entries
                    .binary_search_by_key(&wanted, |e| (e.key, e.offset, e.message));
                found.ok().map(|entry| entry as u32)
            }
            entry => Some(entry),
        }
    }

    /// How many places on, in the order of the known offsets, the second entry lies.
    pub(super) fn distance(&self, first: u32, second: u32) -> i64 {
        i64::from(self.places[second as usize]) - i64::from(self.places[first as usize])
    }

    /// The first entry at the place after this one, which another is further than.
    pub(super) fn next_place(&self, entry: u32) -> u32 {
        let place = self.places[entry as usize];
        let after = &self.places[entry as usize..];
        entry + after.iter().take_while(|other| **other == place).count() as u32
    }

    /// Whether a message lies at more than one offset.
    pub(super) fn is_duplicated(&self, message: u32) -> bool {
        self.of[message as usize] == SEVERAL
    }
}

/// One operation sent a message, and another one what lies next in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Overwrite {
    /// The operation that sent the later one, and that of the earlier.
    pub(super) later: u32,
    pub(super) earlier: u32,
    /// The entries of both, the earlier first.
    pub(super) entries: [u32; 2],
}

impl Orders {
    /// Who sent a message right before whom, in order. Messages whose place is not certain are passed over, and those
    /// whose send failed or is not known.
    pub(super) fn overwrites(&self, transcript: &Transcript<'_>) -> Vec<Overwrite> {
        let alone = |at: usize| {
            let (entry, place) = (&self.entries[at], self.places[at]);
            let same = |other: Option<&Entry>, there: Option<&u32>| {
                other.is_some_and(|other| other.key == entry.key) && there == Some(&place)
            };
            let before = at.checked_sub(1);
            let before = before.is_some_and(|at| same(self.entries.get(at), self.places.get(at)));
            !before && !same(self.entries.get(at + 1), self.places.get(at + 1))
        };
        let sure = |at: &usize| {
            let message = self.entries[*at].message;
            let sender = transcript.messages.all[message as usize].sender;
            let sent = sender != NONE && transcript.outcome(sender) != Outcome::Fail;
            sent && alone(*at) && !self.is_duplicated(message)
        };
        let sender = |at: usize| {
            let message = self.entries[at].message;
            transcript.messages.all[message as usize].sender
        };
        let certain: Vec<usize> = (0..self.entries.len()).filter(sure).collect();
        let pairs = certain.windows(2).filter(|pair| {
            let same_key = self.entries[pair[0]].key == self.entries[pair[1]].key;
            same_key && sender(pair[0]) != sender(pair[1])
        });
        let mut overwrites: Vec<Overwrite> = pairs
            .map(|pair| Overwrite {
                later: sender(pair[1]),
                earlier: sender(pair[0]),
                entries: [pair[0] as u32, pair[1] as u32],
            })
            .collect();
        overwrites.sort_unstable();
        overwrites.dedup_by_key(|it| (it.later, it.earlier));
        overwrites
    }
}

fn proofs(transcript: &Transcript<'_>) -> Vec<u32> {
    let mut proofs = vec![NONE; transcript.operations.len()];
    for message in &transcript.messages.all {
        if message.sender != NONE && transcript.outcome(message.sender) == Outcome::Info {
            let proof = &mut proofs[message.sender as usize];
            *proof = (*proof).min(message.reader);
        }
    }
    proofs
}

/// What operations show, the first of them that shows it.
fn entries(transcript: &Transcript<'_>, proofs: &[u32]) -> Vec<Entry> {
    let mut first: Vec<(i64, u32)> = vec![(UNKNOWN, NONE); transcript.messages.all.len()];
    let mut entries = Vec::new();
    let mut show = |mention: &Mention, shown_by: u32| {
        let first = &mut first[mention.message as usize];
        if mention.offset == UNKNOWN || mention.offset == first.0 {
            return;
        }
        if first.0 == UNKNOWN {
            *first = (mention.offset, shown_by);
        }
        entries.push(Entry {
            key: mention.key,
            offset: mention.offset,
            message: mention.message,
            shown_by,
        });
    };
    for operation in 0..transcript.len() {
        let ok = transcript.outcome(operation) == Outcome::Ok;
        if ok || proofs[operation as usize] != NONE {
            let sends = transcript.sends_of(operation);
            for mention in sends {
                show(mention, operation);
            }
        }
        let polled = transcript.polled_by(operation);
        for mention in polled {
            show(mention, operation);
        }
    }
    entries.sort_unstable();
    entries.dedup_by_key(|entry| (entry.key, entry.offset, entry.message));
    entries
}

fn places(entries: &[Entry]) -> Vec<u32> {
    let mut places: Vec<u32> = Vec::with_capacity(entries.len());
    for (number, entry) in entries.iter().enumerate() {
        let before = number.checked_sub(1).map(|before| &entries[before]);
        let place = match before {
            Some(before) if before.key == entry.key => {
                let further = u32::from(before.offset != entry.offset);
                places[number - 1] + further
            }
            _ => 0,
        };
        places.push(place);
    }
    places
}
