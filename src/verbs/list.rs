//! `rupture list`: names what there is. Everything comes from the registries, so that nothing is forgotten.

use serde_json::{Map, Value, json};

use rupture_nemesis::nemeses;
use rupture_targets::{SettingInfo, targets};
use rupture_workloads::checkers::{Form, ModelInfo, models};
use rupture_workloads::workloads;

use crate::cli::ListArgs;
use crate::exit::{Exit, unknown_name};
use crate::report::{self, style};
use crate::screen;

/// What can be listed, in the order in which all of it is.
const SECTIONS: [&str; 5] = ["targets", "mutants", "workloads", "nemeses", "models"];

/// One line: a name, and what it is.
struct Item {
    name: String,
    about: String,
    /// What else a machine may want to know.
    more: Vec<(&'static str, Value)>,
}

/// Prints one section, or all.
///
/// # Errors
/// A section that nobody knows.
pub fn main(args: &ListArgs) -> anyhow::Result<Exit> {
    let wanted: Vec<&str> = match &args.what {
        None => SECTIONS.to_vec(),
        Some(what) => match SECTIONS.iter().find(|section| *section == what) {
            Some(section) => vec![*section],
            None => return Err(unknown_name("list", what, &SECTIONS)),
        },
    };
    if args.json {
        let all: Map<String, Value> = wanted
            .iter()
            .map(|section| ((*section).to_owned(), as_json(&items(section))))
            .collect();
        screen::say_json(&Value::Object(all));
    } else {
        for (number, section) in wanted.iter().enumerate() {
            if number > 0 {
                say!();
            }
            print(section, &items(section));
        }
    }
    Ok(Exit::Valid)
}

fn items(section: &str) -> Vec<Item> {
    let plain = |name: &str, about: &str| Item {
        name: name.to_owned(),
        about: about.to_owned(),
        more: Vec::new(),
    };
    match section {
        "targets" => targets()
            .iter()
            .map(|target| Item {
                more: vec![
                    ("models", json!(target.models)),
                    ("reads", json!(target.reads)),
                    ("set", target.settings.iter().map(setting).collect()),
                ],
                ..plain(target.name, target.about)
            })
            .collect(),
        "mutants" => targets()
            .iter()
            .flat_map(|target| target.mutants.iter().map(move |mutant| (target, mutant)))
            .map(|(target, mutant)| Item {
                more: vec![
                    ("target", json!(target.name)),
                    ("shows in", json!(mutant.models)),
                ],
                ..plain(mutant.name, mutant.about)
            })
            .collect(),
        "workloads" => workloads()
            .iter()
            .map(|workload| plain(workload.name, workload.about))
            .collect(),
        "nemeses" => nemeses()
            .iter()
            .map(|nemesis| plain(nemesis.name, nemesis.about))
            .collect(),
        _ => models()
            .iter()
            .map(|model| Item {
                more: vec![
                    ("consistency", json!(model.consistency)),
                    ("levels", json!(levels(model))),
                    ("settings", json!(model.settings)),
                    ("operations", json!(forms(model))),
                    ("apart", json!(model.apart())),
                ],
                ..plain(model.name, model.about)
            })
            .collect(),
    }
}

/// A setting of a target.
fn setting(info: &SettingInfo) -> Value {
    json!({
        "name": info.name,
        "about": info.about,
        "least": info.least,
        "most": info.most,
        "default": info.default,
    })
}

/// The levels of a model in words.
fn levels(model: &ModelInfo) -> String {
    if model.consistency.is_empty() {
        return "none, a rule of its own".to_owned();
    }
    model.consistency.join(", ")
}

/// What a model speaks, an object an operation.
fn forms(model: &ModelInfo) -> Vec<Value> {
    let form = |form: &Form| json!({ "f": form.f, "invoked": form.invoked, "ok": form.ok });
    model.operations().iter().map(form).collect()
}

fn print(section: &str, items: &[Item]) {
    say!("{}", style::bold(section));
    let names = items.iter().map(|item| item.name.chars().count());
    let margin = names.max().unwrap_or(0) + 4;
    let room = report::width().saturating_sub(margin).max(20);
    for item in items {
        let more = item
            .more
            .iter()
            .flat_map(|(what, value)| in_words(what, value));
        let more = more.flat_map(|line| report::wrap(&line, room, ""));
        let lines = report::wrap(&item.about, room, "")
            .into_iter()
            .chain(more.map(style::dim));
        for (number, line) in lines.enumerate() {
            let name = if number == 0 { item.name.as_str() } else { "" };
            say!("  {name:<width$}{line}", width = margin - 2);
        }
    }
}

/// What else there is to know of an item, in lines; nothing where there is nothing.
fn in_words(what: &str, value: &Value) -> Vec<String> {
    if what == "consistency" {
        // They stand among the levels already.
        return Vec::new();
    }
    if what == "set" {
        let line = |it: &Value| {
            format!(
                "--set {}={} ({} to {}): {}",
                it["name"].as_str().unwrap_or_default(),
                it["default"],
                it["least"],
                it["most"],
                it["about"].as_str().unwrap_or_default(),
            )
        };
        return value.as_array().into_iter().flatten().map(line).collect();
    }
    let prefix = if what == "settings" { "--" } else { "" };
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let names = values.iter().filter_map(Value::as_str);
            let names = names.map(|name| format!("{prefix}{name}"));
            let forms = values.iter().filter(|value| value.is_object()).map(|form| {
                let text = |part: &str| form[part].as_str().unwrap_or_default();
                format!("{} {} → {}", text("f"), text("invoked"), text("ok"))
            });
            names.chain(forms).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let what = match what {
        "apart" => "told apart",
        other => other,
    };
    // Whose mutant it is needs no word as long as there is one target.
    let is_told = what != "target" || targets().len() > 1;
    let line = (is_told && !text.is_empty()).then(|| format!("{what}: {text}"));
    line.into_iter().collect()
}

fn as_json(items: &[Item]) -> Value {
    let object = |item: &Item| {
        let mut object = Map::new();
        object.insert("name".into(), json!(item.name));
        object.insert("about".into(), json!(item.about));
        object.extend(
            item.more
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        Value::Object(object)
    };
    Value::Array(items.iter().map(object).collect())
}
