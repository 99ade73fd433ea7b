//! Links between sockets of this machine. Every test of a fault has a part in which the fault is not made, so that the
//! test would notice if it did nothing.

mod ends;
mod faults;
mod nodes;
mod speed;
