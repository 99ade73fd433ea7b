//! When faults begin and end: a pure state machine that is asked *what now?*.
//!
//! Faults come in *lanes*. A lane waits, begins a fault, lets it last, ends it, and waits again; so two faults
//! of one lane never overlap, and those of different lanes do. [`Timing::Mix`] gives every kind a lane of its
//! own, [`Timing::Interval`] has one lane for all, [`Timing::Phases`] opens and closes lanes, and
//! [`Timing::Script`] has none but a list of times.
//!
//! Laws, which the tests hold: every fault that begins ends, none begins after the stop, nothing comes after
//! [`Step::Done`], and the same stream gives the same faults however often it is asked in between.
//!
//! Deliberately absent: whom a fault hits, which only the cluster can tell.

mod lane;
mod plan;

use std::collections::{BTreeMap, VecDeque};

use rupture_targets::random::Stream;

use crate::fault::{Fault, FaultKind};
use crate::receipt::{Receipt, State};
use crate::script::{Action, Entry};
use lane::{Lane, Rest};
pub use plan::{Phase, Plan, PlanError, Timing};

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a fault, and tell the schedule what came of it ([`Schedule::told`]).
    Begin {
        /// Names the fault in the run; ascending from 0.
        id: u64,
        /// Which.
        fault: Fault,
    },
    /// Look after a fault that lasts.
    Tick {
        /// Which.
        id: u64,
    },
    /// Undo a fault.
    End {
        /// Which.
        id: u64,
    },
    /// Undo whatever is left. No fault begins any more, and the cluster is left alone for a while.
    HealAll,
    /// Look whether everything that was undone is gone.
    Verify,
    /// Nothing to do until then.
    Wait {
        /// When to ask again.
        until_ns: u64,
    },
    /// Nothing to do any more.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Faults,
    Recovery { until_ns: u64 },
    Done,
}

/// A fault that lasts.
#[derive(Clone, Copy, Debug)]
struct Lasting {
    kind: FaultKind,
    lane: Option<usize>,
    end_ns: Option<u64>,
    tick_every_ns: Option<u64>,
    tick_ns: u64,
}

/// The state machine. Ask it with [`Schedule::next`] until it says [`Step::Done`].
#[derive(Clone, Debug)]
pub struct Schedule {
    lanes: Vec<Lane>,
    entries: VecDeque<Entry>,
    lasting: BTreeMap<u64, Lasting>,
    next_id: u64,
    nodes: usize,
    stop_ns: u64,
    recovery_ns: u64,
    stage: Stage,
}

impl Schedule {
    /// The schedule of a plan for a cluster that begins with this many nodes. [`Plan::check_against`] is for the
    /// caller to have done.
    pub fn new(plan: &Plan, nodes: usize) -> Self {
        let entries = match &plan.timing {
            Timing::Script(script) => script.entries().to_vec().into(),
            _ => VecDeque::new(),
        };
        Self {
            lanes: lane::lanes(plan),
            entries,
            lasting: BTreeMap::new(),
            next_id: 0,
            nodes,
            stop_ns: plan.stop_ns,
            recovery_ns: plan.recovery_ns,
            stage: Stage::Faults,
        }
    }

    /// What to do now. Ask again at once, until it says to wait; time may not go back between two calls.
    pub fn next(&mut self, now_ns: u64, random: &mut Stream) -> Step {
        match self.stage {
            Stage::Faults if now_ns >= self.stop_ns => self.stop_faults(now_ns),
            Stage::Faults => self.fault(now_ns, random),
            Stage::Recovery { until_ns } if now_ns < until_ns => Step::Wait { until_ns },
            Stage::Recovery { .. } => {
                self.stage = Stage::Done;
                Step::Verify
            }
            Stage::Done => Step::Done,
        }
    }

    /// Ends what lasts, one fault a call. Where no fault ever began there is nothing to recover from.
    fn stop_faults(&mut self, now_ns: u64) -> Step {
        if let Some((id, _)) = self.lasting.pop_first() {
            return Step::End { id };
        }
        let recovery_ns = if self.next_id == 0 {
            0
        } else {
            self.recovery_ns
        };
        let until_ns = now_ns.saturating_add(recovery_ns);
        self.stage = Stage::Recovery { until_ns };
        Step::HealAll
    }

    /// Says what came of a fault that began, so that one that found nobody to hit is soon followed by another.
    /// Without being told nothing worse happens than a long wait for the next one.
    pub fn told(&mut self, receipt: &Receipt) {
        if receipt.state != State::NotInjected {
            return;
        }
        let lasting = self.lasting.remove(&receipt.id);
        if let Some(number) = lasting.and_then(|lasting| lasting.lane) {
            self.lanes[number].rest = Rest::Short {
                from_ns: receipt.began_ns,
            };
        }
    }

    /// No fault begins from now on, and those that last end.
    pub fn stop(&mut self, now_ns: u64) {
        self.stop_ns = self.stop_ns.min(now_ns);
    }

    fn fault(&mut self, now_ns: u64, random: &mut Stream) -> Step {
        loop {
            if let Some(step) = self.end(now_ns).or_else(|| self.tick(now_ns)) {
                return step;
            }
            if self.heal_by_script(now_ns) {
                continue;
            }
            let begun = self.begin_by_script(now_ns);
            if let Some(step) = begun.or_else(|| self.begin_by_lane(now_ns, random)) {
                return step;
            }
            return Step::Wait {
                until_ns: self.wake_ns().max(now_ns + 1).min(self.stop_ns),
            };
        }
    }

    fn end(&mut self, now_ns: u64) -> Option<Step> {
        let is_due = |lasting: &Lasting| lasting.end_ns.is_some_and(|end_ns| end_ns <= now_ns);
        let (&id, _) = self.lasting.iter().find(|(_, lasting)| is_due(lasting))?;
        let lasting = self.lasting.remove(&id)?;
        if let Some(number) = lasting.lane {
            self.lanes[number].rest = Rest::Long { from_ns: now_ns };
        }
        Some(Step::End { id })
    }

    fn tick(&mut self, now_ns: u64) -> Option<Step> {
        for (&id, lasting) in &mut self.lasting {
            if let Some(every_ns) = lasting.tick_every_ns
                && lasting.tick_ns <= now_ns
            {
                lasting.tick_ns = now_ns.saturating_add(every_ns);
                return Some(Step::Tick { id });
            }
        }
        None
    }

    /// Whether a line of the script has healed something, or nothing, now.
    fn heal_by_script(&mut self, now_ns: u64) -> bool {
        let Some(Entry {
            at_ns,
            action: Action::Heal { kind },
        }) = self.entries.front()
        else {
            return false;
        };
        if *at_ns > now_ns {
            return false;
        }
        let is_meant = |lasting: &Lasting| kind.is_none_or(|kind| kind == lasting.kind);
        for lasting in self
            .lasting
            .values_mut()
            .filter(|lasting| is_meant(lasting))
        {
            lasting.end_ns = Some(now_ns);
        }
        self.entries.pop_front();
        true
    }

    fn begin_by_script(&mut self, now_ns: u64) -> Option<Step> {
        if self.entries.front()?.at_ns > now_ns {
            return None;
        }
        let Action::Begin { fault, for_ns } = self.entries.pop_front()?.action else {
            return None;
        };
        let end_ns = for_ns.map(|for_ns| now_ns.saturating_add(for_ns));
        Some(self.begin(fault, end_ns, None, now_ns))
    }

    fn begin_by_lane(&mut self, now_ns: u64, random: &mut Stream) -> Option<Step> {
        for number in 0..self.lanes.len() {
            // A lane draws when its next fault begins only once its last one has ended.
            if self.is_lasting(number) {
                continue;
            }
            let begin_ns = self.lanes[number].begin_ns(random);
            if begin_ns.is_none_or(|begin_ns| begin_ns > now_ns) {
                continue;
            }
            if self.lanes[number].is_over(now_ns) {
                self.lanes[number].rest = Rest::Forever;
                continue;
            }
            let lane = &mut self.lanes[number];
            let (fault, end_ns) = lane.draw(now_ns, self.nodes, random);
            return Some(self.begin(fault, Some(end_ns), Some(number), now_ns));
        }
        None
    }

    fn begin(
        &mut self,
        fault: Fault,
        end_ns: Option<u64>,
        lane: Option<usize>,
        now_ns: u64,
    ) -> Step {
        let id = self.next_id;
        self.next_id += 1;
        let tick_every_ns = fault.tick_every_ns();
        let lasting = Lasting {
            kind: fault.kind(),
            lane,
            end_ns,
            tick_every_ns,
            tick_ns: now_ns.saturating_add(tick_every_ns.unwrap_or_default()),
        };
        self.lasting.insert(id, lasting);
        Step::Begin { id, fault }
    }

    fn is_lasting(&self, lane: usize) -> bool {
        let mut lanes = self.lasting.values().filter_map(|lasting| lasting.lane);
        lanes.any(|number| number == lane)
    }

    /// When there is something to do again.
    fn wake_ns(&self) -> u64 {
        let ends = self.lasting.values().filter_map(|lasting| lasting.end_ns);
        let ticks = self.lasting.values().filter_map(|lasting| {
            let every_ns = lasting.tick_every_ns?;
            (every_ns > 0).then_some(lasting.tick_ns)
        });
        let begins = (0..self.lanes.len())
            .filter(|number| !self.is_lasting(*number))
            .filter_map(|number| self.lanes[number].known_begin_ns());
        let entries = self.entries.front().map(|entry| entry.at_ns);
        let times = ends.chain(ticks).chain(begins).chain(entries);
        times.min().unwrap_or(self.stop_ns)
    }
}

#[cfg(test)]
mod tests;
