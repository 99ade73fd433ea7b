//! Writing JSON, one object a line.

use crate::codec::edn;
use crate::codec::number;
use crate::codec::view::{
    Actor, AsEvent, Fields, FieldsWriter, Shape, View, write_int, write_plainly, write_uint,
};
use crate::{History, Value, ValueRef};

/// Appends a value as JSON.
///
/// ```
/// use rupture_history::{Value, codec::jsonl};
///
/// let mut out = String::new();
/// jsonl::write_value(&mut out, &Value::Map(vec![(Value::Int(7), Value::keyword("open"))]));
/// assert_eq!(out, r#"{"7":"open"}"#);
/// ```
pub fn write_value(out: &mut String, value: &Value) {
    write(out, value);
}

/// The same for a value in a history, without copying it.
///
/// ```
/// use rupture_history::codec::{self, jsonl};
///
/// let history = codec::read(b"{:type :ok, :process 0, :value #{1 :two}}")?;
/// let mut out = String::new();
/// jsonl::write_value_ref(&mut out, history.get(0).value());
/// assert_eq!(out, r#"[1,"two"]"#);
/// # Ok::<(), codec::ParseError>(())
/// ```
pub fn write_value_ref(out: &mut String, value: ValueRef<'_>) {
    write(out, value);
}

/// Appends an event as one line, with its line break. Keys come in the order index, time, type, process,
/// f, value, and then all others sorted by name.
///
/// ```
/// use rupture_history::{Event, Kind, Value, codec::jsonl};
///
/// let mut out = String::new();
/// jsonl::write_event(&mut out, &Event::new(0, Kind::Ok, "read", Value::Int(3)));
/// assert_eq!(
///     out,
///     "{\"time\":-1,\"type\":\"ok\",\"process\":0,\"f\":\"read\",\"value\":3}\n"
/// );
/// ```
pub fn write_event<E: AsEvent>(out: &mut String, event: E) {
    event.write_with(out, Line);
}

/// Appends all events of a history.
///
/// ```
/// use rupture_history::codec::{self, jsonl};
///
/// let history = codec::read(b"[{:process 0, :type :invoke, :f :read}]")?;
/// let mut out = String::new();
/// jsonl::write_history(&mut out, &history);
/// assert_eq!(out.lines().next().and_then(|line| line.split(',').nth(2)), Some("\"type\":\"invoke\""));
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
            out.push_str("\"index\":");
            write_uint(out, index);
            out.push(',');
        }
        out.push_str("\"time\":");
        write_int(out, fields.time);
        out.push_str(",\"type\":\"");
        out.push_str(fields.kind.name());
        out.push_str("\",\"process\":");
        match fields.actor {
            Actor::Client(number) => write_int(out, number),
            Actor::Named(name) => write(out, name),
        }
        out.push_str(",\"f\":");
        match fields.f {
            "" => out.push_str("null"),
            name => write_str(out, name),
        }
        out.push_str(",\"value\":");
        write(out, fields.value);
        for (name, value) in &fields.extra {
            out.push(',');
            write_str(out, name);
            out.push(':');
            write(out, *value);
        }
        out.push_str("}\n");
    }
}

fn write<'a, V: View<'a>>(out: &mut String, value: V) {
    match value.shape() {
        Shape::Nil => out.push_str("null"),
        Shape::Bool(true) => out.push_str("true"),
        Shape::Bool(false) => out.push_str("false"),
        Shape::Int(n) => write_int(out, n),
        Shape::Float(x) if x.is_finite() => write_plainly(out, format_args!("{x:?}")),
        Shape::Float(x) => write_str(out, &Value::Float(crate::Float(x)).to_string()),
        Shape::Other(text) if is_number(text) => out.push_str(text),
        Shape::Str(text) | Shape::Keyword(text) | Shape::Symbol(text) | Shape::Other(text) => {
            write_str(out, text);
        }
        Shape::Vector(items) | Shape::Set(items) => write_items(out, items),
        Shape::Map(entries) => write_entries(out, entries),
        Shape::Tagged(tag, value) => {
            out.push('{');
            write_str(out, &format!("#{tag}"));
            out.push(':');
            write(out, value);
            out.push('}');
        }
    }
}

/// Whether this text is a number of JSON that 64 bits do not hold.
fn is_number(text: &str) -> bool {
    super::read::is_wide(text) || number::is_beyond_doubles(text)
}

fn write_items<'a, V: View<'a>>(out: &mut String, items: impl Iterator<Item = V>) {
    out.push('[');
    for (number, item) in items.enumerate() {
        if number > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

fn write_entries<'a, V: View<'a>>(out: &mut String, entries: impl Iterator<Item = (V, V)>) {
    out.push('{');
    for (number, (key, value)) in entries.enumerate() {
        if number > 0 {
            out.push(',');
        }
        write_key(out, key);
        out.push(':');
        write(out, value);
    }
    out.push('}');
}

fn write_key<'a, V: View<'a>>(out: &mut String, key: V) {
    match key.shape() {
        Shape::Str(text) | Shape::Keyword(text) | Shape::Symbol(text) | Shape::Other(text) => {
            write_str(out, text);
        }
        Shape::Int(n) => {
            out.push('"');
            write_int(out, n);
            out.push('"');
        }
        _ => {
            let mut text = String::new();
            edn::write_any(&mut text, key);
            write_str(out, &text);
        }
    }
}

fn write_str(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|b| b < 0x20 || b == b'"' || b == b'\\')
    {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            byte => write_plainly(out, format_args!("\\u{byte:04x}")),
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}
