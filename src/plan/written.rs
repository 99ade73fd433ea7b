//! A plan as a file: what a person would write.

use std::fmt::Write as _;

use rupture_nemesis::Script;
use serde_json::{Value, json};

use super::draft::Draft;
use super::keys::{Field, ROWS, Row};
use super::{Plan, TIME_UNITS, numbered};

/// The plan as TOML. [`super::file::parse`] reads the same plan from it.
pub fn toml(plan: &Plan) -> String {
    let mut draft = Draft::from(plan.clone());
    let said: Vec<(&Row, Value)> = ROWS
        .iter()
        .filter_map(|row| Some((row, row.field.value(&mut draft)?)))
        .collect();
    let mut text = String::new();
    let mut tables: Vec<&str> = said.iter().map(|(row, _)| row.split().0).collect();
    // What is in no table comes first: after the head of a table it would belong to that.
    tables.sort_by_key(|table| !table.is_empty());
    tables.dedup();
    for table in tables {
        let rows = || said.iter().filter(|(row, _)| row.split().0 == table);
        head(&mut text, table);
        for (row, value) in rows().filter(|(_, value)| !value.is_object()) {
            line(&mut text, row.split().1, value);
        }
        for (row, value) in rows() {
            let Value::Object(inner) = value else {
                continue;
            };
            head(&mut text, row.path);
            for (name, value) in inner {
                line(&mut text, name, value);
            }
        }
    }
    text
}

fn head(text: &mut String, table: &str) {
    if !table.is_empty() {
        let _ = writeln!(text, "\n[{table}]");
    }
}

fn line(text: &mut String, name: &str, value: &Value) {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name = if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        string(name)
    };
    let _ = match value {
        Value::Array(values) if values.len() > 1 => {
            let lines = values.iter().map(|value| format!("    {},", scalar(value)));
            let lines: Vec<String> = lines.collect();
            writeln!(text, "{name} = [\n{}\n]", lines.join("\n"))
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(scalar).collect();
            writeln!(text, "{name} = [{}]", values.join(", "))
        }
        value => writeln!(text, "{name} = {}", scalar(value)),
    };
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        // TOML's numbers end where those of 64 bits with a sign do.
        Value::Number(number) if number.as_i64().is_none() => string(&number.to_string()),
        value => value.to_string(),
    }
}

/// A basic string. JSON escapes the same way, but for one character.
fn string(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

impl Field {
    /// What stands in a draft, as a file says it; nothing where nothing is said.
    pub fn value(self, draft: &mut Draft) -> Option<Value> {
        Some(match self {
            Self::Name(_, at) => json!(at(draft)),
            Self::Perhaps(_, at) => json!(at(draft).as_ref()?),
            Self::Routing(at) => json!(at(draft)),
            Self::Time(at) => time(*at(draft)),
            Self::Derived(at) => time((*at(draft))?),
            Self::Size(at) => size(*at(draft)),
            Self::Number(_, at) => json!(at(draft)),
            Self::Rate(at) => json!(at(draft).map_or(0, std::num::NonZeroU32::get)),
            Self::Port(at) => json!((*at(draft))?),
            Self::Flag(at) => json!(at(draft)),
            Self::Nodes(at) => {
                let names = at(draft);
                if *names == numbered(names.len()) {
                    json!(names.len())
                } else {
                    json!(names)
                }
            }
            Self::Threads(at) => {
                let text = at(draft);
                text.parse::<u64>()
                    .map_or_else(|_| json!(text), Value::from)
            }
            Self::Faults(at) => json!(at(draft).as_ref()?),
            Self::Script(at) => script(at(draft).as_ref()?),
            Self::Settings(at) => {
                let settings = at(draft);
                if settings.is_empty() {
                    return None;
                }
                json!(settings)
            }
        })
    }
}

/// In the largest unit without a rest.
fn time(ms: u64) -> Value {
    let fits = |scale: f64| ms.is_multiple_of(scale as u64);
    let unit = TIME_UNITS.iter().rfind(|(_, scale)| ms > 0 && fits(*scale));
    let (name, scale) = unit.unwrap_or(&("s", 1_000.0));
    json!(format!("{}{name}", ms / *scale as u64))
}

fn size(bytes: u64) -> Value {
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = units
        .iter()
        .find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size));
    unit.map_or_else(
        || json!(bytes),
        |(name, size)| json!(format!("{}{name}", bytes / size)),
    )
}

/// A script as its lines where each of them can be read by itself, as one text otherwise.
fn script(text: &str) -> Value {
    let is_line = |line: &str| !line.trim_start().starts_with('[') && Script::parse(line).is_ok();
    let lines: Vec<&str> = text.split('\n').collect();
    if lines.iter().all(|line| is_line(line)) {
        json!(lines)
    } else {
        json!(text)
    }
}
