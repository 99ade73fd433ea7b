//! The engines against the definition, on many small histories and some long ones.

mod objects;
mod oracle;
mod proofs;
mod random;
mod search;
