//! Tests of the store: against a naive model, of its sessions, and of its snapshots.

mod model;
mod requests;
mod rules;
mod sessions;
