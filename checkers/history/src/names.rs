//! Interned strings: each is stored once, in one buffer, and known by its number.
//!
//! A history repeats a few short names (`read`, `append`, `txn`) a million times, and some histories carry
//! a million different ones. Both stay cheap: short names are first looked up in a small direct-mapped
//! cache, where up to eight bytes compare as one word; all others in an open-addressing table that keeps
//! half of the hash beside the number, so that a miss rarely looks at the text. Numbers are given in the
//! order of first use, so they depend on nothing but the input.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// A row of the table: the upper half of the hash and the number plus one; zero is free.
type Slot = u64;

const CACHE: usize = 256;

#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    text: String,
    ends: Vec<u64>,
    slots: Vec<Slot>,
    cache: Vec<Cached>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cached {
    word: u64,
    number: u32,
    /// The length plus one; zero is free.
    length: u32,
}

impl Names {
    /// The number of a string, which is new or was interned before. Numbers cannot run out: a reader
    /// takes less than 2^32 bytes, and each name is at least one of them.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if text.len() > 8 {
            return self.look_up(text);
        }
        let word = short_word(text.as_bytes());
        let length = text.len() as u32 + 1;
        let place = (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize;
        if let Some(cached) = self.cache.get(place)
            && cached.word == word
            && cached.length == length
        {
            return cached.number;
        }
        let number = self.look_up(text);
        if self.cache.is_empty() {
            self.cache = vec![Cached::default(); CACHE];
        }
        self.cache[place] = Cached {
            word,
            number,
            length,
        };
        number
    }

    fn look_up(&mut self, text: &str) -> u32 {
        if self.ends.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(text);
        let mask = self.slots.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                break;
            }
            let number = slot as u32 - 1;
            if (slot ^ hash) >> 32 == 0 && self.get(number) == text {
                return number;
            }
            place = (place + 1) & mask;
        }
        let number = self.append(text);
        self.slots[place] = (hash >> 32 << 32) | u64::from(number + 1);
        number
    }

    fn append(&mut self, text: &str) -> u32 {
        let number = self.ends.len() as u32;
        self.text.push_str(text);
        self.ends.push(self.text.len() as u64);
        number
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        self.slots = vec![0; size];
        for number in 0..self.ends.len() as u32 {
            let hash = hash(self.get(number));
            let mut place = hash as usize & (size - 1);
            while self.slots[place] != 0 {
                place = (place + 1) & (size - 1);
            }
            self.slots[place] = (hash >> 32 << 32) | u64::from(number + 1);
        }
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 {
            0
        } else {
            self.ends[number - 1]
        };
        &self.text[start as usize..self.ends[number] as usize]
    }

    pub(crate) fn bytes(&self) -> usize {
        self.text.capacity()
            + self.ends.capacity() * size_of::<u64>()
            + self.slots.capacity() * size_of::<Slot>()
            + self.cache.capacity() * size_of::<Cached>()
    }

    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// Up to eight bytes as one word.
fn short_word(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    if n >= 4 {
        let (head, tail) = (half_word(&bytes[..4]), half_word(&bytes[n - 4..]));
        return (u64::from(tail) << 32) | u64::from(head);
    }
    bytes
        .iter()
        .fold(0, |word, &byte| (word << 8) | u64::from(byte))
}

fn half_word(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}

fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_same_text_has_the_same_number_and_no_other(
            texts in prop::collection::vec("[ab\u{e9}]{0,12}", 0..400)
        ) {
            let mut names = Names::default();
            let mut seen: Vec<String> = Vec::new();
            for text in &texts {
                let number = names.intern(text) as usize;
                if let Some(known) = seen.iter().position(|known| known == text) {
                    prop_assert_eq!(number, known);
                } else {
                    prop_assert_eq!(number, seen.len());
                    seen.push(text.clone());
                }
            }
            for (number, text) in seen.iter().enumerate() {
                prop_assert_eq!(names.get(number as u32), text);
            }
        }
    }

    #[test]
    fn many_names_keep_their_numbers() {
        let mut names = Names::default();
        for n in 0..10_000 {
            assert_eq!(names.intern(&n.to_string()), n);
        }
        for n in (0..10_000).rev() {
            assert_eq!(names.intern(&n.to_string()), n);
            assert_eq!(names.get(n), n.to_string());
        }
    }
}
