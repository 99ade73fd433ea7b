//! Short names for long values: 64 bits by which a retried command is told from another one.
//!
//! Every word goes through the finaliser of `SplitMix64` (Steele, Lea & Flood 2014), so that commands which
//! differ in one small number get unrelated fingerprints. The sum does not depend on the width or the byte
//! order of the machine. It is not made to withstand somebody who searches for a collision: the clients are ours.

use std::hash::{Hash, Hasher};

/// The fingerprint of a value.
pub(super) fn fingerprint<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut mixer = Mixer(0);
    value.hash(&mut mixer);
    mixer.finish()
}

/// Takes words one after the other.
struct Mixer(u64);

impl Mixer {
    fn word(&mut self, word: u64) {
        let z = (self.0 ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = z ^ (z >> 31);
    }
}

impl Hasher for Mixer {
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
    use std::collections::BTreeSet;

    use super::fingerprint;
    use crate::store::{Command, Datum};

    #[test]
    fn neighbours_have_fingerprints_of_their_own() {
        let mut seen = BTreeSet::new();
        for key in 0..100 {
            for value in -50..50 {
                let (key, value) = (Datum::Int(key), Datum::Int(value));
                seen.insert(fingerprint(&Command::Write(key.clone(), value.clone())));
                seen.insert(fingerprint(&Command::Enqueue(key.clone(), value.clone())));
                seen.insert(fingerprint(&Command::SetAdd(key, Datum::List(vec![value]))));
            }
        }
        assert_eq!(seen.len(), 30_000);
    }

    #[test]
    fn where_a_text_ends_matters() {
        let pair = |a: &str, b: &str| fingerprint(&(a, b));
        assert_ne!(pair("ab", "c"), pair("a", "bc"));
        assert_ne!(fingerprint("a\0"), fingerprint("a"));
    }
}
