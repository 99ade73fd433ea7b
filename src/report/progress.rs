//! How far something long is, on a terminal.

use std::io;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::plan::{Plan, World};
use crate::record::Sink;
use crate::screen::{self, Shown};

/// How often the time beside a bar is drawn anew.
const TICK: Duration = Duration::from_millis(200);

/// Hands everything on to another sink, and shows how much of the simulated time has passed.
pub struct Watched<'a> {
    sink: &'a mut dyn Sink,
    bar: Shown,
    limit_ms: u64,
}

impl<'a> Watched<'a> {
    /// Shows a bar as long as it lives.
    pub fn new(sink: &'a mut dyn Sink, plan: &Plan) -> Self {
        let limit_ms = plan.time_limit_ms;
        let template = match World::of(plan) {
            World::Sim => "  {bar:20} {percent}% of the simulated time, {wide_msg}{elapsed}",
            World::Local => "  {bar:20} {percent}% of the time, {wide_msg}{elapsed}",
        };
        let bar = bar(limit_ms, template);
        Self {
            sink,
            bar: screen::show(bar),
            limit_ms,
        }
    }
}

impl Sink for Watched<'_> {
    fn open(&mut self, path: &str) -> io::Result<usize> {
        self.sink.open(path)
    }

    fn line(&mut self, file: usize, line: &str) {
        self.sink.line(file, line);
    }

    fn whole(&mut self, path: &str, text: &str) {
        self.sink.whole(path, text);
    }

    fn keeps(&self) -> bool {
        self.sink.keeps()
    }

    fn flush(&mut self) {
        self.sink.flush();
    }

    fn at(&mut self, now_ns: i64) {
        let now_ms = u64::try_from(now_ns / 1_000_000).unwrap_or(0);
        if now_ms >= self.limit_ms && self.bar.position() < self.limit_ms {
            self.bar.set_message("final reads and the verdict, ");
        }
        self.bar.set_position(now_ms.min(self.limit_ms));
    }
}

/// Shows that files are judged: how many are done, and for how long it has been going on.
pub fn judging(files: usize) -> Shown {
    let template = match files {
        1 => "  {spinner} judging, {elapsed} so far",
        _ => "  {bar:20} {pos}/{len} histories, {elapsed} so far",
    };
    screen::show(bar(files as u64, template))
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = screen::bar(length);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    if !bar.is_hidden() {
        bar.enable_steady_tick(TICK);
    }
    bar
}
