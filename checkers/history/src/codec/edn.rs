//! EDN, the format of Jepsen's histories.

use crate::Value;

/// Appends a value as EDN text, as `pr` of Clojure prints it.
pub fn write_value(out: &mut String, value: &Value) {
    out.push_str(&format!("{value:?}"));
}
