//! What people read in the terminal. Text is made here and printed by the verbs; no verdict depends on it.

pub mod dot;
pub mod ladder;
pub mod progress;
pub mod run;
pub mod shell;
pub mod style;
pub mod timeline;

use rupture_workloads::checkers::history::{Anomaly, Validity, Verdict};
use rupture_workloads::checkers::models;

use crate::screen::columns;
pub use crate::screen::{terminal_width, width, wrap};

/// How many operations of a proof are drawn.
const DRAWN: usize = 24;
/// How many anomalies are shown in full unless a number is asked for; the others are counted.
pub const SHOWN: usize = 3;

/// How much of a verdict's anomalies is told, and where the rest stands.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// How many are shown in full.
    pub anomalies: usize,
    /// Where all of them stand, in words.
    pub whole: &'static str,
}

/// Prints lines.
pub fn print(lines: &[String]) {
    for line in lines {
        say!("{line}");
    }
}

/// Prints a text in as many lines as the terminal needs; where there is none it stays one line.
pub fn print_wrapped(text: &str) {
    print(&wrap(text, terminal_width().unwrap_or(usize::MAX), ""));
}

/// A verdict, a line each: the word, what was judged, then each anomaly with its proof. The first line is not broken:
/// whoever prints it may put something before it.
pub fn verdict(verdict: &Verdict, width: usize, extent: Extent) -> Vec<String> {
    let mut lines = vec![headline(verdict)];
    for reason in &verdict.reasons {
        lines.extend(wrap(reason, width, "  "));
    }
    let ladder = ladder::draw(&verdict.ladder, width);
    if !ladder.is_empty() {
        lines.push(String::new());
        lines.extend(ladder);
    }
    lines.extend(broken(verdict, width));
    for anomaly in verdict.anomalies.iter().take(extent.anomalies) {
        lines.push(String::new());
        lines.extend(self::anomaly(anomaly, width, extent.whole));
    }
    if let Some(rest) = verdict
        .anomalies
        .len()
        .checked_sub(extent.anomalies)
        .filter(|n| *n > 0)
    {
        lines.push(String::new());
        let rest = format!("and {rest} more; all of them stand in {}", extent.whole);
        lines.extend(wrap(&rest, width, "  ").into_iter().map(style::dim));
    }
    if !verdict.algorithms.is_empty() {
        let how = format!("decided by {}", verdict.algorithms.join("; "));
        for line in wrap(&how, width, "  ") {
            lines.push(style::dim(line));
        }
    }
    for note in &verdict.notes {
        for line in wrap(note, width, "  ") {
            lines.push(style::dim(line));
        }
    }
    lines
}

/// `valid linearizable register: 5,912 operations, every one explained`; only a judge that looks for an order explains.
fn headline(verdict: &Verdict) -> String {
    let subject = match (verdict.consistency.as_str(), verdict.model.as_str()) {
        ("", model) => model.to_owned(),
        (level, model) => format!("{level} {model}"),
    };
    let count = operations(verdict.operations);
    let info = models().iter().find(|info| info.name == verdict.model);
    let explains = info.is_some_and(|info| info.explains(&verdict.consistency));
    let rest = match verdict.validity {
        _ if verdict.operations == 0 => String::new(),
        Validity::Valid if explains => format!("{count}, every one explained"),
        Validity::Valid | Validity::Invalid => count,
        Validity::Unknown => {
            let word = if explains { "explained" } else { "judged" };
            format!("{count}, {} {word}", thousands(verdict.explained))
        }
    };
    let separator = if rest.is_empty() { "" } else { ": " };
    format!(
        "{} {subject}{}",
        style::verdict(verdict.validity),
        style::dim(format!("{separator}{rest}"))
    )
}

/// `not snapshot-isolation`: the levels that fail, where neither the first line nor the picture of levels says so.
fn broken(verdict: &Verdict, width: usize) -> Vec<String> {
    let is_told =
        |level: &&String| verdict.validity == Validity::Invalid && **level == verdict.consistency;
    let levels: Vec<&str> = verdict
        .not
        .iter()
        .filter(|level| !is_told(level))
        .map(String::as_str)
        .collect();
    if levels.is_empty() || !verdict.ladder.is_empty() {
        return Vec::new();
    }
    wrap(&format!("not {}", levels.join(", ")), width, "  ")
}

fn operations(count: u64) -> String {
    match count {
        1 => "1 operation".to_owned(),
        n => format!("{} operations", thousands(n)),
    }
}

/// `12,345`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn anomaly(anomaly: &Anomaly, width: usize, whole: &str) -> Vec<String> {
    let title = match &anomaly.key {
        Some(key) => format!("{}, key {key}", anomaly.kind),
        None => anomaly.kind.clone(),
    };
    let mut lines = wrap(&style::bold(title), width, "  ");
    lines.extend(wrap(&anomaly.summary, width, "  "));
    // Of a proof that is too long to be read, the end: there the last contradiction is.
    let hidden = anomaly.evidence.len().saturating_sub(DRAWN);
    if hidden > 0 {
        let hidden = format!(
            "the last {DRAWN} of {} operations; all of them stand in {whole}",
            thousands(anomaly.evidence.len() as u64)
        );
        lines.extend(wrap(&hidden, width, "  ").into_iter().map(style::dim));
    }
    let picture = timeline::draw(&anomaly.evidence[hidden..], width.saturating_sub(4));
    if !picture.is_empty() {
        lines.push(String::new());
        lines.extend(picture.into_iter().map(|line| format!("    {line}")));
        lines.push(String::new());
    }
    for sentence in &anomaly.explanation {
        lines.extend(wrap(sentence, width, "    "));
    }
    lines
}

/// A line that cannot be broken, cut where the screen ends.
pub fn cut(line: &str, width: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    let mut text: String = line.chars().take(width.saturating_sub(1)).collect();
    text.push('…');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lines_are_broken() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(wrap("one two three", 9, " "), [" one two", "   three"]);
        assert_eq!(wrap("", 9, " "), [" "]);
        assert_eq!(
            wrap("a\nb \u{1b}[1m c", 9, ""),
            ["a\nb", "  \u{1b}[1m", "  c"]
        );
        assert_eq!(wrap("  a  b   c", 9, ""), ["  a  b", "    c"]);
        assert_eq!(cut("12345", 4), "123…");
    }

    #[test]
    fn an_unknown_verdict_never_reads_as_valid() {
        let lines = verdict(
            &Verdict::unknown("register", "linearizable", "nothing completed"),
            80,
            Extent {
                anomalies: SHOWN,
                whole: "--json",
            },
        );
        let text = lines.join("\n");
        assert!(
            text.contains("unknown")
                && text.contains("nothing completed")
                && !text.contains(" valid")
        );
    }
}
