//! The worlds that own time and bytes. There is one driver a world, and nothing else in a run depends on which.

pub mod simulated;
