//! Reads a plan from a file: TOML that a person wrote, or the `run.json` of a run.
//!
//! What is wrong with a file is told with its line and column. A value that only the whole plan shows to be wrong has a
//! place, too: see [`PlanFile::locate`].

use std::fmt;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::draft::Draft;
use super::keys::{ROWS, Row};
use super::{FORMAT, Plan, Routing};
use crate::exit::{bad_input, nearest};
use crate::input;

/// What a file says.
pub struct PlanFile {
    name: String,
    text: String,
    start: Draft,
    steps: Vec<Step>,
}

/// One value of a file: where it stands, and what it does.
pub(super) struct Step {
    pub(super) offset: usize,
    pub(super) set: Box<dyn Fn(&mut Draft)>,
}

/// What is wrong, and the byte of the file where it is.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) offset: usize,
    pub(super) message: String,
}

/// Reads a file.
///
/// # Errors
/// A file that cannot be read, a key or a value that nobody knows, and values of the wrong type, each with its place.
pub fn read(path: &Path) -> anyhow::Result<PlanFile> {
    parse(&path.display().to_string(), input::read_text(path)?)
}

/// Reads a text. `name` stands for it in messages.
///
/// # Errors
/// See [`read`].
pub fn parse(name: &str, text: String) -> anyhow::Result<PlanFile> {
    let mut file = PlanFile {
        name: name.to_owned(),
        text,
        start: Draft::default(),
        steps: Vec::new(),
    };
    if file
        .text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('{')
    {
        file.start = json(name, &file.text)?.into();
        return Ok(file);
    }
    match steps(&file.text) {
        Ok(steps) => file.steps = steps,
        Err(wrong) => return Err(file.error(wrong.offset, &wrong.message)),
    }
    Ok(file)
}

impl PlanFile {
    /// What the whole file says.
    pub fn draft(&self) -> Draft {
        self.draft_of(self.steps.len())
    }

    fn draft_of(&self, steps: usize) -> Draft {
        let mut draft = self.start.clone();
        for step in &self.steps[..steps] {
            (step.set)(&mut draft);
        }
        draft
    }

    /// Tells of an error where it comes from. `plan` is asked what is wrong with a draft; the first value from which on
    /// it says what it says of the whole file is the one at fault. An error that is there without any value comes from
    /// somewhere else, and stays as it is.
    ///
    /// Asks once for every value of the file at the most.
    pub fn locate<T>(
        &self,
        error: anyhow::Error,
        plan: impl Fn(Draft) -> anyhow::Result<T>,
    ) -> anyhow::Error {
        let wanted = error.to_string();
        let is_same = |count: usize| {
            let said = plan(self.draft_of(count)).err();
            said.is_some_and(|said| said.to_string() == wanted)
        };
        let first = (0..=self.steps.len()).find(|count| is_same(*count));
        match first.and_then(|count| count.checked_sub(1)) {
            Some(step) => self.error(self.steps[step].offset, &wanted),
            None => error,
        }
    }

    fn error(&self, offset: usize, message: &str) -> anyhow::Error {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before[start..].chars().count() + 1;
        bad_input(format!(
            "{}: line {line}, column {column}: {message}",
            self.name
        ))
    }
}

/// The plan of a `run.json`.
fn json(name: &str, text: &str) -> anyhow::Result<Plan> {
    #[derive(Deserialize)]
    struct Manifest {
        plan: Plan,
    }
    let wrong = |why: &dyn fmt::Display| bad_input(format!("{name}: {why}"));
    let text = text.trim_start_matches('\u{feff}');
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| wrong(&error))?;
    let Some(plan) = value.get("plan") else {
        return Err(wrong(
            &"it is JSON without a plan; give a plan as TOML, or the run.json of a run",
        ));
    };
    if value.get("format") != Some(&FORMAT.into()) {
        return Err(wrong(&format!(
            "the format is not {FORMAT}; use it with the version of rupture that wrote it"
        )));
    }
    serde_json::from_str(text)
        .map(|manifest: Manifest| manifest.plan)
        .map_err(|error| {
            let known = Plan::fields();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let keys = plan.as_object().into_iter().flat_map(|plan| plan.keys());
            let mut strangers = keys.filter(|key| !known.contains(&key.as_str()));
            match strangers.next() {
                Some(key) => wrong(&format!(
                    "line {}, column {}: unknown key `{key}`; {}",
                    error.line(),
                    error.column(),
                    nearest(key, &known)
                )),
                None => wrong(&error),
            }
        })
}

/// What a file says, in the order of the table of keys.
fn steps(text: &str) -> Result<Vec<Step>, Wrong> {
    let table = DeTable::parse(text).map_err(|error| Wrong {
        offset: error.span().map_or(0, |span| span.start),
        message: error.message().to_owned(),
    })?;
    let mut said = Vec::new();
    collect("", table.get_ref(), &mut said)?;
    said.sort_by_key(|(row, _)| *row);
    let source = Source { text };
    let mut steps = Vec::new();
    for (row, value) in said {
        steps.extend(ROWS[row].field.read(ROWS[row].path, value, source)?);
    }
    Ok(steps)
}

/// The values of a table and of those in it, each with its row.
fn collect<'a>(
    prefix: &str,
    table: &'a DeTable<'a>,
    said: &mut Vec<(usize, &'a Spanned<DeValue<'a>>)>,
) -> Result<(), Wrong> {
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}.{name}")
        };
        let inside = |row: &Row| {
            row.path
                .strip_prefix(&path)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        if let Some(row) = ROWS.iter().position(|row| row.path == path) {
            said.push((row, value));
        } else if !ROWS.iter().any(inside) {
            return Err(Wrong {
                offset: key.span().start,
                message: unknown_key(prefix, name),
            });
        } else if let DeValue::Table(inner) = value.get_ref() {
            collect(&path, inner, said)?;
        } else {
            let names: Vec<&str> = ROWS
                .iter()
                .filter(|row| inside(row))
                .map(|row| row.split().1)
                .collect();
            let message = format!(
                "`{path}` is a table with {}; write [{path}] on a line before them; found {}",
                names.join(", "),
                found(value.get_ref())
            );
            return Err(Wrong {
                offset: value.span().start,
                message,
            });
        }
    }
    Ok(())
}

/// What to say of a key that nobody knows: the place of one with that name elsewhere, the nearest names, or all of them.
fn unknown_key(prefix: &str, name: &str) -> String {
    let elsewhere = ROWS
        .iter()
        .find(|row| row.split().1 == name && row.split().0 != prefix);
    let place = if prefix.is_empty() {
        String::new()
    } else {
        format!(" in [{prefix}]")
    };
    let hint = match elsewhere.map(Row::split) {
        Some(("", _)) => "it stands before the first [table], not in one".to_owned(),
        Some((table, _)) => format!("it belongs into [{table}]"),
        None => nearest(name, &children(prefix)),
    };
    format!("unknown key `{name}`{place}; {hint}")
}

/// The names of what a table holds.
fn children(prefix: &str) -> Vec<&'static str> {
    let below = |path: &'static str| match prefix {
        "" => Some(path),
        prefix => path.strip_prefix(prefix)?.strip_prefix('.'),
    };
    let mut names: Vec<&str> = ROWS
        .iter()
        .filter_map(|row| below(row.path)?.split('.').next())
        .collect();
    names.dedup();
    names
}

/// A value in words, for a message.
pub(super) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string {}", serde_json::Value::from(text.as_ref())),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// The text of the file, to find places inside strings.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    text: &'a str,
}

impl Source<'_> {
    /// Where a byte of a string is in the file. Where the string is written with escapes nobody can say: then it is
    /// where the string begins.
    pub(super) fn place(self, span: &Range<usize>, string: &str, offset: usize) -> usize {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let inner = raw.find(string).filter(|_| !string.is_empty());
        inner.map_or(span.start, |inner| span.start + inner + offset)
    }
}

impl Plan {
    /// The names of everything that a plan in `run.json` can say.
    fn fields() -> Vec<String> {
        let plan = Self {
            settings: [(String::new(), 0)].into(),
            routing: Routing::Own,
            base_port: Some(0),
            stop_on_anomaly: true,
            ..Self::default()
        };
        let value = serde_json::to_value(plan).unwrap_or_default();
        let fields = value.as_object().into_iter().flat_map(|plan| plan.keys());
        fields.cloned().collect()
    }
}
