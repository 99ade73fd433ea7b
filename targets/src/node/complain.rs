//! Lines about the process itself, on the standard error, a JSON object each.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So often at most does one reason to complain give a line.
const EVERY: Duration = Duration::from_secs(1);

/// A line about the process itself.
pub(crate) fn complain(text: &str) {
    let line = serde_json::json!({ "level": "warn", "event": "process", "text": text });
    let _ = writeln!(io::stderr(), "{line}");
}

/// A reason to complain that others can give as often as they like: a line a second at most, which says how many were
/// left out before it.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    last: Option<Instant>,
    left_out: u64,
}

impl Complaints {
    /// Says it, or counts it.
    pub(crate) fn say(&self, text: &str) {
        if let Some(line) = self.admit(text, Instant::now()) {
            complain(&line);
        }
    }

    fn admit(&self, text: &str, now: Instant) -> Option<String> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.last.is_some_and(|last| now < last + EVERY) {
            told.left_out += 1;
            return None;
        }
        told.last = Some(now);
        Some(match std::mem::take(&mut told.left_out) {
            0 => text.to_owned(),
            more => format!("{text} (and {more} lines like it before)"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_line_a_second_and_what_was_left_out_is_counted() {
        let (complaints, now) = (Complaints::default(), Instant::now());
        assert_eq!(complaints.admit("no", now), Some("no".to_owned()));
        assert_eq!(complaints.admit("no", now), None);
        assert_eq!(complaints.admit("no", now + EVERY / 2), None);
        let line = complaints.admit("no", now + EVERY).expect("a line");
        assert!(line.contains("2 lines like it"), "{line}");
        assert_eq!(
            complaints.admit("no", now + 2 * EVERY),
            Some("no".to_owned())
        );
    }
}
