//! Digests of entries, and the chain of them that stands for a whole log.
//!
//! The digest of an entry is made of the digest before it, its term and what it says, so that two logs with
//! equal digests at an index are equal up to it: the checker of Log Matching compares one word instead of two
//! logs. Every word goes through the finaliser of `SplitMix64` (Steele, Lea & Flood 2014). It is not made to
//! withstand somebody who searches for a collision.

use std::hash::{Hash, Hasher};

/// A digest of one value by itself.
pub(super) fn digest_of<T: Hash>(value: &T) -> u64 {
    let mut chain = Chain(0);
    value.hash(&mut chain);
    chain.0
}

/// The digest of a log that ends with an entry of this term and content, after a log of this digest.
pub(super) fn link(before: u64, term: u64, content: u64) -> u64 {
    let mut chain = Chain(before);
    chain.word(term);
    chain.word(content);
    chain.0
}

/// Takes words one after the other, the same on every machine.
struct Chain(u64);

impl Chain {
    fn word(&mut self, word: u64) {
        let z = (self.0 ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = z ^ (z >> 31);
    }
}

impl Hasher for Chain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
        self.word(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.word(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.word(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }

    fn write_i64(&mut self, value: i64) {
        self.word(value as u64);
    }

    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.word(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_term_and_content_all_matter() {
        let (a, b) = (digest_of(&"a"), digest_of(&"b"));
        assert_ne!(a, b);
        assert_ne!(link(link(0, 1, a), 1, b), link(link(0, 1, b), 1, a));
        assert_ne!(link(0, 1, a), link(0, 2, a));
        assert_ne!(link(0, 1, a), link(1, 1, a));
        assert_eq!(link(0, 1, a), link(0, 1, digest_of(&"a")));
    }
}
