//! The JSON Schema of a plan file, for editors and for other tools. It is made from the table of keys.

use std::collections::BTreeMap;

use rupture_targets::SettingInfo;
use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::keys::{self, FAULT, Field, Names, ROWS, TIMED};
use super::{Routing, SIZE, THREADS, TIME};

/// The schema, of the draft of 2020-12.
pub fn json() -> Value {
    let mut draft = Draft::default();
    let mut tables: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for row in &ROWS {
        let mut schema = row.field.schema();
        schema.insert("description".to_owned(), json!(row.about));
        if let Some(value) = row.field.value(&mut draft) {
            schema.insert("default".to_owned(), value);
        }
        let (parent, name) = row.split();
        let table = tables.entry(parent).or_default();
        table.insert(name.to_owned(), Value::Object(schema));
    }
    let mut whole = tables.remove("").unwrap_or_default();
    for (name, properties) in tables {
        let about = match name {
            "target" => "What is tested.",
            "faults" => "What is done to it.",
            _ => "How it is judged.",
        };
        whole.insert(name.to_owned(), Value::Object(table(about, &properties)));
    }
    let about =
        "What a run does: a TOML file for `rupture run --plan FILE`. Everything may be left out.";
    let mut whole = table(about, &whole);
    let dialect = "https://json-schema.org/draft/2020-12/schema";
    whole.insert("$schema".to_owned(), json!(dialect));
    whole.insert("title".to_owned(), json!("A plan of rupture"));
    Value::Object(whole)
}

fn table(about: &str, properties: &Map<String, Value>) -> Map<String, Value> {
    object(json!({
        "description": about,
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl Field {
    fn schema(self) -> Map<String, Value> {
        object(match self {
            Self::Name(names, _) | Self::Perhaps(names, _) => one_of(names),
            Self::Routing(_) => json!({ "enum": Routing::ALL }),
            Self::Time(_) | Self::Derived(_) => {
                json!({ "type": ["string", "number"], "minimum": 0, "minLength": 1, "pattern": TIME })
            }
            Self::Size(_) => {
                json!({ "type": ["string", "integer"], "minimum": 1, "pattern": SIZE })
            }
            Self::Number(least, _) => number(least, u64::MAX),
            Self::Rate(_) => number(0, u64::from(u32::MAX)),
            Self::Port(_) => number(0, u64::from(u16::MAX)),
            Self::Flag(_) => json!({ "type": "boolean" }),
            Self::Nodes(_) => json!({ "oneOf": [
                { "type": "integer", "minimum": 1, "maximum": 1000 },
                {
                    "type": "array",
                    "items": { "type": "string", "minLength": 1 },
                    "minItems": 1,
                    "maxItems": 1000,
                    "uniqueItems": true,
                },
            ] }),
            Self::Threads(_) => {
                json!({ "type": ["integer", "string"], "minimum": 1, "maximum": 10_000, "pattern": THREADS })
            }
            Self::Faults(_) => json!({ "oneOf": [
                one_of(FAULT),
                { "type": "array", "items": one_of(FAULT) },
            ] }),
            Self::Script(_) => timed(),
            Self::Settings(_) => settings(),
        })
    }
}

fn one_of(names: Names) -> Value {
    json!({ "enum": (names.list)() })
}

/// A number, or its digits as text where TOML's numbers end too early.
fn number(least: u64, most: u64) -> Value {
    let mut schema = object(json!({ "type": ["integer", "string"], "pattern": "^[0-9]+$" }));
    schema.insert("minimum".to_owned(), json!(least));
    if most < u64::MAX {
        schema.insert("maximum".to_owned(), json!(most));
    }
    Value::Object(schema)
}

fn timed() -> Value {
    let text = |(name, about): (&str, &str)| {
        let schema = json!({ "type": "string", "description": about });
        (name.to_owned(), schema)
    };
    let mut entry = table(
        "A fault, or the end of one.",
        &TIMED.map(text).into_iter().collect(),
    );
    entry.insert("required".to_owned(), json!(["at"]));
    entry.insert(
        "oneOf".to_owned(),
        json!([{ "required": ["fault"] }, { "required": ["heal"] }]),
    );
    json!({ "oneOf": [
        { "type": "string" },
        { "type": "array", "items": { "anyOf": [{ "type": "string" }, entry] } },
    ] })
}

fn settings() -> Value {
    let number = |info: SettingInfo| {
        let mut schema = object(number(info.least, info.most));
        schema.insert("description".to_owned(), json!(info.about));
        (info.name.to_owned(), Value::Object(schema))
    };
    Value::Object(table(
        "",
        &keys::settings().into_iter().map(number).collect(),
    ))
}
