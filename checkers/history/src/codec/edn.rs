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
mod verdict;
mod write;

pub(crate) use code::is_code;
pub(crate) use events::{history, history_in_code};
pub(crate) use read::Reader;
pub(crate) use write::write_any;
pub use write::{write_event, write_history, write_value, write_value_ref};

use super::ParseError;
use super::error::Problem;
use crate::{Value, ValueRef};

/// Reads one value and nothing else, such as an argument of a command line.
///
/// ```
/// use rupture_history::Value;
/// use rupture_history::codec::edn;
///
/// assert_eq!(edn::read_value("[1 nil]")?, Value::Vector(vec![Value::Int(1), Value::Nil]));
/// assert!(edn::read_value("1 2").is_err() && edn::read_value("").is_err());
/// # Ok::<(), rupture_history::codec::ParseError>(())
/// ```
///
/// # Errors
/// The text is no value, or more than one.
pub fn read_value(text: &str) -> Result<Value, ParseError> {
    let mut reader = Reader::new(text);
    let read = reader.value().and_then(|()| {
        reader.skip_blank();
        match reader.scan.peek() {
            Some(_) => Err(Problem::new(reader.scan.position, "one EDN value alone")),
            None => Ok(ValueRef::new(&reader.recorder.history.tape, 0).to_value()),
        }
    });
    read.map_err(|problem| problem.locate(text.as_bytes()))
}
