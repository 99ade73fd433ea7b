//! The folder of a search: its plan, and an index that grows by a line a seed as soon as the seed has ended. Whoever
//! kills the search, nothing that it found is lost, and it can go on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, bad_input};
use crate::plan::{Plan, Seeds};
use crate::{input, output, record};

/// The version of `search.json` and `index.jsonl`.
const FORMAT: u32 = 1;

/// What a search does.
#[derive(Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    rupture: String,
    started: String,
    pub(super) command: Vec<String>,
    pub(super) seeds: Seeds,
    pub(super) plan: Plan,
}

/// How a seed ended.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Valid,
    Invalid,
    Unknown,
    /// The tool itself failed.
    Failed,
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Valid => Self::Valid,
            Outcome::Invalid => Self::Invalid,
            Outcome::Unknown => Self::Unknown,
            Outcome::Failed => Self::Failure,
        }
    }
}

/// What one seed came to: a line of the index.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) seed: u64,
    pub(super) verdict: Outcome,
    pub(super) operations: u64,
    /// The kinds of its anomalies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) anomalies: Vec<String>,
    /// Why it is unknown, or failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) reasons: Vec<String>,
}

/// The other kind of line: a seed was recorded whole, in a folder inside the search's.
#[derive(Serialize, Deserialize)]
struct Recorded {
    seed: u64,
    recorded: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Recorded(Recorded),
    Answer(Answer),
}

/// What an index knows.
#[derive(Default)]
pub(super) struct Known {
    pub(super) answers: BTreeMap<u64, Answer>,
    pub(super) recorded: BTreeSet<u64>,
    /// Lines that were cut off.
    pub(super) torn: u64,
}

/// The folder of a search that goes on.
pub(super) struct Folder {
    pub(super) root: PathBuf,
    index: Mutex<Index>,
}

struct Index {
    file: File,
    /// The first error that a line met.
    error: Option<io::Error>,
}

impl Folder {
    /// Makes the folder of a new search.
    pub(super) fn create(
        results: &Path,
        name: &str,
        plan: &Plan,
        seeds: Seeds,
        words: &[String],
    ) -> anyhow::Result<Self> {
        let stamp = format!("{}-seeds", record::timestamp());
        let root = record::new_folder(results, name, &stamp)?;
        let manifest = Manifest {
            format: FORMAT,
            rupture: env!("CARGO_PKG_VERSION").to_owned(),
            started: record::now(),
            command: words.to_owned(),
            seeds,
            plan: plan.clone(),
        };
        let text = serde_json::to_string_pretty(&manifest).context("a plan is JSON")? + "\n";
        output::write(&root.join("search.json"), text.as_bytes())?;
        Self::of(root)
    }

    /// The folder of a search that was cut short, and what it knows already.
    ///
    /// # Errors
    /// A folder that is no search's, another version of this program, a search that is still going on.
    pub(super) fn open(root: &Path) -> anyhow::Result<(Self, Manifest, Known)> {
        let manifest = manifest(root)?;
        let folder = Self::of(root.to_owned())?;
        let mut known = known(&root.join("index.jsonl"))?;
        known
            .recorded
            .retain(|seed| seed_folder(root, *seed).join("verdict.json").is_file());
        Ok((folder, manifest, known))
    }

    fn of(root: PathBuf) -> anyhow::Result<Self> {
        let path = root.join("index.jsonl");
        let failed = || format!("cannot write `{}`", path.display());
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(failed)?;
        // Two searches in one folder would run seeds twice. A file system without locks has to trust its user.
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            return Err(bad_input(format!(
                "another process searches in `{}` right now",
                root.display()
            )));
        }
        let error = None;
        let index = Mutex::new(Index { file, error });
        Ok(Self { root, index })
    }

    /// Adds what a seed came to, before anything else is done with it.
    pub(super) fn answer(&self, answer: &Answer) {
        self.append(answer);
    }

    /// Adds that a seed was recorded whole.
    pub(super) fn recorded(&self, seed: u64) {
        let recorded = seed_name(seed);
        self.append(&Recorded { seed, recorded });
    }

    fn append(&self, line: &impl Serialize) {
        let mut line = serde_json::to_string(line).unwrap_or_default();
        line.push('\n');
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        // One write a line: a process that is killed has written all of it or nothing.
        if let Err(error) = index.file.write_all(line.as_bytes()) {
            index.error.get_or_insert(error);
        }
    }

    /// The first error that a line of the index met.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        match index.error.take() {
            Some(error) => Err(error)
                .with_context(|| format!("`{}` is not complete", self.index_path().display())),
            None => Ok(()),
        }
    }

    /// Where the index lies.
    pub(super) fn index_path(&self) -> PathBuf {
        self.root.join("index.jsonl")
    }

    /// Where a seed is recorded whole.
    pub(super) fn seed(&self, seed: u64) -> anyhow::Result<Seed> {
        let root = seed_folder(&self.root, seed);
        // The verdict is written last.
        if root.join("verdict.json").is_file() {
            return Ok(Seed::Whole(root));
        }
        if root.is_dir() {
            fs::remove_dir_all(&root)
                .with_context(|| format!("cannot remove the half of `{}`", root.display()))?;
        }
        record::Folder::create(&self.root, "", &seed_name(seed)).map(Seed::New)
    }
}

/// The folder of a seed inside its search. A half that a killed process left has gone away.
pub(super) enum Seed {
    Whole(PathBuf),
    New(record::Folder),
}

fn seed_name(seed: u64) -> String {
    format!("seed-{seed}")
}

/// The folder of a seed that is recorded whole, inside its search's.
pub(super) fn seed_folder(root: &Path, seed: u64) -> PathBuf {
    root.join(seed_name(seed))
}

fn manifest(root: &Path) -> anyhow::Result<Manifest> {
    let path = root.join("search.json");
    if !path.exists() {
        return Err(bad_input(format!(
            "`{}` is not the folder of a search: it has no search.json",
            root.display()
        )));
    }
    let wrong = |why: String| bad_input(format!("{}: {why}", path.display()));
    let text = input::read_text(&path)?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let version = value["rupture"].as_str().unwrap_or("another one");
    if value["format"] != FORMAT || version != env!("CARGO_PKG_VERSION") {
        return Err(wrong(format!(
            "the search was begun by rupture {version}, and this is {}: their answers do not belong together; \
             start a new search",
            env!("CARGO_PKG_VERSION")
        )));
    }
    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
}

/// Reads an index. A line that was cut off counts as not written; the next one must not be glued to it.
fn known(path: &Path) -> anyhow::Result<Known> {
    let failed = || format!("cannot read `{}`", path.display());
    let bytes = input::read(path, 1 << 40, &|| false).with_context(failed)?;
    let mut known = Known::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(Line::Answer(answer)) => {
                known.answers.insert(answer.seed, answer);
            }
            Ok(Line::Recorded(recorded)) => {
                known.recorded.insert(recorded.seed);
            }
            Err(_) if line.is_empty() => {}
            Err(_) => known.torn += 1,
        }
    }
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        let mut file = OpenOptions::new()
            .append(true)
            .open(path)
            .with_context(failed)?;
        file.write_all(b"\n").with_context(failed)?;
    }
    Ok(known)
}
