//! One object under watch: the window of its events since the last cut, and when it is decided.

use super::super::calls::{Call, NEVER};
use super::super::decide::possible;
use super::super::search::{Answer, Limits, Stop};
use super::starts::{After, Starts};
use crate::{Budget, Model, Values};

/// A window grows at least by so many events before it is decided again, unless it is small.
const GROWTH_AT_LEAST: usize = 16;
/// And by one more for so many bytes of the states that every decision copies.
const HEAP_A_ROW: usize = 1024;
/// Small windows are decided at every completion if the possible states hold no more than this.
const LIGHT_BYTES: usize = 4096;
/// An object is cut when the states hold at most so many times what the window holds: every decision that
/// begins with states copies them for each operation.
const HEAVIER: usize = 16;
/// How many configurations an attempt to cut may look at: so many, and so many an event.
const CUT_STEPS: u64 = 10_000;
const CUT_STEPS_AN_EVENT: u64 = 64;
/// A window of an object with a theory is kept behind its first cuts until it has so many events. A theory
/// knows only the initial state; an object that is quiet when clients begin, and then never again, would
/// otherwise be lost to the search.
const KEPT_FOR_THEORY: usize = 256;
/// What came after such a cut is searched while it has no more events than this.
const SEARCHED: usize = 128;

/// How much may be held, and looked at in one decision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    pub(super) steps: u64,
    /// Windows of fewer events are decided at every completion.
    pub(super) small: usize,
}

impl Bounds {
    /// Calls what is given with these bounds as a search knows them.
    fn with<T>(&self, steps: u64, decide: impl FnOnce(&Limits<'_>) -> T) -> T {
        let budget = Budget::unlimited().with_bytes(self.bytes);
        decide(&Limits {
            budget: &budget,
            steps: steps.min(self.steps),
        })
    }
}

/// Which event it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    /// Its place among all events.
    pub(super) position: u64,
    /// The number that the history gives it.
    pub(super) index: u64,
}

/// What a decision came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    Possible,
    Impossible,
    /// Nobody knows, or nobody looked.
    Open,
}

/// An operation of the window.
struct Held<O> {
    invoked: u32,
    /// The row of the completion that told what became of it, or [`NEVER`].
    completed: u32,
    /// What it was before that.
    open: Option<O>,
    /// What it was after that.
    done: Option<O>,
}

/// An object under watch. Events of the window are its *rows*, counted from 1.
pub(super) struct Object<M: Model> {
    key: Option<String>,
    values: Values,
    held: Vec<Held<M::Op>>,
    stamps: Vec<Stamp>,
    running: usize,
    /// Where the object may have been at the last cut. None if there was no cut.
    starts: Option<Starts<M>>,
    /// The row of the last cut. What was before is kept for the theory alone.
    since: usize,
    /// Whether the window begins with the initial state.
    whole: bool,
    /// What these states hold outside themselves.
    heap: usize,
    /// Up to this row everything has an order.
    checked: usize,
    next_check: usize,
    next_cut: usize,
    bytes: usize,
    /// Why nobody knows, since the last decision.
    stopped: Option<Stop>,
    /// Whether the window was let go because it was too large.
    lost: bool,
}

impl<M: Model> Object<M> {
    pub(super) fn new(key: Option<String>, values: Values) -> Self {
        Self {
            key,
            values,
            held: Vec::new(),
            stamps: Vec::new(),
            running: 0,
            starts: None,
            since: 0,
            whole: true,
            heap: 0,
            checked: 0,
            next_check: 0,
            next_cut: 0,
            bytes: 0,
            stopped: None,
            lost: false,
        }
    }

    pub(super) fn key(&self) -> Option<String> {
        self.key.clone()
    }

    pub(super) fn values(&mut self) -> &mut Values {
        &mut self.values
    }

    /// How many events are held.
    pub(super) fn held(&self) -> usize {
        self.stamps.len()
    }

    /// Why nobody knows whether the object was possible.
    pub(super) fn reason(&self) -> Option<String> {
        let key = self.key.as_ref();
        let key = key.map_or(String::new(), |key| format!("key {key}: "));
        let stop = self.stopped?;
        Some(format!("{key}{} while it was watched", stop.words()))
    }

    /// An operation begins. Gives its place in the window, which holds as long as it runs.
    pub(super) fn invoke(&mut self, op: Option<M::Op>, stamp: Stamp) -> usize {
        self.running += 1;
        self.stamps.push(stamp);
        self.held.push(Held {
            invoked: self.stamps.len() as u32,
            completed: NEVER,
            open: op,
            done: None,
        });
        self.held.len() - 1
    }

    /// An operation ends, and nobody knows how.
    pub(super) fn give_up(&mut self, stamp: Stamp) {
        self.running -= 1;
        self.stamps.push(stamp);
    }

    /// An operation completes; `bytes` is about what its values take.
    pub(super) fn complete(&mut self, place: usize, op: Option<M::Op>, stamp: Stamp, bytes: usize) {
        self.give_up(stamp);
        self.bytes += bytes;
        let row = self.stamps.len() as u32;
        if let Some(held) = self.held.get_mut(place) {
            held.completed = row;
            held.done = op;
        }
    }

    /// Decides the window if it is time, and cuts it where that is possible.
    pub(super) fn look(&mut self, model: &M, bounds: &Bounds) -> Looked {
        self.let_go_if_large(bounds);
        let rows = self.stamps.len();
        if self.lost {
            return Looked::Open;
        }
        let worth =
            self.heap <= HEAVIER * (self.bytes + size_of::<Held<M::Op>>() * self.held.len());
        if self.running == 0 && worth && rows >= self.next_cut {
            match self.cut(model, bounds) {
                Looked::Open => self.next_cut = rows * 2 - self.since,
                looked => return looked,
            }
        }
        let small =
            rows - self.since < bounds.small && self.heap <= LIGHT_BYTES && self.stopped.is_none();
        if small || rows >= self.next_check {
            return self.check(model, bounds);
        }
        Looked::Open
    }

    /// Decides all that was not decided yet.
    pub(super) fn look_at_all(&mut self, model: &M, bounds: &Bounds) -> Looked {
        if self.lost {
            return Looked::Open;
        }
        if self.checked == self.stamps.len() {
            return Looked::Possible;
        }
        self.check(model, bounds)
    }

    /// Decides what was before an event and not decided yet.
    pub(super) fn look_before(&self, model: &M, bounds: &Bounds, position: u64) -> Looked {
        let rows = self.rows_before(position);
        if self.lost {
            Looked::Open
        } else if rows <= self.checked {
            Looked::Possible
        } else {
            self.decide(model, rows, bounds).0
        }
    }

    /// The first event of the window, of those before a position, that makes it impossible, and whether it is
    /// proved to be the first. Together they must be impossible.
    pub(super) fn first(&self, model: &M, bounds: &Bounds, position: u64) -> Option<(Stamp, bool)> {
        let mut low = self.checked;
        let mut high = self.rows_before(position);
        let mut proved = true;
        while low + 1 < high {
            let middle = usize::midpoint(low, high);
            match self.decide(model, middle, bounds).0 {
                Looked::Impossible => high = middle,
                Looked::Possible => low = middle,
                Looked::Open => {
                    low = middle;
                    proved = false;
                }
            }
        }
        let stamp = self.stamps.get(high.checked_sub(1)?)?;
        Some((*stamp, proved))
    }

    fn rows_before(&self, position: u64) -> usize {
        self.stamps
            .partition_point(|stamp| stamp.position < position)
    }

    fn check(&mut self, model: &M, bounds: &Bounds) -> Looked {
        let rows = self.stamps.len();
        let (looked, stop) = self.decide(model, rows, bounds);
        self.stopped = stop;
        match looked {
            Looked::Possible => {
                self.checked = rows;
                let at_least = GROWTH_AT_LEAST + self.heap / HEAP_A_ROW;
                let decided = match rows - self.since {
                    recent if recent <= SEARCHED => recent,
                    _ => rows,
                };
                self.next_check = rows + (decided / 4).max(at_least);
            }
            Looked::Open => self.next_check = rows * 2,
            Looked::Impossible => {}
        }
        looked
    }

    /// Whether the first rows have an order. They must reach to the last cut.
    fn decide(&self, model: &M, rows: usize, bounds: &Bounds) -> (Looked, Option<Stop>) {
        let recent = rows.saturating_sub(self.since);
        let Some(starts) = self
            .starts
            .as_ref()
            .filter(|_| !self.whole || recent <= SEARCHED)
        else {
            return self.decide_whole(model, rows, bounds);
        };
        let calls = self.calls(self.since, rows);
        let steps = if self.whole {
            cut_steps(recent)
        } else {
            u64::MAX
        };
        match bounds.with(steps, |limits| starts.decide(model, &calls, limits)) {
            Answer::Order(_) => (Looked::Possible, None),
            Answer::Impossible(_) => (Looked::Impossible, None),
            Answer::Stopped(..) if self.whole => self.decide_whole(model, rows, bounds),
            Answer::Stopped(stop, _) => (Looked::Open, Some(stop)),
        }
    }

    /// The same from the initial state.
    fn decide_whole(&self, model: &M, rows: usize, bounds: &Bounds) -> (Looked, Option<Stop>) {
        let calls = self.calls(0, rows);
        match bounds.with(u64::MAX, |limits| possible(model, &calls, limits)) {
            Ok(true) => (Looked::Possible, None),
            Ok(false) => (Looked::Impossible, None),
            Err(stop) => (Looked::Open, Some(stop)),
        }
    }

    /// The operations behind a cut as they were known after the first rows.
    fn calls(&self, since: usize, rows: usize) -> Vec<Call<M::Op>> {
        let begun = self.held.iter().enumerate();
        begun
            .skip_while(|(_, held)| held.invoked as usize <= since)
            .take_while(|(_, held)| held.invoked as usize <= rows)
            .filter_map(|(number, held)| {
                let known = held.completed as usize <= rows && held.completed != NEVER;
                let op = if known { &held.done } else { &held.open };
                Some(Call {
                    op: op.clone()?,
                    invoked: held.invoked,
                    completed: if known { held.completed } else { NEVER },
                    must: known,
                    operation: number as u32,
                })
            })
            .collect()
    }

    /// Lets the window go if few states stand for it. No operation may be running.
    fn cut(&mut self, model: &M, bounds: &Bounds) -> Looked {
        let rows = self.stamps.len();
        let calls = self.calls(self.since, rows);
        let after = bounds.with(cut_steps(rows - self.since), |limits| match &self.starts {
            None => Starts::new(model).after(model, &calls, limits),
            Some(starts) => starts.after(model, &calls, limits),
        });
        match after {
            After::Open => Looked::Open,
            After::Impossible => Looked::Impossible,
            After::Starts(starts) => {
                self.heap = starts.heap(model);
                self.cut_to(model, starts);
                Looked::Possible
            }
        }
    }

    /// Goes on from these states. An object that is as it was at first begins anew.
    fn cut_to(&mut self, model: &M, starts: Starts<M>) {
        let rows = self.stamps.len();
        let anew = starts.is_initial(model);
        if anew || !self.whole || model.theory().is_none() || rows >= KEPT_FOR_THEORY {
            self.forget_window();
            self.whole = anew;
        } else {
            self.since = rows;
            self.checked = rows;
            self.next_check = rows;
            self.next_cut = rows;
            self.stopped = None;
        }
        self.starts = (!anew).then_some(starts);
    }

    fn forget_window(&mut self) {
        self.held = Vec::new();
        self.stamps = Vec::new();
        self.bytes = 0;
        self.since = 0;
        self.checked = 0;
        self.next_check = 0;
        self.next_cut = 0;
        self.stopped = None;
    }

    /// Gives the object up if its window is too large.
    fn let_go_if_large(&mut self, bounds: &Bounds) {
        let each = size_of::<Held<M::Op>>() + 2 * size_of::<Stamp>();
        let bytes = self
            .bytes
            .saturating_add(each.saturating_mul(self.held.len()));
        if bytes > bounds.bytes || self.stamps.len() > (u32::MAX / 2) as usize {
            self.lost = true;
        }
        if self.lost {
            self.forget_window();
            self.stopped = Some(Stop::Memory);
        }
    }
}

fn cut_steps(rows: usize) -> u64 {
    CUT_STEPS + CUT_STEPS_AN_EVENT * rows as u64
}
