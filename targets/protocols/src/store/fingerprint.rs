//! Short names for long values: 64 bits by which a retried command is told from another one.
//!
//! Every word goes through the finaliser of `SplitMix64` (Steele, Lea & Flood 2014), so that commands which
//! differ in one small number get unrelated fingerprints. The sum does not depend on the width or the byte
//! order of the machine. It is not made to withstand somebody who searches for a collision: the clients are ours.

use std::hash::{Hash, Hasher};

use crate::mix::Mixer;

/// The fingerprint of a value.
pub(super) fn fingerprint<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut mixer = Mixer(0);
    value.hash(&mut mixer);
    mixer.finish()
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
