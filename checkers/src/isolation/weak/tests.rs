//! Weak levels, held against their definitions.

mod agreement;
mod assumed;
mod case;
mod edges;
mod many;
mod oracle;
mod random;
mod sizes;
mod stores;
mod told;
