//! Writing EDN as Jepsen prints it.
//!
//! Writing recurses: a value that was read has at most 256 levels, and one that a program built is as deep
//! as that program made it.

use super::{escape, syntax};
use crate::codec::view::{
    Actor, AsEvent, Fields, FieldsWriter, Shape, View, write_int, write_plainly, write_uint,
};
use crate::{History, Value, ValueRef};

/// Appends a value as EDN text, as `pr` of Clojure prints it.
///
/// What EDN cannot say (a keyword with a space) is written as a tagged value that [`crate::codec::read`]
/// turns back.
///
/// ```
/// use rupture_history::{Value, codec::edn};
///
/// let mut out = String::new();
/// edn::write_value(&mut out, &Value::Vector(vec![Value::keyword("x"), Value::str("a\nb")]));
/// assert_eq!(out, r#"[:x "a\nb"]"#);
/// ```
pub fn write_value(out: &mut String, value: &Value) {
    write_any(out, value);
}

/// The same for a value in a history, without copying it.
///
/// ```
/// use rupture_history::codec::{self, edn};
///
/// let history = codec::read(br#"{"type": "ok", "process": 0, "value": {"x": [1, null]}}"#)?;
/// let mut out = String::new();
/// edn::write_value_ref(&mut out, history.get(0).value());
/// assert_eq!(out, r#"{"x" [1 nil]}"#);
/// # Ok::<(), codec::ParseError>(())
/// ```
pub fn write_value_ref(out: &mut String, value: ValueRef<'_>) {
    write_any(out, value);
}

/// Appends an event as one line of Jepsen's `history.edn`, with its line break.
///
/// ```
/// use rupture_history::{Event, Kind, Value, codec::edn};
///
/// let mut out = String::new();
/// edn::write_event(&mut out, &Event::new(0, Kind::Invoke, "read", Value::Nil));
/// assert_eq!(out, "{:time -1, :type :invoke, :process 0, :f :read, :value nil}\n");
/// ```
pub fn write_event<E: AsEvent>(out: &mut String, event: E) {
    event.write_with(out, Line);
}

/// Appends all events of a history.
///
/// ```
/// use rupture_history::codec::{self, edn};
///
/// let history = codec::read(b"0\t:invoke\t:read\tnil\n0\t:ok\t:read\t4\n")?;
/// let mut out = String::new();
/// edn::write_history(&mut out, &history);
/// assert_eq!(out.lines().count(), 2);
/// assert_eq!(codec::read(out.as_bytes())?.get(1).value().as_int(), Some(4));
/// # Ok::<(), codec::ParseError>(())
/// ```
pub fn write_history(out: &mut String, history: &History) {
    for event in history.iter() {
        write_event(out, event);
    }
}

struct Line;

impl FieldsWriter for Line {
    fn write<'a, V: View<'a>>(self, out: &mut String, fields: &Fields<'a, V>) {
        out.push('{');
        if let Some(index) = fields.index {
            out.push_str(":index ");
            write_uint(out, index);
            out.push_str(", ");
        }
        out.push_str(":time ");
        write_int(out, fields.time);
        out.push_str(", :type :");
        out.push_str(fields.kind.name());
        out.push_str(", :process ");
        match fields.actor {
            Actor::Client(number) => write_int(out, number),
            Actor::Named(name) => write_any(out, name),
        }
        out.push_str(", :f ");
        match fields.f {
            "" => out.push_str("nil"),
            name => write_name(out, name),
        }
        out.push_str(", :value ");
        write_any(out, fields.value);
        for (name, value) in &fields.extra {
            out.push_str(", ");
            write_name(out, name);
            out.push(' ');
            write_any(out, *value);
        }
        out.push_str("}\n");
    }
}

/// A name where a reader takes keywords and strings alike.
fn write_name(out: &mut String, name: &str) {
    if syntax::is_keyword(name) {
        out.push(':');
        out.push_str(name);
    } else {
        write_str(out, name);
    }
}

pub(crate) fn write_any<'a, V: View<'a>>(out: &mut String, value: V) {
    match value.shape() {
        Shape::Nil => out.push_str("nil"),
        Shape::Bool(true) => out.push_str("true"),
        Shape::Bool(false) => out.push_str("false"),
        Shape::Int(n) => write_int(out, n),
        Shape::Float(x) => write_float(out, x),
        Shape::Str(text) => write_str(out, text),
        Shape::Keyword(name) if syntax::is_keyword(name) => {
            out.push(':');
            out.push_str(name);
        }
        Shape::Keyword(name) => write_escaped(out, escape::KEYWORD, name),
        Shape::Symbol(name) if syntax::is_symbol(name) => out.push_str(name),
        Shape::Symbol(name) => write_escaped(out, escape::SYMBOL, name),
        Shape::Other(text) if super::read::is_other(text) => out.push_str(text),
        Shape::Other(text) => write_escaped(out, escape::OTHER, text),
        Shape::Vector(items) => write_items(out, "[", items, ']'),
        Shape::Set(items) => write_items(out, "#{", items, '}'),
        Shape::Map(entries) => write_entries(out, entries),
        Shape::Tagged(tag, value) => write_tagged(out, tag, value),
    }
}

fn write_items<'a, V: View<'a>>(
    out: &mut String,
    opener: &str,
    items: impl Iterator<Item = V>,
    closer: char,
) {
    out.push_str(opener);
    for (number, item) in items.enumerate() {
        if number > 0 {
            out.push(' ');
        }
        write_any(out, item);
    }
    out.push(closer);
}

fn write_entries<'a, V: View<'a>>(out: &mut String, entries: impl Iterator<Item = (V, V)>) {
    out.push('{');
    for (number, (key, value)) in entries.enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        write_any(out, key);
        out.push(' ');
        write_any(out, value);
    }
    out.push('}');
}

fn write_tagged<'a, V: View<'a>>(out: &mut String, tag: &str, value: V) {
    out.push('#');
    if syntax::is_tag(tag) {
        out.push_str(tag);
        out.push(' ');
        write_any(out, value);
    } else {
        out.push_str(escape::TAGGED);
        out.push_str(" [");
        write_str(out, tag);
        out.push(' ');
        write_any(out, value);
        out.push(']');
    }
}

fn write_escaped(out: &mut String, tag: &str, text: &str) {
    out.push('#');
    out.push_str(tag);
    out.push(' ');
    write_str(out, text);
}

fn write_str(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c| matches!(c, '"' | '\\' | '\u{8}'..='\r') && c != '\u{b}') {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\t' => "\\t",
            b'\r' => "\\r",
            0x8 => "\\b",
            _ => "\\f",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// A double as Java prints it: plainly from 10^-3 to below 10^7, otherwise with an exponent.
fn write_float(out: &mut String, x: f64) {
    if x.is_nan() {
        return out.push_str("##NaN");
    }
    if x.is_infinite() {
        return out.push_str(if x > 0.0 { "##Inf" } else { "##-Inf" });
    }
    if x == 0.0 || (1e-3..1e7).contains(&x.abs()) {
        return write_plainly(out, format_args!("{x:?}"));
    }
    let text = format!("{x:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    out.push_str(digits);
    if !digits.contains('.') {
        out.push_str(".0");
    }
    out.push('E');
    out.push_str(exponent);
}
