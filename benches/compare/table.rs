//! The table: every history judged as a whole process.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rupture_checkers::history::{History, codec::jsonl};
use tempfile::TempDir;

use crate::Asked;
use crate::common::Traffic;
use crate::process::{Ran, run};
use crate::rows::{self, Row};
use crate::{stores, transactions};

const RUPTURE: &str = env!("CARGO_BIN_EXE_rupture");

/// How much longer than its limit a check may take to stop.
const GRACE: Duration = Duration::from_secs(5);

struct Bench<'a> {
    asked: &'a Asked,
    folder: TempDir,
    peer: Option<PathBuf>,
}

/// Prints the table, row by row as they come.
pub(crate) fn main(asked: &Asked) -> Result<(), String> {
    let folder = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
    let peer = env::var_os("RUPTURE_PEER").map(PathBuf::from);
    let bench = Bench {
        asked,
        folder,
        peer,
    };
    bench.head();
    for row in rows::all() {
        if asked.wants(&row.name, row.traffic.operations) {
            bench.row(&row)?;
        }
    }
    for row in stores::rows() {
        if asked.wants(&row.name(), row.operations) {
            bench.stores(&row)?;
        }
    }
    for row in transactions::rows() {
        if asked.wants(&row.name(), row.transactions.count) {
            bench.transactions(&row)?;
        }
    }
    match env::var_os("RUPTURE_CORPUS") {
        Some(corpus) => bench.corpus(Path::new(&corpus)),
        None => Ok(()),
    }
}

impl Bench<'_> {
    fn head(&self) {
        let mut heads = vec![
            "history",
            "operations",
            "verdict",
            "algorithm",
            "seconds: median (least to most)",
            "peak memory",
            "bar",
            "Porcupine, Elle or AWDIT, on two cores of a like machine",
        ];
        if self.peer.is_some() {
            heads.push("peer: verdict, seconds, peak memory");
        }
        println!("| {} |", heads.join(" | "));
        println!("|{}", "---|".repeat(heads.len()));
    }

    fn row(&self, row: &Row) -> Result<(), String> {
        let Some((history, wrong)) = generate(row) else {
            return Err(format!("{}: no place for a violation", row.name));
        };
        let file = self.folder.path().join("history.jsonl");
        write(&history, &file).map_err(|error| format!("{}: {error}", file.display()))?;
        drop(history);
        let object = row.traffic.object;
        let mut arguments = vec!["--model".into(), object.model().into()];
        if object.independent() {
            arguments.push("--independent".into());
        }
        arguments.push(file.into());
        let operations = row.traffic.operations.to_string();
        let expected = if row.violation { "invalid" } else { "valid" };
        let name = format!("{}{wrong}", row.name);
        self.judge(
            &name,
            &operations,
            expected,
            &arguments,
            [row.bar, row.porcupine],
        )
    }

    /// Several stores, each in a process of its own.
    fn stores(&self, row: &stores::Row) -> Result<(), String> {
        let mut processes = Vec::new();
        for (number, store) in row.stores().enumerate() {
            let file = self.folder.path().join(format!("store-{number}.jsonl"));
            write(&store.generate(), &file)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            processes.push(vec!["--model".into(), "kv-append".into(), file.into()]);
        }
        let operations = row.operations.to_string();
        let figures = [row.bar, ""];
        self.judge_all(
            &row.name(),
            &operations,
            row.expected(),
            &processes,
            figures,
        )
    }

    /// Transactions, by one level or by all.
    fn transactions(&self, row: &transactions::Row) -> Result<(), String> {
        let file = self.folder.path().join("history.jsonl");
        write(&row.transactions.generate(), &file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let mut arguments: Vec<OsString> = vec!["--memory".into(), row.memory.into()];
        arguments.extend(["--model".into(), row.transactions.model.into()]);
        if row.level != "ladder" {
            arguments.extend(["--consistency".into(), row.level.into()]);
        }
        arguments.push(file.into());
        let count = row.transactions.count.to_string();
        let bars = [row.bar, row.peer];
        self.judge(&row.name(), &count, row.expected, &arguments, bars)
    }

    /// Porcupine's own histories, all of a kind in one process.
    fn corpus(&self, folder: &Path) -> Result<(), String> {
        let of = |ending: &str| {
            files(folder, ending).map_err(|error| format!("{}: {error}", folder.display()))
        };
        let etcd = ["--model", "cas-register", "--observe-failed-cas"];
        let bar = "a tenth of Porcupine's, for all its 103 logs";
        let kinds = [
            (
                "etcd logs",
                &etcd[..],
                of("log")?,
                bar,
                "428 ms for 103 logs",
            ),
            (
                "key-value",
                &["--model", "kv-append"],
                of("txt")?,
                "",
                "none published for these",
            ),
        ];
        for (kind, options, files, bar, porcupine) in kinds {
            let name = format!("Porcupine's corpus, {kind}, {} files", files.len());
            if files.is_empty() || !name.contains(&self.asked.only) {
                continue;
            }
            let options = options.iter().map(OsString::from);
            let arguments: Vec<OsString> = options
                .chain(files.into_iter().map(OsString::from))
                .collect();
            self.judge(&name, "", "", &arguments, [bar, porcupine])?;
        }
        Ok(())
    }

    /// As [`Self::judge_all`], for one process.
    fn judge(
        &self,
        name: &str,
        operations: &str,
        expected: &str,
        arguments: &[OsString],
        figures: [&str; 2],
    ) -> Result<(), String> {
        self.judge_all(name, operations, expected, &[arguments.to_vec()], figures)
    }

    /// Judges what each process is given as often as asked, in turns with the peer, and prints all as one row.
    fn judge_all(
        &self,
        name: &str,
        operations: &str,
        expected: &str,
        processes: &[Vec<OsString>],
        [bar, porcupine]: [&str; 2],
    ) -> Result<(), String> {
        let mut common: Vec<OsString> = ["check", "--json", "--timeout"].map(OsString::from).into();
        common.push(self.asked.limit.as_secs().to_string().into());
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..self.asked.times {
            for arguments in processes {
                let mut all = common.clone();
                if !arguments.iter().any(|argument| argument == "--memory") {
                    all.extend(["--memory".into(), "1GiB".into()]);
                }
                all.extend_from_slice(arguments);
                ours.push(self.run(Path::new(RUPTURE), &all)?);
                if let Some(peer) = &self.peer {
                    theirs.push(self.run(peer, &all)?);
                }
            }
        }
        let mut cells = vec![
            name.to_owned(),
            operations.to_owned(),
            checked(&verdicts(&ours), expected),
            ours.last().map_or(String::new(), Ran::algorithms),
            seconds(&ours),
            peak(&ours),
            bar.to_owned(),
            porcupine.to_owned(),
        ];
        if self.peer.is_some() {
            let verdict = checked(&verdicts(&theirs), expected);
            cells.push([verdict, seconds(&theirs), peak(&theirs)].join(", "));
        }
        println!("| {} |", cells.join(" | "));
        std::io::stdout().flush().map_err(|error| error.to_string())
    }

    /// A check that keeps to its own limit is not killed.
    fn run(&self, program: &Path, arguments: &[OsString]) -> Result<Ran, String> {
        let limit = self.asked.limit + GRACE;
        run(program, arguments, self.folder.path(), limit)
    }
}

/// The history, and a word about what is wrong with it.
fn generate(row: &Row) -> Option<(History, String)> {
    if !row.violation {
        return Some((row.traffic.generate()?, String::new()));
    }
    row.traffic
        .object
        .violations()
        .iter()
        .find_map(|&violation| {
            let traffic = Traffic {
                violation: Some(violation),
                ..row.traffic
            };
            let word = format!(" ({})", format!("{violation:?}").to_lowercase());
            Some((traffic.generate()?, word))
        })
}

fn write(history: &History, file: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    let mut line = String::new();
    for event in history.iter() {
        line.clear();
        jsonl::write_event(&mut line, event);
        out.write_all(line.as_bytes())?;
    }
    out.flush()
}

fn files(folder: &Path, ending: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Between the verdicts of several runs that differ.
const THEN: &str = ", then ";

fn verdicts(runs: &[Ran]) -> String {
    let mut words: Vec<String> = runs.iter().map(Ran::verdict).collect();
    words.dedup();
    words.join(THEN)
}

/// A verdict that contradicts what was generated must catch the eye.
fn checked(verdict: &str, expected: &str) -> String {
    let honest = |it: &str| ["unknown", "out of time", expected].contains(&it);
    let honest = expected.is_empty() || verdict.split(THEN).all(honest);
    if honest {
        verdict.to_owned()
    } else {
        format!("**WRONG: {verdict}, but it is {expected}**")
    }
}

fn seconds(runs: &[Ran]) -> String {
    let mut times: Vec<f64> = runs.iter().map(|it| it.seconds).collect();
    times.sort_by(f64::total_cmp);
    let [least, .., most] = times[..] else {
        return times
            .first()
            .map_or(String::new(), |only| format!("{only:.3}"));
    };
    format!("{:.3} ({least:.3} to {most:.3})", times[times.len() / 2])
}

fn peak(runs: &[Ran]) -> String {
    let most = runs.iter().filter_map(Ran::bytes_peak).max();
    most.map_or("unknown".to_owned(), |bytes| {
        format!("{} MB", bytes.div_ceil(1_000_000))
    })
}
