//! What was visible, by the engine and by the definitions.

mod compare;
mod orders;
