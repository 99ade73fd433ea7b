//! Reading and writing histories.
//!
//! Readers accept every dialect that other tools write, chosen by content and not by file name.

pub mod edn;
