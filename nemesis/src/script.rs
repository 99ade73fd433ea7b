//! Scripts: faults at times that somebody chose.
//!
//! ```text
//! at 2s partition halves
//! at 4s heal partition
//! at 5s kill majority for 1.5s; at 5s clock bump -500ms n1,n2 for 2s
//! at 8s link delay 50ms loss 20% all for 3s    # until 11s
//! at 12s disk torn primaries for 1s
//! at 13s storage slow 50ms minority for 2s; at 14s stream rate 8000B reset 1% one for 1s
//! at 15s membership shrink one
//! at 16s transfer one for 1s
//! at 20s heal
//! ```
//!
//! Entries stand on lines of their own or are separated by `;`. A fault lasts as long as `for` says, or until
//! `heal` of its kind or of everything, or until the schedule stops. The same as JSON is an array of
//! [`Entry`]. A fault's own text ([`Fault`]'s `Display`) is what stands in a script.

use std::fmt;

use rupture_targets::{LinkShape, NodeName};
use serde::{Deserialize, Serialize};

use crate::ailment::Ailment;
use crate::fault::{Change, Damage, Fault, FaultKind, Impossible, Shape, Skew, Targeting};
use crate::time::{format_ns, parse_ns, parse_ppm, parse_signed_ns};

/// Faults at times, in the order of their times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Script {
    entries: Vec<Entry>,
}

/// One line of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When, since the run began.
    pub at_ns: u64,
    /// What.
    pub action: Action,
}

/// What a line of a script does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// A fault begins.
    Begin {
        /// Which.
        fault: Fault,
        /// How long it lasts, where that is said.
        for_ns: Option<u64>,
    },
    /// Faults end.
    Heal {
        /// Of this kind, or all.
        kind: Option<FaultKind>,
    },
}

/// A script that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// It is no script.
    #[error("line {line}, column {column}: expected {expected}, found {found}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, in characters from 1.
        column: usize,
        /// What would be right there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// It has a fault that no world could make.
    #[error("entry {number} (at {}): {reason}", format_ns(*.at_ns))]
    Entry {
        /// Which entry, from 1, in the order in which they are written.
        number: usize,
        /// When.
        at_ns: u64,
        /// Why not.
        reason: Impossible,
    },
}

impl Script {
    /// A script of these entries; those of the same time stay in their order.
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| entry.at_ns);
        Self { entries }
    }

    /// Reads a script: JSON if it begins with `[`, text otherwise.
    ///
    /// # Errors
    /// Where it cannot be read, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        if text.trim_start().starts_with('[') {
            let entries = serde_json::from_str(text).map_err(|error| ScriptError::Syntax {
                line: error.line(),
                column: error.column(),
                expected: "an array of entries".to_owned(),
                found: error.to_string(),
            })?;
            return Self::in_bounds(entries);
        }
        let mut entries = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let code = line.split('#').next().unwrap_or_default();
            let mut offset = 0;
            for part in code.split(';') {
                let mut words = Words::new(number + 1, offset, part);
                if !words.is_empty() {
                    entries.push(words.entry()?);
                }
                offset += part.chars().count() + 1;
            }
        }
        Self::in_bounds(entries)
    }

    /// A script of entries as they were read; which of them is out of bounds is told in their own order.
    fn in_bounds(entries: Vec<Entry>) -> Result<Self, ScriptError> {
        for (position, entry) in entries.iter().enumerate() {
            if let Action::Begin { fault, .. } = &entry.action {
                fault.check_bounds().map_err(|reason| ScriptError::Entry {
                    number: position + 1,
                    at_ns: entry.at_ns,
                    reason,
                })?;
            }
        }
        Ok(Self::new(entries))
    }

    /// The entries, in the order of their times.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// The words of one entry.
struct Words<'a> {
    line: usize,
    /// Each with its column.
    list: Vec<(usize, &'a str)>,
    next: usize,
    end: usize,
}

const HEAL: &str = "heal";
const WHO: &str = "one, minority, majority, all, primaries or names of nodes";

impl<'a> Words<'a> {
    fn new(line: usize, offset: usize, text: &'a str) -> Self {
        let mut words: Vec<(usize, &str)> = Vec::new();
        let mut column = offset + 1;
        for word in text.split(char::is_whitespace) {
            if !word.is_empty() {
                words.push((column, word));
            }
            column += word.chars().count() + 1;
        }
        Self {
            line,
            list: words,
            next: 0,
            end: column - 1,
        }
    }

    fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn peek(&self) -> Option<&'a str> {
        self.list.get(self.next).map(|(_, word)| *word)
    }

    /// The next word as `read` understands it.
    fn take<T>(
        &mut self,
        expected: &str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, ScriptError> {
        if let Some(value) = self.peek().and_then(read) {
            self.next += 1;
            return Ok(value);
        }
        let (column, found) = match self.list.get(self.next) {
            Some((column, word)) => (*column, format!("`{word}`")),
            None => (self.end, "the end".to_owned()),
        };
        Err(ScriptError::Syntax {
            line: self.line,
            column,
            expected: expected.to_owned(),
            found,
        })
    }

    fn word(&mut self, wanted: &str) -> Result<(), ScriptError> {
        self.take(&format!("`{wanted}`"), |word| {
            (word == wanted).then_some(())
        })
    }

    fn entry(&mut self) -> Result<Entry, ScriptError> {
        self.word("at")?;
        let at_ns = self.time()?;
        let action = if self.peek() == Some(HEAL) {
            self.next += 1;
            self.heal()?
        } else {
            self.begin()?
        };
        if self.next < self.list.len() {
            self.take("`;` or the end of the line", |_| None::<()>)?;
        }
        Ok(Entry { at_ns, action })
    }

    fn time(&mut self) -> Result<u64, ScriptError> {
        self.take("a time such as 2s, 1.5s or 300ms", parse_ns)
    }

    fn heal(&mut self) -> Result<Action, ScriptError> {
        let kind = match self.peek() {
            None | Some("all" | "everything") => {
                self.next = self.list.len();
                None
            }
            Some(_) => Some(self.take("a kind of fault, or nothing", kind)?),
        };
        Ok(Action::Heal { kind })
    }

    fn begin(&mut self) -> Result<Action, ScriptError> {
        let kinds = FaultKind::ALL.into_iter().map(FaultKind::name);
        let fault = match self.take(&either(kinds.chain([HEAL])), kind)? {
            FaultKind::Partition => Fault::Partition {
                shape: self.take(&either(Shape::ALL.map(Shape::name)), shape)?,
            },
            FaultKind::Kill => Fault::Kill { who: self.who()? },
            FaultKind::Pause => Fault::Pause { who: self.who()? },
            FaultKind::Clock => self.clock()?,
            // One shape of a link is of both.
            FaultKind::Link | FaultKind::Stream => self.link()?,
            FaultKind::Storage => self.storage()?,
            FaultKind::Disk => {
                let damage = self.take(&either(Damage::ALL.map(Damage::name)), damage)?;
                let who = self.who()?;
                Fault::Disk { who, damage }
            }
            FaultKind::Membership => self.membership()?,
            FaultKind::Transfer => Fault::Transfer { who: self.who()? },
        };
        let for_ns = match self.peek() {
            Some("for") => {
                self.next += 1;
                Some(self.time()?)
            }
            _ => None,
        };
        Ok(Action::Begin { fault, for_ns })
    }

    fn who(&mut self) -> Result<Targeting, ScriptError> {
        self.take(WHO, who)
    }

    fn signed_time(&mut self) -> Result<i64, ScriptError> {
        self.take("a time such as +500ms or -2s", parse_signed_ns)
    }

    fn clock(&mut self) -> Result<Fault, ScriptError> {
        let kinds = "bump, strobe or drift";
        let name = self.take(kinds, |word| {
            ["bump", "strobe", "drift"].contains(&word).then_some(word)
        })?;
        let skew = match name {
            "bump" => Skew::Bump {
                by_ns: self.signed_time()?,
            },
            "strobe" => {
                let by_ns = self.signed_time()?;
                self.word("every")?;
                let every_ns = self.time()?;
                Skew::Strobe { by_ns, every_ns }
            }
            _ => Skew::Drift {
                ppm: self.take("a rate such as +500ppm", |word| {
                    word.strip_suffix("ppm")?.parse().ok()
                })?,
            },
        };
        let who = self.who()?;
        Ok(Fault::Clock { who, skew })
    }

    fn link(&mut self) -> Result<Fault, ScriptError> {
        let mut shape = LinkShape::default();
        let rate = "a rate such as 20% or 500ppm";
        let part = |word: &str| PARTS.iter().find(|(name, _)| *name == word);
        while let Some((_, part)) = self.peek().and_then(part) {
            self.next += 1;
            match part(&mut shape) {
                Part::Time(ns) => *ns = self.time()?,
                Part::Rate(ppm) => *ppm = self.take(rate, parse_ppm)?,
                Part::Bytes(bytes) => *bytes = self.take(BYTES, parse_bytes)?,
                Part::FewBytes(bytes) => {
                    let few = |word| u32::try_from(parse_bytes(word)?).ok();
                    *bytes = self.take(BYTES, few)?;
                }
            }
        }
        if shape.is_clean() {
            let names = PARTS.iter().map(|(word, _)| *word);
            self.take(&either(names), |_| None::<()>)?;
        }
        let who = self.who()?;
        Ok(Fault::Link { who, shape })
    }

    fn storage(&mut self) -> Result<Fault, ScriptError> {
        let names = either(Ailment::ALL.map(Ailment::name));
        let ailment = self.take(&names, |word| {
            Ailment::ALL.into_iter().find(|it| it.name() == word)
        })?;
        let by_ns = match ailment.info().slow_ms {
            Some(_) => self.time()?,
            None => 0,
        };
        let who = self.who()?;
        Ok(Fault::Storage {
            who,
            ailment,
            by_ns,
        })
    }

    fn membership(&mut self) -> Result<Fault, ScriptError> {
        let is_growth = self.take("grow or shrink", |word| match word {
            "grow" => Some(true),
            "shrink" => Some(false),
            _ => None,
        })?;
        let change = if is_growth {
            Change::Grow
        } else {
            Change::Shrink { who: self.who()? }
        };
        Ok(Fault::Membership { change })
    }
}

/// What a part of a shape is written as.
enum Part<'a> {
    Time(&'a mut u64),
    Rate(&'a mut u32),
    Bytes(&'a mut u64),
    FewBytes(&'a mut u32),
}

const BYTES: &str = "a number of bytes such as 8000B";

/// The parts of the shape of a link, by name.
type PartOf = fn(&mut LinkShape) -> Part<'_>;
const PARTS: [(&str, PartOf); 9] = [
    ("delay", |shape| Part::Time(&mut shape.delay_ns)),
    ("jitter", |shape| Part::Time(&mut shape.jitter_ns)),
    ("loss", |shape| Part::Rate(&mut shape.loss_ppm)),
    ("duplication", |shape| Part::Rate(&mut shape.duplicate_ppm)),
    ("reordering", |shape| Part::Rate(&mut shape.reorder_ppm)),
    ("rate", |shape| Part::Bytes(&mut shape.rate_bytes_s)),
    ("slice", |shape| Part::FewBytes(&mut shape.slice_bytes)),
    ("reset", |shape| Part::Rate(&mut shape.reset_ppm)),
    ("half-close", |shape| Part::Rate(&mut shape.half_close_ppm)),
];

fn parse_bytes(word: &str) -> Option<u64> {
    word.strip_suffix('B')?.parse().ok()
}

fn kind(word: &str) -> Option<FaultKind> {
    FaultKind::ALL.into_iter().find(|kind| kind.name() == word)
}

fn shape(word: &str) -> Option<Shape> {
    Shape::ALL.into_iter().find(|shape| shape.name() == word)
}

fn damage(word: &str) -> Option<Damage> {
    Damage::ALL.into_iter().find(|damage| damage.name() == word)
}

fn either<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    join(&words.into_iter().collect::<Vec<_>>(), "or")
}

/// `a, b or c`.
pub(crate) fn join(words: &[&str], last: &str) -> String {
    match words {
        [rest @ .., end] if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        words => words.concat(),
    }
}

fn who(word: &str) -> Option<Targeting> {
    Some(match word {
        "one" => Targeting::One,
        "minority" => Targeting::Minority,
        "majority" => Targeting::Majority,
        "all" => Targeting::All,
        "primaries" => Targeting::Primaries,
        // A forgotten node would otherwise read as a node of that name.
        "for" | "at" => return None,
        names => {
            let names: Vec<&str> = names.split(',').collect();
            if names.iter().any(|name| name.is_empty()) {
                return None;
            }
            Targeting::Named(names.into_iter().map(NodeName::new).collect())
        }
    })
}

/// The script as text, an entry a line.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            write!(f, "at {} ", format_ns(entry.at_ns))?;
            match &entry.action {
                Action::Begin { fault, for_ns } => {
                    write!(f, "{fault}")?;
                    if let Some(for_ns) = for_ns {
                        write!(f, " for {}", format_ns(*for_ns))?;
                    }
                }
                Action::Heal { kind: None } => f.write_str("heal")?,
                Action::Heal { kind: Some(kind) } => write!(f, "heal {kind}")?,
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::parse;
    use proptest::prelude::*;
    use rupture_targets::random;

    /// Faults as the catalogue draws them, and some with named nodes.
    fn faults(seed: u64) -> Vec<Fault> {
        let mut stream = random::stream(seed, "script");
        let pools = parse(&["all"]).unwrap().pools();
        let mut faults: Vec<Fault> = pools
            .into_values()
            .flatten()
            .map(|recipe| recipe.draw(5, &mut stream))
            .collect();
        let who = Targeting::Named(vec!["n1".into(), "n10".into()]);
        faults.push(Fault::Pause { who });
        faults
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_written_reads_back_as_text_and_as_json(seed: u64, for_ns: Option<u64>) {
            let entries = faults(seed).into_iter().enumerate().map(|(number, fault)| Entry {
                at_ns: number as u64 * 1_000,
                action: Action::Begin { fault, for_ns },
            });
            let mut entries: Vec<Entry> = entries.collect();
            for kind in [None, Some(FaultKind::Disk)] {
                entries.push(Entry { at_ns: seed, action: Action::Heal { kind } });
            }
            let script = Script::new(entries);
            prop_assert_eq!(Script::parse(&script.to_string()), Ok(script.clone()));
            let json = serde_json::to_string(&script).unwrap();
            prop_assert_eq!(Script::parse(&json), Ok(script));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(at|[0-9]{1,3}m?s|heal|kill|all|link|loss|[ ;#%\n\\[{é])( (at|2s|kill|disk|clock|bump|torn|for|one|é|;|[^ ]))*") {
            match Script::parse(&text) {
                Err(ScriptError::Syntax { line, expected, .. }) => {
                    prop_assert!(line >= 1 && !expected.is_empty());
                }
                Err(ScriptError::Entry { number, .. }) => prop_assert!(number >= 1),
                Ok(_) => {}
            }
        }
    }

    #[test]
    fn a_script_is_read_in_the_order_of_its_times() {
        let script = Script::parse(
            "at 4s heal partition; at 2s partition halves # comment\n\n at 5s kill n1,n2 for 1.5s",
        )
        .unwrap();
        assert_eq!(
            script.to_string(),
            "at 2s partition halves\nat 4s heal partition\nat 5s kill n1,n2 for 1500ms\n"
        );
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        for (text, expected) in [
            (
                "at 2 kill one",
                "line 1, column 4: expected a time such as 2s, 1.5s or 300ms, found `2`",
            ),
            (
                "at 1s kill one;  at 2s partition half",
                "line 1, column 34: expected halves, one, minority, majority, majorities-ring, bridge, one-way or primaries, found `half`",
            ),
            (
                "\nat 1s kill",
                "line 2, column 11: expected one, minority, majority, all, primaries or names of nodes, found the end",
            ),
            (
                "at 1s kill for 2s",
                "line 1, column 12: expected one, minority, majority, all, primaries or names of nodes, found `for`",
            ),
            (
                "at 1s heal partition now",
                "line 1, column 22: expected `;` or the end of the line, found `now`",
            ),
            (
                "at 1s link all",
                "line 1, column 12: expected delay, jitter, loss, duplication, reordering, rate, slice, reset or half-close, found `all`",
            ),
            ("kill one", "line 1, column 1: expected `at`, found `kill`"),
            (
                "at 1s burn one",
                "line 1, column 7: expected partition, kill, pause, clock, link, disk, membership, transfer, storage, stream or heal, found `burn`",
            ),
        ] {
            assert_eq!(Script::parse(text).unwrap_err().to_string(), expected);
        }
        assert!(
            Script::parse("[{}]")
                .unwrap_err()
                .to_string()
                .contains("at_ns")
        );
    }

    #[test]
    fn both_forms_have_the_same_bounds_and_say_which_entry_is_beyond() {
        let bump = "[{\"at_ns\":3000000000,\"action\":{\"heal\":{\"kind\":null}}},{\"at_ns\":1000000000,\"action\":\
                    {\"begin\":{\"fault\":FAULT,\"for_ns\":null}}}]";
        let json = |fault: &str| bump.replace("FAULT", fault);
        let text = |fault: &str| format!("at 3s heal\nat 1s {fault}");
        let clock = |skew: &str| {
            json(&format!(
                "{{\"clock\":{{\"who\":\"one\",\"skew\":{skew}}}}}"
            ))
        };
        let link = |shape: &str| {
            json(&format!(
                "{{\"link\":{{\"who\":\"all\",\"shape\":{shape}}}}}"
            ))
        };
        for (script, reason) in [
            (text("clock bump +1us one"), "more than 1us"),
            (clock("{\"bump\":{\"by_ns\":0}}"), "more than 1us"),
            (text("clock bump -150000000m one"), "365 days"),
            (text("clock strobe 50ms every 0s one"), "every 1ms"),
            (
                clock("{\"strobe\":{\"by_ns\":50000000,\"every_ns\":0}}"),
                "every 1ms",
            ),
            (text("clock drift 0ppm one"), "0ppm is none"),
            (clock("{\"drift\":{\"ppm\":0}}"), "0ppm is none"),
            (link("{\"loss_ppm\":4000000000}"), "1000000ppm"),
            (link("{}"), "changes nothing"),
            (text("link delay 0s all"), "delay, jitter"),
            (json("{\"kill\":{\"who\":{\"named\":[]}}}"), "names no node"),
        ] {
            let error = Script::parse(&script).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(reason), "{script}: {message}");
            if !message.starts_with("line 2, column") {
                assert!(message.starts_with("entry 2 (at 1s): "), "{message}");
            }
        }
        assert!(Script::parse(&link("{\"loss_ppm\":1000000}")).is_ok());
    }
}
