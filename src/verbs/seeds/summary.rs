//! What a search says at its end. It is sorted by seed, so that it says the same whatever the number of cores.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::folder::{Answer, Folder, Outcome, seed_folder};
use super::{State, rerun};
use crate::exit::Exit;
use crate::plan::Seeds;
use crate::report::{self, shell, style, thousands};

/// How many commands are listed before the rest is only counted.
const LISTED: usize = 20;

/// What came out of a search.
pub(super) struct Summary<'a> {
    pub(super) seeds: Seeds,
    pub(super) state: &'a State,
    pub(super) folder: &'a Folder,
    pub(super) words: &'a [String],
    pub(super) seconds: f64,
    pub(super) exit: Exit,
    /// Whether an end was asked for.
    pub(super) interrupted: bool,
}

impl Summary<'_> {
    /// The failing seeds, the worst first: an anomaly must not hide behind runs that say nothing.
    fn failing(&self) -> Vec<&Answer> {
        let mut failing: Vec<&Answer> = self.state.failing.values().collect();
        failing.sort_by_key(|answer| (Reverse(Exit::from(answer.verdict).badness()), answer.seed));
        failing
    }

    /// The folder of the worst seed that has one, the lowest of them.
    pub(super) fn worst_recorded(&self) -> Option<PathBuf> {
        let failing = self.failing();
        let worst = failing
            .iter()
            .find(|answer| self.state.recorded.contains(&answer.seed))?;
        Some(seed_folder(&self.folder.root, worst.seed))
    }

    fn of(&self, outcome: Outcome) -> Vec<u64> {
        let answers = self.state.failing.values();
        let those = answers.filter(|answer| answer.verdict == outcome);
        those.map(|answer| answer.seed).collect()
    }

    /// How many failing seeds have no folder.
    fn not_recorded(&self) -> usize {
        let failing = self.state.failing.keys();
        failing
            .filter(|seed| !self.state.recorded.contains(seed))
            .count()
    }

    /// For people.
    pub(super) fn print(&self) {
        let mut parts = vec![format!(
            "{} {}",
            thousands(self.state.valid),
            style::good("valid")
        )];
        for outcome in [Outcome::Invalid, Outcome::Unknown, Outcome::Failed] {
            let count = self.of(outcome).len();
            if count > 0 {
                parts.push(format!("{} {}", thousands(count as u64), word(outcome)));
            }
        }
        let total = self.seeds.count();
        report::print_wrapped(&format!(
            "{} of {total} seeds: {}; {} operations in {:.1} s",
            self.state.done(),
            parts.join(", "),
            thousands(self.state.operations),
            self.seconds
        ));
        let not_recorded = self.not_recorded();
        if not_recorded > 0 {
            report::print_wrapped(&format!(
                "  {} of {} seeds that are not valid were not recorded; --keep N or --keep all records more",
                thousands(not_recorded as u64),
                thousands(self.state.failing.len() as u64)
            ));
        }
        say!(
            "{} {}",
            style::dim("index   "),
            self.folder.index_path().display()
        );
        if self.state.done() < total {
            let why = if self.interrupted {
                "interrupted"
            } else {
                "ended at the first anomaly"
            };
            say!("{}; go on with", style::warning(why));
            say!("{}", rerun::resume(&self.folder.root));
        }
        self.print_reruns();
    }

    fn print_reruns(&self) {
        let failing = self.failing();
        if failing.is_empty() {
            return;
        }
        say!("{}", style::dim("run one again with"));
        for answer in failing.iter().take(LISTED) {
            say!("{}", shell::command(&rerun::one(self.words, answer.seed)));
        }
        if failing.len() > LISTED {
            say!(
                "  and {} more; all of them stand in the index",
                failing.len() - LISTED
            );
        }
    }

    /// For machines.
    pub(super) fn json(&self) -> serde_json::Value {
        let failures: Vec<_> = self
            .failing()
            .iter()
            .map(|answer| {
                let path = self.state.recorded.contains(&answer.seed);
                let path = path.then(|| seed_folder(&self.folder.root, answer.seed));
                json!({
                    "seed": answer.seed,
                    "verdict": answer.verdict,
                    "anomalies": answer.anomalies,
                    "reasons": answer.reasons,
                    "folder": path.as_deref().map(Path::to_string_lossy),
                })
            })
            .collect();
        json!({
            "results": self.folder.root.to_string_lossy(),
            "seeds": self.seeds.count(),
            "done": self.state.done(),
            "exit": self.exit as u8,
            "interrupted": self.interrupted,
            "operations": self.state.operations,
            "valid": self.state.valid,
            "invalid": self.of(Outcome::Invalid),
            "unknown": self.of(Outcome::Unknown),
            "failed": self.of(Outcome::Failed),
            "failures": failures,
            "not_recorded": self.not_recorded(),
            "folder": self.folder.root.to_string_lossy(),
        })
    }
}

/// The word of a verdict.
pub(super) fn word(outcome: Outcome) -> String {
    match outcome {
        Outcome::Valid => style::good("valid"),
        Outcome::Invalid => style::error("INVALID"),
        Outcome::Unknown => style::warning("unknown"),
        Outcome::Failed => style::error("failed"),
    }
}
