//! Weak levels, held against their definitions.

mod agreement;
mod case;
mod oracle;
mod random;
mod sizes;
mod stores;
mod told;
