//! The judge against the definitions.

mod compare;
mod oracle;
mod sizes;
mod stores;
