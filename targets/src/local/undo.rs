//! The undo journal: what a controller that is killed leaves behind, and how it is taken away.
//!
//! Before anything is made or broken, what undoes it is on the disk: a line of JSON, synced. [`heal`] works from the lines
//! alone, in any order and as often as one likes, and touches only what they prove to be ours: a process by its number
//! *and* the moment at which it started, a folder by the mark that was put into it when it was made. Links and clocks are not
//! in it: they live in the controller and in the nodes, and end with them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::proc::{self, Life};

/// The file that marks a folder as one of ours; it holds the run's own mark.
pub(super) const MARK: &str = ".rupture";
/// The variable that marks the processes of a run.
pub(super) const VARIABLE: &str = "RUPTURE_RUN";
/// How long a process may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// One thing to undo. Undoing it twice is the same as once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Undo {
    /// Nothing while this process lives: it is the run, and undoes what it does itself.
    AfterController {
        /// Its number.
        pid: u32,
        /// When it started.
        started: u64,
    },
    /// End every process that carries this mark in its environment.
    EndMarked {
        /// The mark of the run.
        mark: String,
    },
    /// End a process.
    EndProcess {
        /// Its number.
        pid: u32,
        /// When it started, in ticks since the machine did: a number that is used again starts later.
        started: u64,
        /// Which node it is.
        node: String,
    },
    /// Let a process go on.
    ResumeProcess {
        /// Its number.
        pid: u32,
        /// When it started.
        started: u64,
        /// Which node it is.
        node: String,
    },
    /// Remove a folder that holds this mark.
    RemoveFolder {
        /// Which.
        path: PathBuf,
        /// The mark of the run.
        mark: String,
    },
    /// All of the lines before were undone by the run itself.
    Nothing,
}

/// Where lines are added.
#[derive(Debug)]
pub struct UndoJournal(Mutex<File>);

impl UndoJournal {
    /// Makes the journal of a run; it must not exist yet.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(path)?;
        if let Some(parent) = path.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self(Mutex::new(file)))
    }

    /// Adds a line, and returns once it is on the disk.
    ///
    /// # Errors
    /// When it cannot be kept: then nothing may be done that needs it.
    pub fn add(&self, undo: &Undo) -> io::Result<()> {
        let mut line = serde_json::to_vec(undo)?;
        line.push(b'\n');
        let Ok(mut file) = self.0.lock() else {
            return Err(io::Error::other(
                "a thread that held the undo journal has panicked",
            ));
        };
        file.write_all(&line)?;
        file.sync_data()
    }
}

/// What became of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healed {
    /// What was to be undone.
    pub undo: Undo,
    /// What was found and done, for people.
    pub found: String,
    /// Whether a look at the machine afterwards shows that nothing of it is left.
    pub is_gone: bool,
}

/// Undoes what a journal says, and looks whether it is gone. A last line that is cut off was never acted upon.
///
/// # Errors
/// A journal that cannot be read, a line in its midst that is none, and a run that still goes on.
pub fn heal(path: &Path) -> io::Result<Vec<Healed>> {
    let mut lines = Vec::new();
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        lines.push(line?);
    }
    let mut undos = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        match serde_json::from_slice::<Undo>(line) {
            Ok(Undo::Nothing) => undos.clear(),
            Ok(Undo::AfterController { pid, started }) if is_ours(pid, started)? => {
                return Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    format!("the run still goes on, as process {pid}: stop it first (kill {pid})"),
                ));
            }
            Ok(Undo::AfterController { .. }) => {}
            Ok(undo) => undos.push(undo),
            Err(_) if number + 1 == lines.len() => {}
            Err(error) => {
                let text = format!("{}, line {}: {error}", path.display(), number + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
    }
    // Processes end before their folders go.
    let is_folder = |undo: &Undo| matches!(undo, Undo::RemoveFolder { .. });
    undos.sort_by_key(is_folder);
    Ok(undos.into_iter().map(undo).collect())
}

fn undo(undo: Undo) -> Healed {
    let (found, is_gone) = match &undo {
        Undo::EndMarked { mark } => told(end_marked(mark)),
        Undo::EndProcess { pid, started, .. } => told(end(*pid, *started)),
        Undo::ResumeProcess { pid, started, .. } => told(resume(*pid, *started)),
        Undo::RemoveFolder { path, mark } => remove(path, mark),
        Undo::AfterController { .. } | Undo::Nothing => ("nothing".to_owned(), true),
    };
    Healed {
        undo,
        found,
        is_gone,
    }
}

fn signal(pid: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("no process has this number"))?;
    Ok(kill_process(pid, signal)?)
}

/// Whether the process with this number is the one that started then.
fn is_ours(pid: u32, started: u64) -> io::Result<bool> {
    let seen = proc::look(pid)?;
    Ok(seen.is_some_and(|seen| seen.started == started && seen.life != Life::Dead))
}

/// What was found, or why nothing could be.
fn told(found: io::Result<(String, bool)>) -> (String, bool) {
    found.unwrap_or_else(|error| (format!("cannot be looked at: {error}"), false))
}

fn end(pid: u32, started: u64) -> io::Result<(String, bool)> {
    if !is_ours(pid, started)? {
        return Ok(("gone already".to_owned(), true));
    }
    if let Err(error) = signal(pid, Signal::KILL) {
        let text = format!("cannot be ended: {error}");
        return Ok((text, !is_ours(pid, started)?));
    }
    let begun = Instant::now();
    while is_ours(pid, started)? {
        if begun.elapsed() > GONE_WITHIN {
            return Ok(("was killed and is still there".to_owned(), false));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(("was there, and was ended".to_owned(), true))
}

fn resume(pid: u32, started: u64) -> io::Result<(String, bool)> {
    let is_paused = || {
        let seen = proc::look(pid)?;
        let stands = |seen: proc::Seen| seen.started == started && seen.life == Life::Paused;
        Ok::<bool, io::Error>(seen.is_some_and(stands))
    };
    if !is_paused()? {
        return Ok(("does not stand still".to_owned(), true));
    }
    match signal(pid, Signal::CONT) {
        Ok(()) => Ok(("stood still, and goes on".to_owned(), !is_paused()?)),
        Err(error) => Ok((format!("cannot be resumed: {error}"), false)),
    }
}

fn end_marked(mark: &str) -> io::Result<(String, bool)> {
    let found = proc::marked(VARIABLE, mark)?;
    let count = found.len();
    for (pid, started) in found {
        end(pid, started)?;
    }
    let left = proc::marked(VARIABLE, mark)?.len();
    let text = match count {
        0 => "no process carries its mark".to_owned(),
        1 => "one process carried its mark, and was ended".to_owned(),
        n => format!("{n} processes carried its mark, and were ended"),
    };
    Ok((text, left == 0))
}

fn remove(path: &Path, mark: &str) -> (String, bool) {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return ("gone already".to_owned(), true);
        }
        Err(error) => return (format!("cannot be looked at: {error}"), false),
        Ok(meta) if !meta.is_dir() => return ("is no folder, and stays".to_owned(), false),
        Ok(_) => {}
    }
    if fs::read_to_string(path.join(MARK)).ok().as_deref() != Some(mark) {
        return ("does not hold our mark, and stays".to_owned(), false);
    }
    match remove_marked(path) {
        Ok(()) => ("was there, and was removed".to_owned(), !path.exists()),
        Err(error) => (format!("cannot be removed: {error}"), false),
    }
}

/// Removes a folder, its mark last: one that is half removed is still known.
pub(super) fn remove_marked(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == MARK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_file(path.join(MARK))?;
    fs::remove_dir(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn sleeper(mark: &str) -> (Child, u64) {
        let child = Command::new("sleep")
            .arg("60")
            .env(VARIABLE, mark)
            .spawn()
            .unwrap();
        let started = proc::look(child.id()).unwrap().unwrap().started;
        (child, started)
    }

    #[test]
    fn a_process_is_ended_only_if_it_started_when_the_journal_says() {
        let (mut child, started) = sleeper("a test of its start");
        assert_eq!(
            end(child.id(), started + 1).unwrap(),
            ("gone already".to_owned(), true)
        );
        assert!(
            child.try_wait().unwrap().is_none(),
            "another process was ended"
        );
        assert!(end(child.id(), started).unwrap().1);
        assert!(child.wait().unwrap().code().is_none());
    }

    #[test]
    fn what_carries_the_mark_is_found_and_ended_and_nothing_else() {
        let (mut ours, _) = sleeper("a test of marks");
        let (mut other, _) = sleeper("a test of marks that is another");
        let (text, is_gone) = end_marked("a test of marks").unwrap();
        assert!(is_gone && text.starts_with("one process"), "{text}");
        ours.wait().unwrap();
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn nothing_is_taken_from_a_run_that_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("undo.jsonl");
        let journal = UndoJournal::create(&path).unwrap();
        let pid = std::process::id();
        let started = proc::look(pid).unwrap().unwrap().started;
        journal
            .add(&Undo::AfterController { pid, started })
            .unwrap();
        let error = heal(&path).unwrap_err().to_string();
        assert!(error.contains("still goes on"), "{error}");
    }

    #[test]
    fn a_journal_is_worked_off_but_for_a_line_that_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let path = folder.path().join("undo.jsonl");
        let journal = UndoJournal::create(&path).unwrap();
        let remove = Undo::RemoveFolder {
            path: data.clone(),
            mark: "mine".to_owned(),
        };
        journal.add(&remove).unwrap();
        fs::create_dir(&data).unwrap();
        // Not ours until the mark is there.
        let healed = heal(&path).unwrap();
        assert!(data.exists() && !healed[0].is_gone);
        fs::write(data.join(MARK), "mine").unwrap();
        fs::create_dir(data.join("n1")).unwrap();
        fs::write(data.join("n1/log"), "x").unwrap();
        let mut text = fs::read(&path).unwrap();
        text.extend(b"{\"undo\":\"end-pro");
        fs::write(&path, &text).unwrap();
        let healed = heal(&path).unwrap();
        assert!(!data.exists() && healed.len() == 1 && healed[0].is_gone);
        assert!(heal(&path).unwrap()[0].is_gone, "it can be done again");
        text.extend(b"\n{\"undo\":\"nothing\"}\n");
        fs::write(&path, &text).unwrap();
        let error = heal(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
