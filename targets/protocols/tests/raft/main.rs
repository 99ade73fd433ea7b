//! Tests of Raft: scripted scenarios with every message in hand, and random ones in the simulator.

mod invariants;
mod leases;
mod puppets;
mod random;
mod reads;
mod scripts;
mod world;
