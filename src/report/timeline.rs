//! A counterexample as a small picture: a bar for each operation, from its invocation to its completion.
//!
//! The horizontal axis is ordinal: every invocation and completion gets a column of its own, in the order in
//! which the history recorded them, so that operations a microsecond apart stay as readable as operations a
//! second apart, and the one thing that matters, which came before which, can be seen. Times stand below.

use rupture_workloads::checkers::history::Evidence;

use super::cut;

/// Draws the operations of a proof, `width` columns wide at the most; one line an operation, and a line of times. Where
/// not all of it fits, labels are shortened and bars are cut. No operations give nothing.
pub fn draw(evidence: &[Evidence], width: usize) -> Vec<String> {
    if evidence.is_empty() {
        return Vec::new();
    }
    let labels: Vec<String> = evidence.iter().map(label).collect();
    let margin = labels.iter().map(|l| l.chars().count()).max().unwrap_or(0);
    // Bars get what labels leave, but for two thirds of a narrow screen that labels may take.
    let margin = margin.min(width * 2 / 3);
    let columns = Columns::of(evidence, width.saturating_sub(margin + 2));
    let mut lines: Vec<String> = evidence
        .iter()
        .zip(&labels)
        .map(|(op, label)| {
            let label = shortened(label, margin);
            format!("{label:<margin$}  {}", columns.bar(op))
        })
        .collect();
    if let Some(axis) = columns.axis() {
        lines.push(format!("{:margin$}  {axis}", ""));
    }
    lines
        .iter()
        .map(|line| cut(line.trim_end(), width))
        .collect()
}

/// A process by its name, or `p3` where that is a number.
pub(super) fn process(name: &str) -> String {
    match name.parse::<i64>() {
        Ok(_) => format!("p{name}"),
        Err(_) => name.to_owned(),
    }
}

/// `p3  write 4`, `p1  read → 3`.
fn label(op: &Evidence) -> String {
    // A label has to be as wide as it is counted.
    let escape = crate::screen::escape;
    let name = process(&op.process);
    let mut text = format!("{:<4} {}", escape(&name), escape(&op.f));
    // The result of a transaction repeats what it was asked.
    if let ("txn" | "", Some(result)) = (op.f.as_str(), &op.result) {
        text.push(' ');
        text.push_str(&shortened(&escape(result), LONGEST));
        return text;
    }
    if op.argument != "nil" {
        text.push(' ');
        text.push_str(&escape(&op.argument));
    }
    match &op.result {
        Some(result) if *result != op.argument => {
            text.push_str(" → ");
            text.push_str(&escape(result));
        }
        _ => {}
    }
    if op.outcome != "ok" {
        text.push_str(" (");
        text.push_str(&escape(&op.outcome));
        text.push(')');
    }
    text
}

/// How many characters of a result are shown.
const LONGEST: usize = 72;

/// A text or its beginning and its end, `longest` characters at the most.
fn shortened(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    if count <= longest {
        return text.to_owned();
    }
    let kept = longest.saturating_sub(3);
    let start: String = text.chars().take(kept - kept / 2).collect();
    let end: String = text.chars().skip(count - kept / 2).collect();
    format!("{start} … {end}")
}

/// Which column each event of the proof stands in.
struct Columns {
    /// The events' indices in the history, ascending, with their times.
    events: Vec<(u64, i64)>,
    step: usize,
}

impl Columns {
    fn of(evidence: &[Evidence], width: usize) -> Self {
        let mut events: Vec<(u64, i64)> = Vec::new();
        for op in evidence {
            events.push((op.index, op.invoked_ns));
            if let Some(end) = end_of(op) {
                events.push(end);
            }
        }
        events.sort_unstable();
        events.dedup_by_key(|event| event.0);
        let step = (width / (events.len() + 1)).clamp(1, 10);
        Self { events, step }
    }

    fn column(&self, index: u64) -> usize {
        self.events.partition_point(|event| event.0 < index) * self.step
    }

    fn bar(&self, op: &Evidence) -> String {
        let start = self.column(op.index);
        let mut bar = " ".repeat(start);
        bar.push('├');
        let end = end_of(op).map(|(index, _)| self.column(index));
        let (column, line, cap) = match end {
            Some(column) => (column, "─", '┤'),
            None => (self.events.len() * self.step, "┄", '▷'),
        };
        bar.push_str(&line.repeat(column.saturating_sub(start + 1)));
        bar.push(cap);
        bar
    }

    /// Times under their columns, as many as fit without touching.
    fn axis(&self) -> Option<String> {
        if self.events.iter().all(|event| event.1 < 0) {
            return None;
        }
        let mut line = String::new();
        let mut used = 0;
        for (index, time_ns) in &self.events {
            let column = self.column(*index);
            if *time_ns < 0 || (used > 0 && column < used + 2) {
                continue;
            }
            let text = seconds(*time_ns);
            line.push_str(&" ".repeat(column - used));
            line.push_str(&text);
            used = column + text.chars().count();
        }
        Some(line)
    }
}

fn end_of(op: &Evidence) -> Option<(u64, i64)> {
    if op.outcome == "info" {
        return None;
    }
    op.completed_index
        .map(|index| (index, op.completed_ns.unwrap_or(-1)))
}

/// `2.4139 s`, to a tenth of a millisecond.
pub fn seconds(ns: i64) -> String {
    let tenths = ns / 100_000;
    format!("{}.{:04} s", tenths / 10_000, tenths % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(
        process: &str,
        f: &str,
        argument: &str,
        result: Option<&str>,
        span: (u64, Option<u64>),
    ) -> Evidence {
        Evidence {
            index: span.0,
            completed_index: span.1,
            process: process.to_owned(),
            f: f.to_owned(),
            argument: argument.to_owned(),
            result: result.map(str::to_owned),
            outcome: if span.1.is_some() { "ok" } else { "info" }.to_owned(),
            invoked_ns: span.0 as i64 * 1_000_000,
            completed_ns: span.1.map(|i| i as i64 * 1_000_000),
        }
    }

    #[test]
    fn bars_stand_in_the_order_of_the_history() {
        let drawn = draw(
            &[
                op("3", "write", "4", Some("4"), (10, Some(12))),
                op("1", "write", "9", None, (11, None)),
                op("2", "read", "nil", Some("3"), (20, Some(21))),
            ],
            82,
        );
        let expected = "\
p3   write 4         ├───────────────────┤
p1   write 9 (info)            ├┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▷
p2   read → 3                                      ├─────────┤
                     0.0100 s  0.0110 s  0.0120 s  0.0200 s  0.0210 s";
        assert_eq!(drawn.join("\n"), expected);
    }

    #[test]
    fn nothing_is_wider_than_the_screen() {
        let value = "[[:append :x 1] [:r :y [1 2 3 4 5 6 7 8 9]]]".repeat(3);
        let evidence: Vec<Evidence> = (0..24)
            .map(|at| {
                op(
                    "12",
                    "txn",
                    &value,
                    Some(&value),
                    (2 * at, Some(2 * at + 1)),
                )
            })
            .collect();
        for width in [20, 40, 60, 100, 160] {
            let lines = draw(&evidence, width);
            assert!(
                lines.iter().all(|line| line.chars().count() <= width),
                "{lines:#?}"
            );
            assert_eq!(lines.len(), 25);
        }
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(draw(&[], 80).is_empty());
    }
}
