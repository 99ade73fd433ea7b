//! Where a run's files go: to a folder as they grow, to memory for comparing, or nowhere.
//!
//! A run writes lines to numbered files and does not care where they end. A disk that fills up while a run
//! goes on never changes its verdict: the first error is kept and told at the end.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;

use crate::output;

/// Takes the lines of a run's files.
pub trait Sink {
    /// Opens a file by its path inside the run's folder, and numbers it.
    ///
    /// # Errors
    /// When it cannot be created.
    fn open(&mut self, path: &str) -> io::Result<usize>;

    /// Appends a line to a file; the line end is added.
    fn line(&mut self, file: usize, line: &str);

    /// Writes a whole file at once.
    fn whole(&mut self, path: &str, text: &str);

    /// Whether lines go anywhere: when not, nobody needs to make them.
    fn keeps(&self) -> bool;

    /// Hears how far the run's own time has come, in nanoseconds.
    fn at(&mut self, _now_ns: i64) {}

    /// Lets what was written reach the files.
    fn flush(&mut self) {}
}

/// Keeps nothing: for searches over many seeds.
#[derive(Debug, Default)]
pub struct Nowhere;

impl Sink for Nowhere {
    fn open(&mut self, _path: &str) -> io::Result<usize> {
        Ok(0)
    }

    fn line(&mut self, _file: usize, _line: &str) {}

    fn whole(&mut self, _path: &str, _text: &str) {}

    fn keeps(&self) -> bool {
        false
    }
}

/// Keeps every file in memory: for comparing two runs byte by byte.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The files in the order in which they were opened: path and bytes.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Sink for Memory {
    fn open(&mut self, path: &str) -> io::Result<usize> {
        self.files.push((path.to_owned(), Vec::new()));
        Ok(self.files.len() - 1)
    }

    fn line(&mut self, file: usize, line: &str) {
        let bytes = &mut self.files[file].1;
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }

    fn whole(&mut self, path: &str, text: &str) {
        self.files.push((path.to_owned(), text.as_bytes().to_vec()));
    }

    fn keeps(&self) -> bool {
        true
    }
}

/// The folder of one run.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    files: Vec<BufWriter<File>>,
    error: Option<io::Error>,
}

impl Folder {
    /// Makes `results/name/timestamp/`, and another name beside it when that one is taken.
    ///
    /// # Errors
    /// When the folder cannot be made or written: said before the run and not after it.
    pub fn create(results: &Path, name: &str, timestamp: &str) -> anyhow::Result<Self> {
        let root = new_folder(results, name, timestamp)?;
        let nodes = root.join("nodes");
        fs::create_dir(&nodes).with_context(|| format!("cannot make `{}`", nodes.display()))?;
        Ok(Self {
            root,
            files: Vec::new(),
            error: None,
        })
    }

    /// The folder's path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a whole file at once.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: &str) -> anyhow::Result<()> {
        output::write(&self.root.join(path), text.as_bytes())
    }

    /// Flushes everything. Gives the first error that any line met.
    ///
    /// # Errors
    /// When some file is not complete.
    pub fn close(&mut self) -> anyhow::Result<()> {
        self.flush();
        match self.error.take() {
            Some(error) => {
                Err(error).with_context(|| format!("`{}` is not complete", self.root.display()))
            }
            None => Ok(()),
        }
    }
}

/// Makes `results/name/timestamp/`, and another name beside it when that one is taken.
///
/// # Errors
/// When it cannot be made.
pub fn new_folder(results: &Path, name: &str, timestamp: &str) -> anyhow::Result<PathBuf> {
    let parent = results.join(name);
    let failed = || {
        format!(
            "cannot make a results folder below `{}`; name a writable one with --results",
            results.display()
        )
    };
    fs::create_dir_all(&parent).with_context(failed)?;
    for attempt in 0..1000 {
        let root = match attempt {
            0 => parent.join(timestamp),
            n => parent.join(format!("{timestamp}-{n}")),
        };
        match fs::create_dir(&root) {
            Ok(()) => return Ok(root),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(failed),
        }
    }
    anyhow::bail!("{}", failed())
}

/// Points `results/latest` at a run. It is a convenience: where links cannot be made, nothing is lost. Says what
/// stands in its place when that is no link: it is somebody's, and stays.
pub fn point_latest(results: &Path, root: &Path) -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let target = root.strip_prefix(results).ok()?;
    let latest = results.join("latest");
    if let Ok(meta) = fs::symlink_metadata(&latest)
        && !meta.is_symlink()
    {
        let kind = if meta.is_dir() { "folder" } else { "file" };
        return Some(format!(
            "`{}` is a {kind} and no link: it stays as it is, and does not lead to this run",
            latest.display()
        ));
    }
    // Made aside and renamed over the old one, so that two runs that end at once leave one whole link.
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let aside = results.join(format!(".latest-{}-{number}", std::process::id()));
    let _ = fs::remove_file(&aside);
    if std::os::unix::fs::symlink(target, &aside).is_ok() && fs::rename(&aside, &latest).is_err() {
        let _ = fs::remove_file(&aside);
    }
    None
}

impl Sink for Folder {
    fn open(&mut self, path: &str) -> io::Result<usize> {
        let file = File::create(self.root.join(path))?;
        self.files.push(BufWriter::with_capacity(1 << 16, file));
        Ok(self.files.len() - 1)
    }

    fn line(&mut self, file: usize, line: &str) {
        let out = &mut self.files[file];
        let written = out
            .write_all(line.as_bytes())
            .and_then(|()| out.write_all(b"\n"));
        if let Err(error) = written {
            self.error.get_or_insert(error);
        }
    }

    fn whole(&mut self, path: &str, text: &str) {
        if let Err(error) = fs::write(self.root.join(path), text) {
            self.error.get_or_insert(error);
        }
    }

    fn keeps(&self) -> bool {
        true
    }

    fn flush(&mut self) {
        for file in &mut self.files {
            if let Err(error) = file.flush() {
                self.error.get_or_insert(error);
            }
        }
    }
}

/// The time now, as people write it.
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The time now, as the name of a folder: `20260131T235959.123Z`.
pub fn timestamp() -> String {
    chrono::Utc::now().format("%Y%m%dT%H%M%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_and_not_hidden() {
        let results = tempfile::tempdir().unwrap();
        let mut folder = Folder::create(results.path(), "name", "now").unwrap();
        for name in ["history.jsonl", "verdict.json"] {
            std::os::unix::fs::symlink("/dev/full", folder.root().join(name)).unwrap();
        }
        let file = folder.open("history.jsonl").unwrap();
        folder.line(file, "{}");
        let error = folder.close().unwrap_err();
        assert!(
            format!("{error:#}").contains("is not complete"),
            "{error:#}"
        );
        let error = folder.write("verdict.json", "{}").unwrap_err();
        assert!(format!("{error:#}").contains("verdict.json"), "{error:#}");
    }
}
