//! The driver of the simulator: it moves virtual time, carries operations and faults to the target, and writes down
//! what happens. All decisions are the schedule's.

use rupture_nemesis::{self as nemesis, Injector, Receipt};
use rupture_targets::random::Stream;
use rupture_targets::{Happening, NodeName, Simulated, Storm};
use rupture_workloads::generator::Op;

use super::{Outcome, Watcher, invocation, not_running};
use crate::journal::Journal;
use crate::schedule::{Schedule, Step, Task};

/// How far one wait may go. Nothing waits that long; it bounds a wait that would have no end.
const LONGEST_WAIT_NS: u64 = 3_600_000_000_000;
/// How many steps pass between two looks at whether an end was asked for.
const STEPS_BETWEEN_LOOKS: u32 = 256;

/// What a driver drives.
pub struct Driver<'a, 'j> {
    /// The system under test.
    pub target: &'a mut dyn Simulated,
    /// What happens when.
    pub schedule: Schedule,
    /// Makes faults and proves them.
    pub injector: Injector,
    /// Where it is written down.
    pub journal: &'a mut Journal<'j>,
    /// Who hears the nodes.
    pub watcher: &'a mut dyn Watcher,
    /// Random numbers for whom a fault hits.
    pub random: Stream,
    /// Whether to look at once whether an end was asked for.
    pub looks: bool,
    /// What ends the run.
    pub storm: Option<Storm>,
}

impl Driver<'_, '_> {
    /// Runs to the end.
    ///
    /// # Errors
    /// A workload and a target that do not fit each other.
    pub fn run(mut self, stop: &(dyn Fn() -> bool + Sync)) -> anyhow::Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut steps = 0u32;
        loop {
            steps = steps.wrapping_add(1);
            let looks = std::mem::take(&mut self.looks);
            if (looks || steps.is_multiple_of(STEPS_BETWEEN_LOOKS)) && stop() {
                outcome.interrupted = true;
                break;
            }
            if self.storm.is_some() {
                break;
            }
            let now_ns = self.target.now_ns();
            if self.journal.anomaly().is_some() {
                self.schedule.stop(now_ns);
            }
            match self.schedule.next(now_ns) {
                Step::Invoke(task) => self.invoke(&task)?,
                Step::Fault(fault) => self.fault(now_ns, fault),
                Step::Recover => {
                    outcome.not_running = not_running(self.target.as_cluster());
                    self.recover();
                }
                Step::WaitUntil(at_ns) => self.wait(at_ns),
                Step::WaitForCompletion => self.wait(now_ns + LONGEST_WAIT_NS),
                Step::Finished => break,
            }
        }
        let now_ns = self.target.now_ns();
        self.heal_all(now_ns);
        self.verify();
        self.write_metrics();
        outcome.storm = self.storm;
        outcome.lasted_ns = now_ns;
        outcome.receipts = self.injector.receipts().to_vec();
        (outcome.recovered, outcome.last) = self.schedule.finish();
        Ok(outcome)
    }

    fn recover(&mut self) {
        let claim = self.target.recovery();
        let target = &mut self.target;
        let serving = &mut |op: &Op| target.serving(&op.f, &op.value);
        self.schedule.recover(claim, serving);
    }

    fn invoke(&mut self, task: &Task) -> anyhow::Result<()> {
        self.journal.event(&task.event);
        let nodes = if task.through.is_some() {
            self.target.nodes()?
        } else {
            Vec::new()
        };
        self.target.invoke(invocation(task, &nodes))?;
        Ok(())
    }

    /// Lets time pass until something happens, and takes it in.
    fn wait(&mut self, until_ns: u64) {
        match self.target.advance(until_ns) {
            None
            | Some(Happening::Alarm { .. } | Happening::Died { .. } | Happening::Observed(_)) => {}
            Some(Happening::Busy) => self.looks = true,
            Some(Happening::Storm(storm)) => self.storm = Some(*storm),
            Some(Happening::Completed { thread, completion }) => {
                let now_ns = self.target.now_ns();
                if let Some(event) = self.schedule.completed(now_ns, thread, completion) {
                    self.journal.event(&event);
                }
            }
            Some(Happening::Node(event)) => {
                self.watcher.told(&event);
                if self.journal.keeps() {
                    self.journal
                        .node_line(&NodeName::numbered(event.node), &event.line());
                }
            }
        }
    }

    fn fault(&mut self, now_ns: u64, step: nemesis::Step) {
        let cluster = self.target.as_cluster();
        match step {
            nemesis::Step::Begin { id, fault } => {
                let receipt = self
                    .injector
                    .begin(id, &fault, cluster, now_ns, &mut self.random);
                self.schedule.told(&receipt);
                for event in &receipt.begin_events() {
                    self.journal.event(event);
                }
                self.note(&receipt);
            }
            nemesis::Step::Tick { id } => {
                if let Some(receipt) = self.injector.tick(id, cluster, now_ns) {
                    self.journal.receipt(&receipt);
                }
            }
            nemesis::Step::End { id } => {
                if let Some(receipt) = self.injector.end(id, cluster, now_ns) {
                    self.note(&receipt);
                }
            }
            nemesis::Step::HealAll => self.heal_all(now_ns),
            nemesis::Step::Verify => self.verify(),
            nemesis::Step::Wait { .. } | nemesis::Step::Done => {}
        }
    }

    /// Writes down a receipt, and the end of its fault if it has ended.
    fn note(&mut self, receipt: &Receipt) {
        if let Some(events) = receipt.end_events() {
            for event in &events {
                self.journal.event(event);
            }
        }
        self.journal.receipt(receipt);
    }

    fn heal_all(&mut self, now_ns: u64) {
        for receipt in self.injector.heal_all(self.target.as_cluster(), now_ns) {
            self.note(&receipt);
        }
    }

    /// Looks once more at what was undone and not seen to be.
    fn verify(&mut self) {
        let now_ns = self.target.now_ns();
        for receipt in self.injector.verify(self.target.as_cluster(), now_ns) {
            self.journal.receipt(&receipt);
        }
    }

    fn write_metrics(&mut self) {
        let Ok(nodes) = self.target.nodes() else {
            return;
        };
        for (position, node) in nodes.iter().enumerate() {
            let text = self.target.metrics(position);
            self.journal.metrics(node, &text);
        }
    }
}
