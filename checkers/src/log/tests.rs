//! The judge against the definitions.

mod circles;
mod compare;
mod oracle;
mod random;
mod sizes;
