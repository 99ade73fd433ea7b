//! As much of JSON Schema as the document uses: enough to judge values by it and to make up some.

use rand::RngExt;
use rupture_protocols::random::Stream;
use serde_json::{Map, Value, json};

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(link) => {
            let target = document.pointer(link.trim_start_matches('#'));
            target.unwrap_or_else(|| panic!("{link} leads nowhere"))
        }
        None => schema,
    }
}

/// The names of the variants of an enum.
pub(super) fn variants(schema: &Value) -> Vec<String> {
    let named = |branch: &Value| {
        let name = branch.get("const").or_else(|| branch["required"].get(0));
        name.and_then(Value::as_str).map(str::to_owned)
    };
    let branches = schema["oneOf"].as_array().into_iter().flatten();
    let names = schema["enum"].as_array().into_iter().flatten();
    let names = names.filter_map(Value::as_str).map(str::to_owned);
    branches.filter_map(named).chain(names).collect()
}

/// Whether a value is as the schema says.
pub(super) fn accepts(document: &Value, schema: &Value, value: &Value) -> bool {
    let schema = resolved(document, schema);
    let is = |part: &Value, value: &Value| accepts(document, part, value);
    if let Some(branches) = schema["oneOf"].as_array() {
        return branches.iter().filter(|branch| is(branch, value)).count() == 1;
    }
    if let Some(only) = schema.get("const") {
        return only == value;
    }
    if let Some(names) = schema["enum"].as_array() {
        return names.contains(value);
    }
    match (schema["type"].as_str(), value) {
        (Some("object"), Value::Object(fields)) => {
            let required = schema["required"].as_array().into_iter().flatten();
            let mut required = required.filter_map(Value::as_str);
            required.all(|name| fields.contains_key(name))
                && fields.iter().all(|(name, field)| {
                    let part = schema["properties"].get(name);
                    part.is_some_and(|part| is(part, field))
                })
        }
        (Some("array"), Value::Array(items)) => match schema["prefixItems"].as_array() {
            Some(parts) => {
                parts.len() == items.len() && parts.iter().zip(items).all(|(p, item)| is(p, item))
            }
            None => items.iter().all(|item| is(&schema["items"], item)),
        },
        (Some("string"), Value::String(text)) => {
            text.len() as u64 >= schema["minLength"].as_u64().unwrap_or(0)
        }
        (Some("integer"), Value::Number(number)) => {
            let number = number.as_i64();
            let least = schema["minimum"].as_i64().unwrap_or(i64::MIN);
            let most = schema["maximum"].as_i64().unwrap_or(i64::MAX);
            number.is_some_and(|number| (least..=most).contains(&number))
        }
        (Some("boolean"), Value::Bool(_)) | (Some("null"), Value::Null) => true,
        _ => false,
    }
}

/// A value as the schema says, at most about so deep.
pub(super) fn generate(document: &Value, schema: &Value, random: &mut Stream, deep: u32) -> Value {
    let schema = resolved(document, schema);
    let mut part = |part: &Value| generate(document, part, random, deep.saturating_sub(1));
    if let Some(branches) = schema["oneOf"].as_array().or(schema["enum"].as_array()) {
        let at = if deep == 0 {
            0
        } else {
            random.random_range(0..branches.len())
        };
        let branch = &branches[at];
        return match branch {
            Value::String(name) => json!(name),
            branch => generate(document, branch, random, deep),
        };
    }
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields = fields.map(|(name, schema)| (name.clone(), part(schema)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Some("array") => match schema["prefixItems"].as_array() {
            Some(parts) => parts.iter().map(part).collect(),
            None => (0..random.random_range(0..3))
                .map(|_| generate(document, &schema["items"], random, deep.saturating_sub(1)))
                .collect(),
        },
        Some("string") => {
            let texts = ["a", "ä\"\\\n\u{0}", "1:read", "\u{10ffff}", "{}"];
            json!(texts[random.random_range(0..texts.len())])
        }
        Some("integer") => {
            let least = schema["minimum"].as_i64().unwrap_or(i64::MIN);
            let most = schema["maximum"].as_i64().unwrap_or(i64::MAX);
            let numbers = [least, most, 0, 1, random.random_range(least..=most)];
            json!(numbers[random.random_range(0..numbers.len())])
        }
        Some("boolean") => json!(random.random::<bool>()),
        Some("null") => Value::Null,
        other => panic!("no value can be made up for {other:?}"),
    }
}
