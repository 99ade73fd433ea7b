//! Reads the values of a plan file, each as the type of its place in the draft asks.

use std::num::NonZeroU32;
use std::ops::Range;

use rupture_nemesis::{self as nemesis, Script, ScriptError};
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use super::draft::Draft;
use super::file::{Source, Step, Wrong, found};
use super::keys::{self, Field, Names, TIMED};
use super::{Routing, bytes, concurrency, milliseconds, numbered};
use crate::exit::{nearest, unknown_name};

type Value<'a> = Spanned<DeValue<'a>>;

impl Field {
    /// What a value of this key sets.
    pub(super) fn read(
        self,
        path: &str,
        value: &Value<'_>,
        source: Source<'_>,
    ) -> Result<Vec<Step>, Wrong> {
        let offset = value.span().start;
        let is = Reader { path, value };
        let set: Box<dyn Fn(&mut Draft)> = match self {
            Self::Name(names, at) => {
                let name = is.name(names)?;
                Box::new(move |draft| at(draft).clone_from(&name))
            }
            Self::Perhaps(names, at) => {
                let name = Some(is.name(names)?);
                Box::new(move |draft| at(draft).clone_from(&name))
            }
            Self::Routing(at) => {
                let routing = is.routing()?;
                Box::new(move |draft| *at(draft) = routing)
            }
            Self::Time(at) => {
                let ms = is.time()?;
                Box::new(move |draft| *at(draft) = ms)
            }
            Self::Derived(at) => {
                let ms = is.time()?;
                Box::new(move |draft| *at(draft) = Some(ms))
            }
            Self::Size(at) => {
                let size = is.size()?;
                Box::new(move |draft| *at(draft) = size)
            }
            Self::Number(least, at) => {
                let number = is.number(least, u64::MAX)?;
                Box::new(move |draft| *at(draft) = number)
            }
            Self::Rate(at) => {
                let rate = is.number(0, u64::from(u32::MAX))?;
                let rate = NonZeroU32::new(u32::try_from(rate).unwrap_or(u32::MAX));
                Box::new(move |draft| *at(draft) = rate)
            }
            Self::Port(at) => {
                let port = u16::try_from(is.number(0, u64::from(u16::MAX))?).ok();
                Box::new(move |draft| *at(draft) = port)
            }
            Self::Flag(at) => {
                let DeValue::Boolean(flag) = *value.get_ref() else {
                    return Err(is.wrong("true or false"));
                };
                Box::new(move |draft| *at(draft) = flag)
            }
            Self::Nodes(at) => {
                let nodes = is.nodes()?;
                Box::new(move |draft| at(draft).clone_from(&nodes))
            }
            Self::Threads(at) => {
                let threads = is.threads()?;
                Box::new(move |draft| at(draft).clone_from(&threads))
            }
            Self::Faults(at) => {
                let faults = Some(is.faults()?);
                Box::new(move |draft| at(draft).clone_from(&faults))
            }
            Self::Script(at) => {
                let script = Some(is.script(source)?);
                Box::new(move |draft| at(draft).clone_from(&script))
            }
            Self::Settings(at) => return is.settings(at),
        };
        Ok(vec![Step { offset, set }])
    }
}

/// A value and its key.
#[derive(Clone, Copy)]
struct Reader<'a> {
    path: &'a str,
    value: &'a Value<'a>,
}

impl<'a> Reader<'a> {
    fn wrong(self, expected: &str) -> Wrong {
        self.says(format!(
            "`{}` takes {expected}; found {}",
            self.path,
            found(self.value.get_ref())
        ))
    }

    fn says(self, message: impl Into<String>) -> Wrong {
        Wrong {
            offset: self.value.span().start,
            message: message.into(),
        }
    }

    /// The same key, a part of its value.
    fn part(self, value: &'a Value<'a>) -> Self {
        Self { value, ..self }
    }

    fn string(self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            _ => None,
        }
    }

    fn array(self) -> Option<&'a DeArray<'a>> {
        match self.value.get_ref() {
            DeValue::Array(values) => Some(values),
            _ => None,
        }
    }

    fn name(self, names: Names) -> Result<String, Wrong> {
        let known = (names.list)();
        match self.string() {
            Some(name) if known.contains(&name) => Ok(name.to_owned()),
            Some(name) => Err(self.says(unknown_name(names.what, name, &known).to_string())),
            None => Err(self.wrong(&format!("the name of a {}", names.what))),
        }
    }

    fn routing(self) -> Result<Routing, Wrong> {
        let named = |name: &str| Routing::ALL.into_iter().find(|it| it.name() == name);
        self.string()
            .and_then(named)
            .ok_or_else(|| self.wrong("\"own\" or \"any\""))
    }

    /// A time as on the command line: text, or a number of seconds.
    fn time(self) -> Result<u64, Wrong> {
        let text = match self.value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.as_str().to_owned(),
            _ => return Err(self.wrong("a time such as \"30s\"")),
        };
        milliseconds(&text).map_err(|why| self.says(format!("`{}` {text}: {why}", self.path)))
    }

    /// A size as on the command line: text, or a number of bytes.
    fn size(self) -> Result<u64, Wrong> {
        let text = match self.value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            _ => return Err(self.wrong("a size such as \"4GiB\"")),
        };
        bytes(&text).map_err(|why| self.says(format!("`{}` {text}: {why}", self.path)))
    }

    /// A number, or its digits as text: TOML's own end where those of 64 bits with a sign do.
    fn number(self, least: u64, most: u64) -> Result<u64, Wrong> {
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => whole(number),
            DeValue::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()
            }
            _ => None,
        };
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| self.wrong(&format!("a whole number from {least} to {most}")))
    }

    fn nodes(self) -> Result<Vec<String>, Wrong> {
        let expected = "a number of nodes, 1000 at the most, or a list of their names";
        if let Some(values) = self.array() {
            let name = |value| {
                let part = self.part(value);
                let name = part.string().filter(|name| !name.is_empty());
                name.map(str::to_owned)
                    .ok_or_else(|| part.wrong("names of nodes"))
            };
            return values.iter().map(name).collect();
        }
        match self.value.get_ref() {
            DeValue::Integer(number) => whole(number)
                .and_then(|count| usize::try_from(count).ok())
                .filter(|count| *count <= 1000)
                .map(numbered)
                .ok_or_else(|| self.wrong(expected)),
            _ => Err(self.wrong(expected)),
        }
    }

    fn threads(self) -> Result<String, Wrong> {
        let text = match self.value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => match whole(number) {
                Some(number) => number.to_string(),
                None => number.to_string(),
            },
            _ => String::new(),
        };
        match concurrency(&text, 1) {
            Ok(_) => Ok(text),
            Err(_) => Err(self.wrong("a number such as 10, or \"2n\" for two clients a node")),
        }
    }

    fn faults(self) -> Result<Vec<String>, Wrong> {
        if self.string().is_some() {
            return Ok(vec![self.fault()?]);
        }
        let values = self
            .array()
            .ok_or_else(|| self.wrong("a list of kinds of faults such as [\"kill\", \"pause\"]"))?;
        values
            .iter()
            .map(|value| self.part(value).fault())
            .collect()
    }

    fn fault(self) -> Result<String, Wrong> {
        let name = self
            .string()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| self.wrong("names of faults; \"none\" for no fault"))?;
        match nemesis::parse(&[name]) {
            Ok(_) => Ok(name.to_owned()),
            Err(error) => {
                let known = (keys::FAULT.list)();
                Err(self.says(unknown_name(keys::FAULT.what, &error.name, &known).to_string()))
            }
        }
    }

    fn settings(
        self,
        at: fn(&mut Draft) -> &mut rupture_targets::Settings,
    ) -> Result<Vec<Step>, Wrong> {
        let DeValue::Table(table) = self.value.get_ref() else {
            return Err(self.wrong("a table of names and numbers"));
        };
        let known = keys::settings();
        let names: Vec<&str> = known.iter().map(|info| info.name).collect();
        let mut steps = Vec::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            if !names.contains(&name) {
                return Err(Wrong {
                    offset: key.span().start,
                    message: unknown_name("setting", name, &names).to_string(),
                });
            }
            let path = format!("{}.{name}", self.path);
            let number = Reader { path: &path, value }.number(0, u64::MAX)?;
            let name = name.to_owned();
            steps.push(Step {
                offset: value.span().start,
                set: Box::new(move |draft| {
                    at(draft).insert(name.clone(), number);
                }),
            });
        }
        Ok(steps)
    }

    /// A script as one text, or as a list of its lines.
    fn script(self, source: Source<'_>) -> Result<String, Wrong> {
        if let Some(text) = self.string() {
            return self.read_script(text, source);
        }
        let expected = "a list of faults such as [\"at 2s partition halves for 3s\"]";
        let values = self.array().ok_or_else(|| self.wrong(expected))?;
        let line = |value| {
            let part = self.part(value);
            match (part.string(), part.value.get_ref()) {
                (Some(text), _) => part.read_script(text, source),
                (_, DeValue::Table(table)) => part.entry(table, source),
                _ => Err(part.wrong(expected)),
            }
        };
        let lines: Result<Vec<String>, Wrong> = values.iter().map(line).collect();
        Ok(lines?.join("\n"))
    }

    fn read_script(self, text: &str, source: Source<'_>) -> Result<String, Wrong> {
        let Err(error) = Script::parse(text) else {
            return Ok(text.to_owned());
        };
        let (offset, message) = inside(text, &error);
        Err(Wrong {
            offset: source.place(&self.value.span(), text, offset),
            message,
        })
    }

    /// A fault that is written as a table: the line of a script that says the same.
    fn entry(self, table: &'a DeTable<'a>, source: Source<'_>) -> Result<String, Wrong> {
        let names = TIMED.map(|(name, _)| name);
        let mut parts: Vec<Option<Reader<'_>>> = vec![None; names.len()];
        for (key, value) in table {
            let name: &str = key.get_ref();
            let Some(place) = names.iter().position(|known| *known == name) else {
                return Err(Wrong {
                    offset: key.span().start,
                    message: format!("unknown key `{name}` of a fault; {}", nearest(name, &names)),
                });
            };
            let part = Reader {
                path: names[place],
                value,
            };
            // Each is a part of one line, and stays one.
            let is_part = |text: &str| !text.contains(['#', ';', '\n', '\r']);
            if !part.string().is_some_and(is_part) {
                return Err(part.wrong(TIMED[place].1));
            }
            parts[place] = Some(part);
        }
        let (at, what, lasts) = match parts[..] {
            [Some(at), Some(fault), lasts, None] => (at, ("", fault), lasts),
            [Some(at), None, None, Some(heal)] => (at, ("heal ", heal), None),
            _ => {
                return Err(self
                    .says("a fault has `at`, and either `fault`, perhaps with `for`, or `heal`"));
            }
        };
        // The line, and which of its bytes came from which value.
        let mut line = String::new();
        let mut origins: Vec<(Range<usize>, Reader<'_>)> = Vec::new();
        let pieces = [("at ", Some(at)), (what.0, Some(what.1)), ("for ", lasts)];
        for (word, part) in pieces {
            let Some((part, text)) = part.and_then(|part| Some((part, part.string()?))) else {
                continue;
            };
            let gap = if line.is_empty() { "" } else { " " };
            line.push_str(gap);
            line.push_str(word);
            let start = line.len();
            line.push_str(text);
            origins.push((start..line.len(), part));
        }
        let Err(error) = Script::parse(&line) else {
            return Ok(line);
        };
        let (offset, message) = inside(&line, &error);
        let origin = origins
            .iter()
            .rev()
            .find(|(range, _)| range.start <= offset);
        Err(Wrong {
            offset: origin.map_or(self.value.span().start, |(range, part)| {
                let text = part.string().unwrap_or_default();
                let offset = (offset - range.start).min(text.len());
                source.place(&part.value.span(), text, offset)
            }),
            message,
        })
    }
}

/// A number without a sign; none where it has one, or is too large.
fn whole(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Where in a script an error is, in bytes, and what it says without the place.
fn inside(script: &str, error: &ScriptError) -> (usize, String) {
    let (line, column, expected, found) = match error {
        ScriptError::Entry { .. } => return (0, error.to_string()),
        ScriptError::Syntax {
            line,
            column,
            expected,
            found,
        } => (line, column, expected, found),
    };
    let lines = script.split_inclusive('\n');
    let before: usize = lines.clone().take(line - 1).map(str::len).sum();
    let text = lines.clone().nth(line - 1).unwrap_or_default();
    let chars = text.chars().take(column - 1);
    let offset = before + chars.map(char::len_utf8).sum::<usize>();
    (offset, format!("expected {expected}, found {found}"))
}
