//! The checkers answer as the definitions do.

mod agreement;
mod behaviour;
mod engines;
mod oracle;
mod random;
