//! The simulator held to its fault model: each fault by itself, random mixtures of them, and replay.

mod clients;
mod clocks;
mod crashes;
mod disks;
mod links;
mod properties;
mod puppet;
mod replay;
mod storms;
