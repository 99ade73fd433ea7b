//! What was last sent to a key, or polled from it.

use super::numbers::NONE;
use super::parse::UNKNOWN;
use super::transcript::Mention;

/// The last mention of each key, as far as it belongs to the present subject (an operation, or a process).
pub(super) struct Last {
    subject: Vec<u32>,
    mention: Vec<Held>,
}

/// What a subject last did to a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) mention: Mention,
    pub(super) operation: u32,
    /// Whether the process had subscribed since, or when it did.
    pub(super) subscribed: bool,
}

impl Last {
    pub(super) fn new(keys: usize) -> Self {
        let nothing = Held {
            mention: Mention {
                key: NONE,
                message: NONE,
                offset: UNKNOWN,
            },
            operation: NONE,
            subscribed: false,
        };
        Self {
            subject: vec![NONE; keys],
            mention: vec![nothing; keys],
        }
    }

    pub(super) fn get(&mut self, subject: u32, key: u32) -> Option<&mut Held> {
        let key = key as usize;
        (self.subject[key] == subject).then(|| &mut self.mention[key])
    }

    /// Whether the key was not held before.
    pub(super) fn set(&mut self, subject: u32, held: Held) -> bool {
        let key = held.mention.key as usize;
        self.mention[key] = held;
        std::mem::replace(&mut self.subject[key], subject) != subject
    }

    pub(super) fn forget(&mut self, key: u32) {
        self.subject[key as usize] = NONE;
    }
}
