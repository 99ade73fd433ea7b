//! What a run records: the history that is judged, and the lines of its files.

use std::collections::BTreeMap;
use std::io;

use anyhow::Context;

use rupture_nemesis::Receipt;
use rupture_targets::NodeName;
use rupture_workloads::checkers::history::codec::{edn, jsonl};
use rupture_workloads::checkers::history::{Event, History, Kind, Process};
use rupture_workloads::checkers::linearizability::online::{Found, Watch};

use crate::record::Sink;

/// How operations of clients ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// They happened.
    pub ok: u64,
    /// They did not happen.
    pub fail: u64,
    /// Nobody knows.
    pub info: u64,
}

impl Counts {
    /// All that completed.
    pub fn total(&self) -> u64 {
        self.ok + self.fail + self.info
    }
}

/// Writes down everything that happens, in the order in which it happens.
pub struct Journal<'a> {
    sink: &'a mut dyn Sink,
    history: History,
    counts: Counts,
    jsonl: usize,
    edn: usize,
    faults: usize,
    nodes: BTreeMap<NodeName, usize>,
    line: String,
    /// Hears of every event, if somebody watches.
    watch: Option<Box<dyn Watch>>,
    anomaly: Option<Found>,
}

impl<'a> Journal<'a> {
    /// Opens the files of a run.
    ///
    /// # Errors
    /// When one cannot be created: said before anything runs.
    pub fn open(sink: &'a mut dyn Sink, nodes: &[NodeName]) -> anyhow::Result<Self> {
        let mut open = |path: &str| {
            sink.open(path)
                .with_context(|| format!("cannot create `{path}` in the results"))
        };
        let (jsonl, edn, faults) = (
            open("history.jsonl")?,
            open("history.edn")?,
            open("faults.jsonl")?,
        );
        let mut journal = Self {
            sink,
            history: History::new(),
            counts: Counts::default(),
            jsonl,
            edn,
            faults,
            nodes: BTreeMap::new(),
            line: String::new(),
            watch: None,
            anomaly: None,
        };
        for node in nodes {
            journal
                .open_node(node)
                .with_context(|| format!("cannot create the log of {node} in the results"))?;
        }
        Ok(journal)
    }

    /// Lets somebody hear of every event from now on, who says when the history becomes impossible.
    pub fn watched_by(&mut self, watch: Box<dyn Watch>) {
        self.watch = Some(watch);
    }

    /// The event at which the history became impossible, if it did and somebody watches.
    pub fn anomaly(&self) -> Option<&Found> {
        self.anomaly.as_ref()
    }

    /// A history that cannot be read is not watched any more; whoever judges the whole of it says why.
    fn tell(&mut self, row: usize) {
        let told = self.watch.as_mut();
        match told.map(|watch| watch.push(self.history.get(row))) {
            Some(Ok(found)) => self.anomaly = self.anomaly.take().or(found),
            Some(Err(_)) => self.watch = None,
            None => {}
        }
    }

    fn open_node(&mut self, node: &NodeName) -> io::Result<usize> {
        let file = self.sink.open(&format!("nodes/{node}.log"))?;
        self.nodes.insert(node.clone(), file);
        Ok(file)
    }

    /// Whether lines are kept; when not, nobody needs to make them.
    pub fn keeps(&self) -> bool {
        self.sink.keeps()
    }

    /// Adds an event to the history.
    pub fn event(&mut self, event: &Event) {
        if let Process::Client(_) = event.process {
            match event.kind {
                Kind::Ok => self.counts.ok += 1,
                Kind::Fail => self.counts.fail += 1,
                Kind::Info => self.counts.info += 1,
                Kind::Invoke => {}
            }
        }
        self.sink.at(event.time);
        let row = self.history.push(event);
        self.tell(row);
        if !self.sink.keeps() {
            return;
        }
        let recorded = self.history.get(row);
        self.line.clear();
        jsonl::write_event(&mut self.line, recorded);
        self.sink.line(self.jsonl, self.line.trim_end_matches('\n'));
        self.line.clear();
        edn::write_event(&mut self.line, recorded);
        self.sink.line(self.edn, self.line.trim_end_matches('\n'));
    }

    /// Adds a receipt, or the new state of one.
    pub fn receipt(&mut self, receipt: &Receipt) {
        if self.sink.keeps() {
            let line = serde_json::to_string(receipt).unwrap_or_default();
            self.sink.line(self.faults, &line);
        }
    }

    /// Adds a line to a node's log. A node that joined later gets its log with its first line.
    pub fn node_line(&mut self, node: &NodeName, line: &str) {
        let file = match self.nodes.get(node) {
            Some(file) => Some(*file),
            None => self.open_node(node).ok(),
        };
        if let Some(file) = file {
            self.sink.line(file, line);
        }
    }

    /// Lets what was written reach the files, for whoever looks at them or survives us.
    pub fn flush(&mut self) {
        self.sink.flush();
    }

    /// Writes a node's metrics.
    pub fn metrics(&mut self, node: &NodeName, text: &str) {
        if self.sink.keeps() && !text.is_empty() {
            self.sink.whole(&format!("nodes/{node}.prom"), text);
        }
    }

    /// The history, and how its operations ended.
    pub fn finish(self) -> (History, Counts) {
        (self.history, self.counts)
    }
}
