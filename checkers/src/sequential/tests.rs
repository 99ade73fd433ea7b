//! The search against the definition, and what must not change an answer.

mod classics;
mod metamorphic;
mod oracle;
mod proofs;
mod random;
mod search;
mod sizes;
