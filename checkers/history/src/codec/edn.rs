//! EDN, the format of Jepsen's histories.
//!
//! Read are: one map a line; one vector or list of maps, over any number of lines; records
//! (`#jepsen.history.Op{...}`); comments, `#_` and metadata anywhere; and Porcupine's key-value logs, which
//! are maps with a `:key`. Lists are read as vectors. Values that have no place among ours (ratios,
//! characters, big numbers, regular expressions, unprintable objects) are kept as their own text, and tags
//! that nobody knows as tagged values.
//!
//! Written is what Jepsen's `history.edn` looks like: one map a line, keys in the order index, time, type,
//! process, f, value, and then all others sorted by name.
//!
//! Deliberately absent: evaluation (`#=`), reader conditionals, quoting, and octal or hexadecimal integers,
//! none of which a printer of data ever writes.

mod escape;
mod events;
mod read;
mod syntax;
mod write;

pub(crate) use events::history;
pub(crate) use read::Reader;
pub(crate) use write::write_any;
pub use write::{write_event, write_history, write_value, write_value_ref};
