//! Linearizability while the history grows: fed event by event, it answers at the first event after which no
//! order exists any more.
//!
//! What it rests on: linearizability is prefix-closed (Herlihy & Wing 1990; Lynch 1996, section 13.1). Cut an
//! order of the whole history behind the last operation that had completed by then, and it is one of the
//! prefix. So there is one first event from which on the history is impossible, and a prefix is judged with
//! what was known then: operations that were running may have happened, with any result, or may not.
//!
//! Every key has a *window*: its events since the last *cut*. Where no operation runs and a few possible states
//! are left, everything before is as good as these states (`starts`), and is let go. Otherwise the window
//! grows. It is decided by the engines that decide whole histories, each time from its beginning (`object`).
//!
//! When the answer comes: a window of fewer than [`SMALL`] events is decided whenever one of its operations
//! completes, a longer one when it has grown by a quarter, and every one where it is cut and by
//! [`Online::finish`]. This keeps the work at O(n log n) where the engine's is, at the price of an answer that
//! may come late. The event that it names is the first one all the same, found by bisecting the window.
//!
//! After a cut the engines for unique values have no say, because they know only the initial state. So the first
//! few hundred events of an object that has such an engine are kept behind its first cuts, and an object that
//! is found to be in its initial state again begins anew.
//!
//! What is held: the windows; for each key the possible states, and the values that its operations carried,
//! each once. An operation that ended as `info` may take effect in any later window: it is carried along, and
//! states are told apart by which of these operations they have used up. Each multiplies the states, so that a
//! key with many of them is not cut any more and its window grows. So does that of an operation that neither
//! completes nor ends as `info`, because its key is never quiet.
//!
//! Deliberately absent: a clock (work is bounded by steps, so that the same events always get the same answer),
//! and explanations, which the checker of whole histories gives.

mod object;
mod starts;
mod watch;

use rupture_history::{EventRef, History, Kind, Operation, Outcome, Value};
use rustc_hash::FxHashMap;

use super::calls::{self, Reader};
use super::opening::{NO_OPERATIONS, NOTHING_SEEN, is_refusal};
use crate::{CheckError, Model};
use object::{Bounds, Looked, Object, Stamp};
pub use watch::{Watch, watcher};

/// Windows of fewer events than this are decided at every completion.
pub const SMALL: usize = 64;
/// What windows and searches may hold by default.
const BYTES: usize = 1 << 30;
/// How many configurations the decision of one window may look at by default.
const STEPS: u64 = 4_000_000;

/// The event at which a history became impossible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The index of the event. The history before it has an order, the history with it has none.
    pub event: u64,
    /// The key whose operations are impossible, as EDN, where keys are judged apart.
    pub key: Option<String>,
    /// Whether it was proved that no earlier event does it. Bounds that were passed can keep it from being.
    pub is_first: bool,
}

/// What is known of a history so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All that was looked at has an order.
    Valid,
    /// There is none.
    Invalid(Found),
    /// Nobody knows, for this reason.
    Unknown(String),
}

/// Judges a history event by event.
///
/// ```
/// use rupture_checkers::history::{Event, History, Kind, Value};
/// use rupture_checkers::linearizability::online::{Online, Standing};
/// use rupture_checkers::models::Register;
///
/// let history: History = [
///     Event::new(0, Kind::Invoke, "write", Value::Int(1)),
///     Event::new(0, Kind::Ok, "write", Value::Int(1)),
///     Event::new(1, Kind::Invoke, "read", Value::Nil),
///     Event::new(1, Kind::Ok, "read", Value::Nil),
/// ]
/// .iter()
/// .collect();
/// let mut online = Online::new(Register);
/// for event in history.iter().take(3) {
///     assert_eq!(online.push(event), Ok(None));
/// }
/// let found = online.push(history.get(3)).unwrap().unwrap();
/// assert_eq!(found.event, 3);
/// assert_eq!(online.finish(), Standing::Invalid(found));
/// ```
pub struct Online<M: Model> {
    model: M,
    split: calls::Objects,
    bounds: Bounds,
    objects: Vec<Object<M>>,
    numbers: FxHashMap<Vec<Value>, usize>,
    running: FxHashMap<i64, Running>,
    /// How many events there were, of clients and of others.
    events: u64,
    told: Told,
    held: usize,
    most_held: usize,
    found: Option<Found>,
}

/// An operation that runs.
struct Running {
    /// Its invocation alone.
    history: History,
    object: usize,
    /// Its place in the window of the object.
    place: usize,
}

/// What was told of the operations so far, as far as it says whether the object was there.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    begun: usize,
    failed: usize,
    ok: bool,
    refused: bool,
}

impl Told {
    /// As [`opening`](super::opening) says it of a whole history.
    fn nothing_seen(self) -> Option<&'static str> {
        match (self.begun, self.ok) {
            (0, _) => Some(NO_OPERATIONS),
            (begun, false) if !self.refused || self.failed < begun => Some(NOTHING_SEEN),
            _ => None,
        }
    }
}

impl<M: Model> Online<M> {
    /// A judge of a history that is about to begin.
    pub fn new(model: M) -> Self {
        Self {
            model,
            split: calls::Objects::default(),
            bounds: Bounds {
                bytes: BYTES,
                steps: STEPS,
                small: SMALL,
            },
            objects: Vec::new(),
            numbers: FxHashMap::default(),
            running: FxHashMap::default(),
            events: 0,
            told: Told::default(),
            held: 0,
            most_held: 0,
            found: None,
        }
    }

    /// Whether values are `[key value]`, and every key is an object of its own.
    #[must_use]
    pub fn independent(mut self, independent: bool) -> Self {
        self.split.independent = independent;
        self
    }

    /// What registers hold before the first write; see [`Linearizable::initial`](crate::Linearizable::initial).
    ///
    /// ```
    /// use rupture_checkers::history::{Event, History, Kind, Value};
    /// use rupture_checkers::linearizability::online::{Online, Standing};
    /// use rupture_checkers::models::Register;
    ///
    /// let events = [(Kind::Invoke, Value::Nil), (Kind::Ok, Value::Int(0))];
    /// let read = |(kind, value)| Event::new(0, kind, "read", value);
    /// let history: History = events.map(read).iter().collect();
    /// let mut online = Online::new(Register).initial(Value::Int(0));
    /// for event in history.iter() {
    ///     assert_eq!(online.push(event), Ok(None));
    /// }
    /// assert_eq!(online.finish(), Standing::Valid);
    /// ```
    #[must_use]
    pub fn initial(mut self, value: Value) -> Self {
        self.split.initial = Some(value);
        self
    }

    /// How many bytes the window of a key may hold, and the same again the search that decides it; 1 GiB
    /// unless it is said. Past it nothing more is said of the key.
    #[must_use]
    pub fn with_bytes(mut self, bytes: usize) -> Self {
        self.bounds.bytes = bytes;
        self
    }

    /// How many configurations each decision of a window may look at; four million unless it is said. Past it
    /// the window is tried again when it is twice as long.
    #[must_use]
    pub fn with_steps(mut self, steps: u64) -> Self {
        self.bounds.steps = steps;
        self
    }

    /// Decides windows of so few events at every completion.
    #[cfg(test)]
    pub(crate) fn with_small(mut self, events: usize) -> Self {
        self.bounds.small = events;
        self
    }

    /// Takes the next event. Says once at which event the history became impossible; afterwards events change
    /// nothing. Those of others than clients take no part.
    ///
    /// # Errors
    /// The event is not what the model expects, or does not pair. What is said after that means nothing.
    pub fn push(&mut self, event: EventRef<'_>) -> Result<Option<Found>, CheckError> {
        let stamp = Stamp {
            position: self.events,
            index: event.index(),
        };
        self.events += 1;
        let Some(process) = event.client().filter(|_| self.found.is_none()) else {
            return Ok(None);
        };
        if event.kind() == Kind::Invoke {
            self.invoke(process, event, stamp)?;
            return Ok(None);
        }
        let object = self.complete(process, event, stamp)?;
        Ok(self.look(object, false))
    }

    /// Looks at all that was not looked at yet. The answer is that of [`Linearizable`](crate::Linearizable)
    /// for the events so far, where no bounds were passed.
    pub fn finish(&mut self) -> Standing {
        for object in 0..self.objects.len() {
            if self.found.is_some() {
                break;
            }
            self.look(object, true);
        }
        match (self.standing(), self.told.nothing_seen()) {
            (Standing::Valid, Some(nothing)) => Standing::Unknown(nothing.to_owned()),
            (standing, _) => standing,
        }
    }

    /// What is known so far. Events that are not looked at yet are not in it.
    pub fn standing(&self) -> Standing {
        if let Some(found) = &self.found {
            return Standing::Invalid(found.clone());
        }
        let mut reasons = self.objects.iter().filter_map(Object::reason);
        reasons.next().map_or(Standing::Valid, Standing::Unknown)
    }

    /// How many events are held.
    pub fn held(&self) -> usize {
        self.held
    }

    /// How many events were held at the most at any time.
    pub fn most_held(&self) -> usize {
        self.most_held
    }

    fn invoke(
        &mut self,
        process: i64,
        event: EventRef<'_>,
        stamp: Stamp,
    ) -> Result<(), CheckError> {
        let before = self.running.remove(&process);
        let mut history = before.map_or_else(History::new, |running| running.history);
        let operation = only_operation(&mut history, event)?;
        let reader = Reader::new(&self.model, self.split.independent, &history, &operation)?;
        let key = reader.key()?;
        let number = *self.numbers.entry(key).or_insert_with_key(|key| {
            let object = Object::new(calls::name(key), self.split.values());
            self.objects.push(object);
            self.objects.len() - 1
        });
        let object = &mut self.objects[number];
        let op = reader.op(object.values())?;
        let place = object.invoke(op, stamp);
        self.hold(1);
        self.told.begun += 1;
        let running = Running {
            history,
            object: number,
            place,
        };
        self.running.insert(process, running);
        Ok(())
    }

    /// Takes a completion in, and says which object it belongs to.
    fn complete(
        &mut self,
        process: i64,
        event: EventRef<'_>,
        stamp: Stamp,
    ) -> Result<usize, CheckError> {
        let Some(mut running) = self.running.remove(&process) else {
            // The pairing of a history that holds nothing else says what is wrong.
            only_operation(&mut History::new(), event)?;
            return Ok(usize::MAX);
        };
        let history = &mut running.history;
        let operation = only_operation(history, event)?;
        let object = &mut self.objects[running.object];
        let reader = Reader::new(&self.model, self.split.independent, history, &operation)?;
        let op = reader.op(object.values())?;
        match operation.outcome {
            Outcome::Info => object.give_up(stamp),
            Outcome::Ok | Outcome::Fail => {
                object.complete(running.place, op, stamp, history.bytes());
                self.told.ok |= operation.outcome == Outcome::Ok;
                self.told.failed += usize::from(operation.outcome == Outcome::Fail);
                let f = history.get(operation.invoked as usize).f();
                self.told.refused |= is_refusal(&self.model, f, event);
            }
        }
        self.hold(1);
        Ok(running.object)
    }

    fn hold(&mut self, events: usize) {
        self.held += events;
        self.most_held = self.most_held.max(self.held);
    }

    /// Decides the window of an object, if it is time.
    fn look(&mut self, number: usize, last: bool) -> Option<Found> {
        let object = self.objects.get_mut(number)?;
        let before = object.held();
        let looked = if last {
            object.look_at_all(&self.model, &self.bounds)
        } else {
            object.look(&self.model, &self.bounds)
        };
        self.held -= before - object.held();
        if looked != Looked::Impossible {
            return None;
        }
        self.found = self.first(number);
        self.found.clone()
    }

    /// The first event that makes the whole impossible, when this object is: it may be one of another
    /// object, which was not looked at yet.
    fn first(&mut self, number: usize) -> Option<Found> {
        let (mut stamp, mut is_first) =
            self.objects[number].first(&self.model, &self.bounds, u64::MAX)?;
        let mut key = self.objects[number].key();
        for (other, object) in self.objects.iter_mut().enumerate() {
            if other == number {
                continue;
            }
            match object.look_before(&self.model, &self.bounds, stamp.position) {
                Looked::Possible => {}
                Looked::Open => is_first = false,
                Looked::Impossible => {
                    let found = object.first(&self.model, &self.bounds, stamp.position);
                    if let Some((earlier, proved)) = found {
                        (stamp, is_first) = (earlier, is_first && proved);
                        key = object.key();
                    }
                }
            }
        }
        Some(Found {
            event: stamp.index,
            key,
            is_first,
        })
    }
}

/// Adds an event to those of an operation, and pairs them.
fn only_operation(history: &mut History, event: EventRef<'_>) -> Result<Operation, CheckError> {
    history.push(&event.to_event());
    let operations = history.operations()?;
    Ok(operations[0])
}
