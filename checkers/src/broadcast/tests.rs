//! The judge against the definitions.

mod compare;
mod oracle;
mod random;
mod sizes;
