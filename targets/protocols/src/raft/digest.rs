//! Digests of entries, and the chain of them that stands for a whole log.
//!
//! The digest of an entry is made of the digest before it, its term and what it says, so that two logs with
//! equal digests at an index are equal up to it: the checker of Log Matching compares one word instead of two
//! logs.

use std::hash::Hash;

use crate::mix::Mixer;

/// A digest of one value by itself.
pub(super) fn digest_of<T: Hash>(value: &T) -> u64 {
    let mut chain = Mixer(0);
    value.hash(&mut chain);
    chain.0
}

/// The digest of a log that ends with an entry of this term and content, after a log of this digest.
pub(super) fn link(before: u64, term: u64, content: u64) -> u64 {
    let mut chain = Mixer(before);
    chain.word(term);
    chain.word(content);
    chain.0
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
