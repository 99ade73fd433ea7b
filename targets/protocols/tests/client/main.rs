//! Tests of the client: step by step, and against a network that does its worst.

mod adversary;
mod steps;
