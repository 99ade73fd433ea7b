//! Which reads come after quiet, by the rule that [`rules`](super) gives.

use rustc_hash::FxHashMap;

use super::frame::{Case, NEVER, Op};
use super::report::Report;

/// The final reads of one object.
pub(super) struct Finals<'a> {
    /// In the order of their invocations.
    pub(super) reads: Vec<Op<'a>>,
    /// The row of the first invocation of one.
    pub(super) begin: u32,
    /// Where no read is marked, how many changes never ended, and the first of them.
    open: Option<(usize, Op<'a>)>,
}

impl<'a> Finals<'a> {
    /// The final reads of an object, whose other operations change it.
    pub(super) fn of(case: &Case<'a>, report: &mut Report<'_>) -> Self {
        let is_read = |op: &Op<'_>| op.f() == "read";
        let marked = case.ops().any(|op| is_read(&op) && op.is_final());
        let changes = || case.ops().filter(|op| !is_read(op));
        let mut open = None;
        let reads: Vec<Op<'a>> = if marked {
            let marked = case.ops().filter(|op| is_read(op) && op.is_final());
            marked.filter(|op| op.is_ok()).collect()
        } else {
            let mut unended = changes().filter(|op| op.ended() == NEVER);
            open = unended.next().map(|first| (1 + unended.count(), first));
            last_reads(case, changes().map(Op::ended).max())
        };
        if !marked && !reads.is_empty() {
            report.note(
                "no read is marked as final: the last read of each process was taken for final, if it began after all \
                 changes had ended",
            );
        }
        let begin = reads.first().map_or(NEVER, |read| read.invoked());
        Self { reads, begin, open }
    }

    /// Leaves the verdict open where there are too few to tell.
    pub(super) fn enough(&self, least: usize, case: &Case<'_>, report: &mut Report<'_>) -> bool {
        let count = self.reads.len();
        if count < least {
            report.leave_open(match (count, self.open) {
                (0, Some((changes, first))) => format!(
                    "no read is final{}: {} never ended and may take effect at any time, the first that \
                     of event {}; mark the reads after quiet with `:final? true`, or let what was given up end with \
                     `info`",
                    case.of_key(),
                    counted(changes),
                    first.index()
                ),
                (0, None) => format!("no final read was answered{}", case.of_key()),
                _ => format!(
                    "{count} final read was answered{}, and it takes {least} to agree",
                    case.of_key()
                ),
            });
        }
        report.observe(count);
        count >= least
    }
}

fn counted(changes: usize) -> String {
    match changes {
        1 => "1 change".to_owned(),
        _ => format!("{changes} changes"),
    }
}

fn last_reads<'a>(case: &Case<'a>, last_change: Option<u32>) -> Vec<Op<'a>> {
    let after = |op: &Op<'_>| last_change.is_none_or(|row| row < op.invoked());
    let reads = || case.ops().filter(|op| op.f() == "read" && op.is_ok());
    let last: FxHashMap<i64, u32> = reads().map(|op| (op.process(), op.number)).collect();
    reads()
        .filter(|op| after(op) && last[&op.process()] == op.number)
        .collect()
}
