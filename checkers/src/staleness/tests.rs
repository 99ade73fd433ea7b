//! The checkers answer as the definitions do.

mod agreement;
mod behaviour;
mod oracle;
mod random;
