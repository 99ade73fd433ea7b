//! The judge against the definitions.

mod compare;
mod edges;
mod oracle;
mod orders;
mod sizes;
mod stores;
mod told;
