//! `rupture doctor`: what this machine allows, which worlds and faults follow from it, and what would help.

mod follows;
mod looks;
mod machine;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rupture_nemesis::FaultKind;
use serde_json::{Value, json};

use crate::cli::DoctorArgs;
use crate::exit::Exit;
use crate::plan::WORLDS;
use crate::report::{self, style};
use crate::screen;

use follows::{LOCAL_ROWS, MECHANISMS, WORLD_ROWS, left, why_not};
use looks::{Answer, Fact, Found, ROWS, Remedy, Row};
use machine::System;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks at the machine. Exits with 0 where at least one world is possible.
///
/// # Errors
/// None that is not told as the answer of a check.
pub fn main(args: &DoctorArgs) -> anyhow::Result<Exit> {
    let seen = Seen::of(&args.results);
    if args.json {
        screen::say_json(&seen.json());
    } else {
        report::print(&seen.lines(report::width()));
    }
    let is_possible = WORLD_ROWS
        .iter()
        .any(|(.., needs)| seen.missing(needs).is_empty());
    Ok(if is_possible {
        Exit::Valid
    } else {
        Exit::Failure
    })
}

/// What all checks saw.
struct Seen {
    system: Option<System>,
    called: String,
    found: Vec<(&'static Row, Found)>,
}

impl Seen {
    fn of(results: &Path) -> Self {
        let folder = Scratch::below(results);
        let (system, called) = System::here();
        let found = ROWS
            .iter()
            .map(|row| (row, look(row, &folder.path)))
            .collect();
        Self {
            system,
            called,
            found,
        }
    }

    fn answer(&self, fact: Fact) -> Answer {
        let found = self.found.iter().find(|(row, _)| row.fact == fact);
        found.map_or(Answer::Unknown, |(_, found)| found.answer)
    }

    fn lacks(&self, fact: Fact) -> bool {
        self.answer(fact) != Answer::Yes
    }

    /// The names of what is not there.
    fn missing(&self, needs: &[Fact]) -> Vec<&'static str> {
        let rows = ROWS
            .iter()
            .filter(|row| needs.contains(&row.fact) && self.lacks(row.fact));
        rows.map(|row| row.name).collect()
    }

    /// Why a kind of fault cannot be in a world on this machine; nothing where it can.
    fn why_not(&self, kind: FaultKind, world: &str) -> Option<String> {
        let needs = WORLD_ROWS
            .iter()
            .find(|(name, ..)| *name == world)
            .map_or(&[][..], |(.., needs)| *needs);
        let missing = self.missing(needs);
        if !missing.is_empty() {
            return Some(format!("the world needs {}", missing.join(", ")));
        }
        why_not(kind, &left(world, |fact| self.lacks(fact)))
    }

    fn json(&self) -> Value {
        let remedy = |row: &Row| (self.lacks(row.fact)).then_some(row.remedy);
        let checks = self.found.iter().map(|(row, found)| {
            json!({
                "group": row.group,
                "name": row.name,
                "answer": found.answer,
                "found": found.told,
                "looked_at": row.looks_at,
                "remedy": remedy(row),
            })
        });
        let needed = |(name, about, needs): &(&str, &str, &[Fact])| {
            let missing = self.missing(needs);
            json!({ "name": name, "about": about, "possible": missing.is_empty(), "missing": missing })
        };
        let faults = FaultKind::ALL.map(|kind| {
            let worlds = WORLDS.map(|world| {
                let why_not = self.why_not(kind, world);
                let answer = json!({ "possible": why_not.is_none(), "why_not": why_not });
                (world.to_owned(), answer)
            });
            json!({ "name": kind.name(), "worlds": serde_json::Map::from_iter(worlds) })
        });
        let local = LOCAL_ROWS.iter().map(|(capability, how, needs)| {
            let missing = self.missing(needs);
            json!({ "name": capability.name(), "how": how, "missing": missing })
        });
        json!({
            "system": self.called,
            "architecture": std::env::consts::ARCH,
            "checks": checks.collect::<Vec<_>>(),
            "worlds": WORLD_ROWS.iter().map(needed).collect::<Vec<_>>(),
            "faults": faults,
            "local": local.collect::<Vec<_>>(),
            "mechanisms": MECHANISMS.iter().map(needed).collect::<Vec<_>>(),
        })
    }

    fn lines(&self, width: usize) -> Vec<String> {
        let mut page = Page {
            lines: Vec::new(),
            width,
        };
        page.lines.push(format!(
            "{} {}",
            style::bold("this machine"),
            style::dim(format!("{}, {}", self.called, std::env::consts::ARCH))
        ));
        let mut group = "";
        for (row, found) in &self.found {
            if row.group != group {
                group = row.group;
                page.lines.push(format!("  {group}"));
            }
            page.row(sign(found.answer), row.name, &found.told, "");
            if found.answer != Answer::Yes {
                page.more(&format!("looked at {}", row.looks_at));
            }
        }
        page.head("worlds");
        for (name, about, needs) in &WORLD_ROWS {
            page.needed(name, about, &self.missing(needs));
        }
        page.head("faults");
        for kind in FaultKind::ALL {
            let not = WORLDS.map(|world| (world, self.why_not(kind, world)));
            let can = not.iter().filter(|(_, why_not)| why_not.is_none());
            let can: Vec<&str> = can.map(|(world, _)| *world).collect();
            let cannot = not
                .iter()
                .filter_map(|(world, why)| Some(format!("not in {world}: {}", why.as_ref()?)));
            let cannot: Vec<String> = cannot.collect();
            let answer = if can.is_empty() {
                Answer::No
            } else {
                Answer::Yes
            };
            page.row(
                sign(answer),
                kind.name(),
                &can.join(", "),
                &cannot.join("; "),
            );
        }
        page.head("for programs that are not ours");
        for (name, about, needs) in &MECHANISMS {
            page.needed(name, about, &self.missing(needs));
        }
        let helped: Vec<&Row> = self
            .found
            .iter()
            .map(|(row, _)| *row)
            .filter(|row| self.lacks(row.fact))
            .collect();
        if !helped.is_empty() {
            page.head("what would help");
        }
        for row in helped {
            for (number, text) in self.remedies(&row.remedy).iter().enumerate() {
                page.row(
                    String::new(),
                    if number == 0 { row.name } else { "" },
                    text,
                    "",
                );
            }
        }
        page.lines.push(String::new());
        let worlds = WORLD_ROWS
            .iter()
            .filter(|(.., needs)| self.missing(needs).is_empty());
        let worlds: Vec<String> = worlds
            .map(|(name, ..)| format!("rupture run --world {name}"))
            .collect();
        let text = if worlds.is_empty() {
            style::error("no world is possible on this machine")
        } else {
            format!("{} {}", style::good("ready for"), worlds.join(", "))
        };
        page.lines.extend(report::wrap(&text, width, ""));
        page.lines
    }

    /// What to do on this system; on each where it is not known.
    fn remedies(&self, remedy: &Remedy) -> Vec<String> {
        let of = |system: System| match system {
            System::Debian => remedy.debian,
            System::Fedora => remedy.fedora,
            System::Alpine => remedy.alpine,
            System::MacOs => remedy.macos,
        };
        let text = |text: &str| {
            if text.is_empty() {
                "nothing: only other systems have it"
            } else {
                text
            }
            .to_owned()
        };
        match self.system {
            Some(system) => vec![text(of(system))],
            None if System::ALL
                .iter()
                .all(|system| of(*system) == remedy.debian) =>
            {
                vec![text(remedy.debian)]
            }
            None => System::ALL
                .iter()
                .map(|system| format!("{}: {}", system.name(), text(of(*system))))
                .collect(),
        }
    }
}

fn sign(answer: Answer) -> String {
    match answer {
        Answer::Yes => style::good("✓"),
        Answer::No => style::error("✗"),
        Answer::Unknown => style::warning("?"),
    }
}

/// Lines in columns: a sign, a name, a text.
struct Page {
    lines: Vec<String>,
    width: usize,
}

impl Page {
    const NAME: usize = 16;
    const MARGIN: usize = 6 + Self::NAME + 2;

    fn head(&mut self, text: &str) {
        self.lines.push(String::new());
        self.lines.push(style::bold(text));
    }

    fn row(&mut self, sign: String, name: &str, text: &str, less: &str) {
        let sign = if sign.is_empty() {
            " ".to_owned()
        } else {
            sign
        };
        let room = self.width.saturating_sub(Self::MARGIN).max(20);
        let texts = report::wrap(text, room, "")
            .into_iter()
            .filter(|line| !line.trim().is_empty());
        let less = report::wrap(less, room, "")
            .into_iter()
            .filter(|line| !line.trim().is_empty())
            .map(style::dim);
        for (number, line) in texts.chain(less).enumerate() {
            let (sign, name) = if number == 0 {
                (sign.as_str(), name)
            } else {
                (" ", "")
            };
            self.lines.push(format!(
                "    {sign} {name:<width$}{line}",
                width = Self::NAME + 2
            ));
        }
    }

    /// What stands below the text of a row.
    fn more(&mut self, text: &str) {
        let room = self.width.saturating_sub(Self::MARGIN).max(20);
        for line in report::wrap(text, room, "") {
            self.lines.push(format!(
                "{:margin$}{}",
                "",
                style::dim(line),
                margin = Self::MARGIN
            ));
        }
    }

    /// Something that is possible where nothing is missing.
    fn needed(&mut self, name: &str, about: &str, missing: &[&str]) {
        let answer = if missing.is_empty() {
            Answer::Yes
        } else {
            Answer::No
        };
        let less = if missing.is_empty() {
            String::new()
        } else {
            format!("lacks {}", missing.join(", "))
        };
        self.row(sign(answer), name, about, &less);
    }
}

/// Makes one check. One that hangs is left behind: what it holds ends with the program.
fn look(row: &'static Row, folder: &Path) -> Found {
    let (sender, answer) = mpsc::channel();
    let folder = folder.to_owned();
    thread::spawn(move || sender.send((row.look)(&folder)));
    answer.recv_timeout(PATIENCE).unwrap_or_else(|_| Found {
        answer: Answer::Unknown,
        told: format!("no answer within {} s", PATIENCE.as_secs()),
    })
}

/// A folder of our own where the results go, or would go. It is gone when we are done.
struct Scratch {
    path: PathBuf,
    is_made: bool,
}

impl Scratch {
    fn below(results: &Path) -> Self {
        // The results may not be there yet; then those that hold them.
        let absolute = std::path::absolute(results).unwrap_or_else(|_| results.to_owned());
        let place = absolute
            .ancestors()
            .find(|folder| folder.is_dir())
            .unwrap_or(Path::new("/"));
        let path = place.join(format!(".rupture-doctor-{}", std::process::id()));
        let is_made = fs::create_dir(&path).is_ok();
        Self { path, is_made }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_made {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
