//! The schema of a plan, held against what reads plans, what writes them, and the examples.

use std::fs;

use rupture::plan::{Plan, file, keys, schema, written};
use serde_json::{Value, json};

use crate::plans::{examples, root};
use crate::{expect, scratch};

#[test]
fn the_schema_is_that_of_the_types() {
    let folder = scratch();
    let (printed, _) = expect(0, folder.path(), &["schema"]);
    let kept = fs::read_to_string(root().join("docs/plan.schema.json")).expect("the schema");
    assert!(
        kept == printed,
        "the keys of a plan changed: rupture schema plan > docs/plan.schema.json"
    );
    let (_, complaint) = expect(254, folder.path(), &["schema", "plam"]);
    assert!(complaint.contains("did you mean `plan`"), "{complaint}");
}

/// Every key of a schema that holds no table, with its own schema.
fn leaves(prefix: &str, schema: &Value, found: &mut Vec<(String, Value)>) {
    for (name, inner) in schema["properties"].as_object().expect("properties") {
        let path = [prefix, name].concat();
        if inner["properties"].is_object() {
            leaves(&format!("{path}."), inner, found);
        } else {
            found.push((path, inner.clone()));
        }
    }
}

#[test]
fn the_schema_and_the_reader_know_the_same_keys_and_values() {
    let whole = schema::json();
    let mut found = Vec::new();
    leaves("", &whole, &mut found);
    // What the schema has, the reader takes.
    for (path, schema) in &found {
        let values = match &schema["enum"] {
            Value::Array(names) => names.clone(),
            _ if !schema["default"].is_null() => vec![schema["default"].clone()],
            _ if !schema["minimum"].is_null() => vec![schema["minimum"].clone(), json!("7")],
            _ if path == "faults.random" => vec![json!("none"), json!(["kill"])],
            _ if path == "faults.timed" => vec![json!("at 1s heal"), json!(["at 1s heal"])],
            _ => vec![json!("2s")],
        };
        assert!(!values.is_empty(), "{path}");
        for value in values {
            let text = format!("{path} = {value}");
            let file = file::parse("plan.toml", text.clone());
            assert!(file.is_ok(), "{text}: {:?}", file.err());
            assert_eq!(mismatch(schema, &value), None, "{text}");
        }
    }
    // What the reader takes, the schema has.
    for row in &keys::ROWS {
        let known = |path: &str| found.iter().any(|(it, _)| it.starts_with(path));
        assert!(known(row.path), "{}", row.path);
    }
    for info in keys::settings() {
        let path = format!("target.settings.{}", info.name);
        assert!(found.iter().any(|(it, _)| *it == path), "{path}");
    }
}

#[test]
fn the_examples_and_every_written_plan_fit_the_schema() {
    let whole = schema::json();
    let written = written::toml(&Plan::default());
    let texts = examples()
        .into_iter()
        .map(|path| fs::read_to_string(path).expect("a plan"));
    for text in texts.chain([written]) {
        assert_eq!(mismatch(&whole, &from_toml(&text)), None, "{text}");
    }
    for wrong in [
        "sed = 1",
        "seed = true",
        "[faults]\nrandom = [\"klil\"]",
        "[faults]\ntimed = [{ at = \"1s\" }]",
    ] {
        assert!(mismatch(&whole, &from_toml(wrong)).is_some(), "{wrong}");
    }
}

fn from_toml(text: &str) -> Value {
    fn value(it: &toml::de::DeValue<'_>) -> Value {
        use toml::de::DeValue;
        match it {
            DeValue::String(text) => json!(text),
            DeValue::Integer(number) => json!(number.as_str().parse::<i64>().expect("a number")),
            DeValue::Float(number) => json!(number.as_str().parse::<f64>().expect("a number")),
            DeValue::Boolean(flag) => json!(flag),
            DeValue::Datetime(date) => json!(date.to_string()),
            DeValue::Array(values) => values.iter().map(|it| value(it.get_ref())).collect(),
            DeValue::Table(inner) => table(inner),
        }
    }
    fn table(it: &toml::de::DeTable<'_>) -> Value {
        let pairs = it
            .iter()
            .map(|(key, it)| (key.get_ref().to_string(), value(it.get_ref())));
        Value::Object(pairs.collect())
    }
    table(toml::de::DeTable::parse(text).expect("TOML").get_ref())
}

/// The first thing in which a value is not what a schema asks; patterns aside.
fn mismatch(schema: &Value, value: &Value) -> Option<String> {
    let say = |what: &str| Some(format!("{value} is not {what} {schema}"));
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    };
    let is = |name: &&str| match *name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        _ => value.is_number(),
    };
    if !types.is_empty() && !types.iter().any(is) {
        return say("of the type of");
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|names| !names.contains(value))
    {
        return say("one of");
    }
    for (bound, is_below) in [("minimum", true), ("maximum", false)] {
        if let (Some(bound), Some(number)) = (schema[bound].as_f64(), value.as_f64())
            && if is_below {
                number < bound
            } else {
                number > bound
            }
        {
            return say("in the bounds of");
        }
    }
    for (rule, fits) in [("oneOf", 1..=1), ("anyOf", 1..=usize::MAX)] {
        if let Some(schemas) = schema[rule].as_array() {
            let count = schemas
                .iter()
                .filter(|it| mismatch(it, value).is_none())
                .count();
            if !fits.contains(&count) {
                return say(rule);
            }
        }
    }
    let required = schema["required"].as_array().into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if value.get(name).is_none() {
            return say("complete as");
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        for (name, inner) in value.as_object().into_iter().flatten() {
            let Some(schema) = properties.get(name) else {
                return say(&format!("without {name} as"));
            };
            if let Some(wrong) = mismatch(schema, inner) {
                return Some(wrong);
            }
        }
    }
    let items = value.as_array().into_iter().flatten();
    items
        .filter(|_| schema["items"].is_object())
        .find_map(|item| mismatch(&schema["items"], item))
}
