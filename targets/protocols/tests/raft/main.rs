//! Tests of Raft: scripted scenarios with every message in hand, and random ones in the simulator.

mod invariants;
mod puppets;
mod random;
mod scenarios;
mod scripts;
mod world;
