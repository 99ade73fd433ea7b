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
//! Numbers that are equal are one value, however they are written: `7N` is `7`, `1.50M` is `1.5M`, `8/10` is
//! `4/5`, `0x1f` is `31`, `-0.0` is `0.0`; `1`, `1.0` and `1M` differ, and so do `1e400` and `1e401`, which are the
//! same double. A map with a key twice, or a set with an element twice, is refused.
//!
//! A piece of Clojure with one history in it, such as a test, is read as that history.
//!
//! Deliberately absent: evaluation (`#=`), reader conditionals, and octal integers, which people write
//! by mistake.

mod code;
mod escape;
mod events;
mod read;
mod syntax;
mod write;

pub(crate) use code::is_code;
pub(crate) use events::{history, history_in_code};
pub(crate) use read::Reader;
pub(crate) use write::write_any;
pub use write::{write_event, write_history, write_value, write_value_ref};
