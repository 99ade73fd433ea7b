//! The engines against the definition, on many small histories and some long ones.

mod first;
mod initial;
mod keys;
pub(crate) mod levels;
pub(crate) mod objects;
mod online;
pub(crate) mod oracle;
mod proofs;
pub(crate) mod random;
pub(crate) use random::Random;
mod search;
