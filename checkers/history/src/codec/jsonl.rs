//! JSON: an object a line, or one array of objects, with the keys of Jepsen's events as strings.
//!
//! JSON has fewer types than EDN, so writing maps them:
//!
//! | value | is written as | and reads back as |
//! |---|---|---|
//! | nil, booleans, strings, vectors | `null`, booleans, strings, arrays | the same |
//! | an integer | a number | the same; beyond 64 bits its digits, [`Value::Other`](crate::Value) |
//! | a float | a number with a point or an exponent | the same; beyond doubles its text, [`Value::Other`](crate::Value) |
//! | `##NaN`, `##Inf`, `##-Inf` | these as strings | a string |
//! | a keyword or a symbol | its name, a string | a string |
//! | a set | an array | a vector |
//! | a map | an object; keys that are no strings by their name, or else their EDN text | a map; keys are strings, or integers where they look like one |
//! | a tagged value | an object with one key, `#` and the tag | a map |
//! | any other atom | an integer beyond 64 bits or a float beyond doubles its digits, anything else its text as a string | as above |
//!
//! A key of an object that is an integer in canonical form (`0`, `-7`, but not `07`) is read as that integer,
//! because JSON has no other way to write the accounts of a bank or the keys of a register. This makes the
//! key `"7"` and the key `7` the same.

mod read;
mod write;

pub(crate) use read::{history, one_value};
pub use write::{write_event, write_history, write_value, write_value_ref};
