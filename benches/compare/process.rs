//! A whole process, timed from its start to its end.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// What a process did.
pub(crate) struct Ran {
    pub(crate) seconds: f64,
    /// `None` if it was ended because its time was over.
    pub(crate) status: Option<ExitStatus>,
    /// The lines of JSON that it printed.
    pub(crate) lines: Vec<Value>,
}

impl Ran {
    /// The most memory that it said it held, in bytes.
    pub(crate) fn bytes_peak(&self) -> Option<u64> {
        let peaks = self.lines.iter().filter_map(|it| it["bytes_peak"].as_u64());
        peaks.max().filter(|&peak| peak > 0)
    }

    /// The verdict in a word: of the line if there is one, of several how many of each, or else of the exit
    /// code.
    pub(crate) fn verdict(&self) -> String {
        let Some(status) = self.status else {
            return "out of time".to_owned();
        };
        let words: Vec<&str> = self.lines.iter().map(|line| word(&line["valid"])).collect();
        match (words.as_slice(), status.code()) {
            ([one], _) => (*one).to_owned(),
            ([], Some(0)) => "valid".to_owned(),
            ([], Some(1)) => "invalid".to_owned(),
            ([], Some(2)) => "unknown".to_owned(),
            ([], _) => format!("failed: {status}"),
            (many, _) => counts(many),
        }
    }

    /// The algorithms that decided, where the line says.
    pub(crate) fn algorithms(&self) -> String {
        let names = |line: &Value| match &line["algorithms"] {
            Value::Array(names) => names.iter().map(name).collect(),
            Value::Object(counted) => counted.keys().cloned().collect(),
            Value::String(name) => vec![name.clone()],
            _ => Vec::new(),
        };
        let mut all: Vec<String> = self.lines.iter().flat_map(names).collect();
        all.sort();
        all.dedup();
        all.join(", ")
    }
}

fn name(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn word(valid: &Value) -> &str {
    match valid {
        Value::Bool(true) => "valid",
        Value::Bool(false) => "invalid",
        other => other.as_str().unwrap_or("no verdict"),
    }
}

fn counts(words: &[&str]) -> String {
    let count = |word: &str| words.iter().filter(|it| **it == word).count();
    ["valid", "invalid", "unknown"]
        .map(|word| format!("{} {word}", count(word)))
        .join(", ")
}

/// Runs a program to its end, or until the limit, when it alone is killed. What it prints goes through a
/// file in the folder, so that no pipe can fill up.
///
/// # Errors
/// The program cannot be started, or the file not be written.
pub(crate) fn run(
    program: &Path,
    arguments: &[OsString],
    folder: &Path,
    limit: Duration,
) -> Result<Ran, String> {
    let says = |error: std::io::Error| format!("{}: {error}", program.display());
    let printed = folder.join("printed");
    let file = File::create(&printed).map_err(says)?;
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(says)?;
    let status = wait(&mut child, start, limit).map_err(says)?;
    let seconds = start.elapsed().as_secs_f64();
    let text = fs::read_to_string(&printed).map_err(says)?;
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    Ok(Ran {
        seconds,
        status,
        lines: lines.collect(),
    })
}

/// Looks again after a hundredth of the time that has passed, so that looking costs that much precision.
fn wait(child: &mut Child, start: Instant, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let passed = start.elapsed();
        if passed > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        let pause = passed / 100;
        thread::sleep(pause.clamp(Duration::from_micros(50), Duration::from_millis(20)));
    }
}
