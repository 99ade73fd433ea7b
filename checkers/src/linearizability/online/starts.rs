//! The states in which an object may be where its history was cut, and what happens from there.
//!
//! An operation of which nobody knows may take effect after any later cut, and only once. So a *place* is a
//! state together with how many operations of each kind are left that may yet take effect, and the model that
//! a search goes through is [`Tracked`]: the object with these numbers.

use super::super::calls::{Call, NEVER};
use super::super::search::{Answer, Limits, Search};
use crate::{Mismatch, Model, Seen, Values};

/// How many places are kept at the most.
const MOST_PLACES: usize = 64;
/// How many ways there may be to have used up the operations that are left.
const MOST_WAYS: usize = 256;

/// A state, and how many operations of each class are left.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place<S> {
    state: S,
    left: Box<[u32]>,
}

/// An operation of an object of which some operations are left over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Act<O> {
    /// One of the window.
    Now(O),
    /// One of this class, of which nobody knows.
    Late(usize, O),
}

/// An object that knows which operations are left over.
struct Tracked<'m, M>(&'m M);

impl<M: Model> Model for Tracked<'_, M> {
    type State = Place<M::State>;
    type Op = Act<M::Op>;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn functions(&self) -> &[&str] {
        self.0.functions()
    }

    fn initial(&self) -> Self::State {
        Place {
            state: self.0.initial(),
            left: Box::default(),
        }
    }

    /// Operations are read before they come here.
    fn decode(&self, _: &Seen<'_>, _: &mut Values) -> Result<Option<Self::Op>, Mismatch> {
        Ok(None)
    }

    fn step(&self, place: &Self::State, act: &Self::Op) -> Option<Self::State> {
        match act {
            Act::Now(op) => self.0.step(&place.state, op).map(|state| Place {
                state,
                left: place.left.clone(),
            }),
            Act::Late(..) => {
                let mut next = Vec::new();
                self.outcomes(place, act, &mut next);
                next.into_iter().next()
            }
        }
    }

    fn outcomes(&self, place: &Self::State, act: &Self::Op, next: &mut Vec<Self::State>) {
        let (op, class) = match act {
            Act::Now(op) => (op, None),
            Act::Late(class, op) => (op, Some(*class)),
        };
        let mut left = place.left.clone();
        if let Some(class) = class {
            match left.get_mut(class) {
                None | Some(0) => return,
                Some(left) => *left -= 1,
            }
        }
        let mut states = Vec::new();
        self.0.outcomes(&place.state, op, &mut states);
        // To use an operation up for nothing is never better than to keep it.
        states.retain(|state| class.is_none() || *state != place.state);
        next.extend(states.into_iter().map(|state| Place {
            state,
            left: left.clone(),
        }));
    }

    fn is_read(&self, act: &Self::Op) -> bool {
        let (Act::Now(op) | Act::Late(_, op)) = act;
        self.0.is_read(op)
    }

    fn heap_bytes(&self, place: &Self::State) -> usize {
        self.0.heap_bytes(&place.state) + size_of_val(&*place.left)
    }
}

/// Where an object may be.
pub(super) struct Starts<M: Model> {
    places: Vec<Place<M::State>>,
    /// The operation of each class.
    late: Vec<M::Op>,
}

/// What is known after a window.
pub(super) enum After<M: Model> {
    /// It may be at these places.
    Starts(Starts<M>),
    /// It cannot have been so.
    Impossible,
    /// There are too many places, or bounds were passed.
    Open,
}

impl<M: Model> Starts<M> {
    /// The beginning of a history.
    pub(super) fn new(model: &M) -> Self {
        Self {
            places: vec![Tracked(model).initial()],
            late: Vec::new(),
        }
    }

    /// Whether it is the beginning of a history: the initial state, and nothing is left over.
    pub(super) fn is_initial(&self, model: &M) -> bool {
        self.late.is_empty() && self.places == [Tracked(model).initial()]
    }

    /// What the states hold outside themselves, in bytes.
    pub(super) fn heap(&self, model: &M) -> usize {
        let model = Tracked(model);
        self.places
            .iter()
            .map(|place| model.heap_bytes(place))
            .sum()
    }

    /// Whether the calls of a window have an order from here.
    pub(super) fn decide(&self, model: &M, calls: &[Call<M::Op>], limits: &Limits<'_>) -> Answer {
        let mut acts = self.carried();
        acts.extend(
            calls
                .iter()
                .map(|call| act(call, Act::Now(call.op.clone()))),
        );
        Search::decide_from(&Tracked(model), &self.places, &acts, limits).0
    }

    /// Where the object may be after the calls of a window, of which none runs any more. Those that need not
    /// have happened are left over.
    pub(super) fn after(&self, model: &M, calls: &[Call<M::Op>], limits: &Limits<'_>) -> After<M> {
        let mut acts = self.carried();
        let mut fresh: Vec<(M::Op, u32)> = Vec::new();
        for call in calls {
            if call.must {
                acts.push(act(call, Act::Now(call.op.clone())));
            } else if !model.is_read(&call.op) {
                let class = fresh.iter().position(|(op, _)| *op == call.op);
                let class = class.unwrap_or_else(|| {
                    fresh.push((call.op.clone(), 0));
                    fresh.len() - 1
                });
                fresh[class].1 += 1;
                let class = self.late.len() + class;
                acts.push(act(call, Act::Late(class, call.op.clone())));
            }
        }
        if self.ways(&fresh) > MOST_WAYS {
            return After::Open;
        }
        let more: Vec<u32> = fresh.iter().map(|(_, count)| *count).collect();
        let begin = |place: &Place<M::State>| Place {
            state: place.state.clone(),
            left: [&place.left, &more[..]].concat().into(),
        };
        let places: Vec<_> = self.places.iter().map(begin).collect();
        match Search::finals(&Tracked(model), &places, &acts, limits) {
            None => After::Open,
            Some(finals) if finals.is_empty() => After::Impossible,
            Some(finals) => self.merged(finals, fresh),
        }
    }

    /// The operations that are left over from before the window.
    fn carried(&self) -> Vec<Call<Act<M::Op>>> {
        let mut acts = Vec::new();
        for (class, op) in self.late.iter().enumerate() {
            for _ in 0..self.most_left(class) {
                acts.push(Call {
                    op: Act::Late(class, op.clone()),
                    invoked: 0,
                    completed: NEVER,
                    must: false,
                    operation: 0,
                });
            }
        }
        acts
    }

    fn most_left(&self, class: usize) -> u32 {
        let left = self.places.iter().map(|place| place.left[class]);
        left.max().unwrap_or(0)
    }

    /// In how many ways operations may have been used up at the end of a window.
    fn ways(&self, fresh: &[(M::Op, u32)]) -> usize {
        let old = (0..self.late.len()).map(|class| self.most_left(class));
        let new = fresh.iter().map(|(_, count)| *count);
        old.chain(new).fold(1, |ways: usize, count| {
            ways.saturating_mul(count as usize + 1)
        })
    }

    /// Puts equal operations into one class again, and keeps the places that no other makes needless.
    fn merged(&self, finals: Vec<Place<M::State>>, fresh: Vec<(M::Op, u32)>) -> After<M> {
        let mut late = self.late.clone();
        let mut into: Vec<usize> = (0..late.len()).collect();
        for (op, _) in fresh {
            let class = late.iter().position(|known| *known == op);
            into.push(class.unwrap_or(late.len()));
            if class.is_none() {
                late.push(op);
            }
        }
        let mut places: Vec<Place<M::State>> = Vec::new();
        for place in finals {
            let mut left = vec![0; late.len()];
            for (class, count) in into.iter().zip(&place.left) {
                left[*class] += count;
            }
            let place = Place {
                state: place.state,
                left: left.into(),
            };
            if !places.iter().any(|other| covers(other, &place)) {
                places.retain(|other| !covers(&place, other));
                places.push(place);
            }
            if places.len() > MOST_PLACES {
                return After::Open;
            }
        }
        let mut starts = Self { places, late };
        starts.forget_used();
        After::Starts(starts)
    }

    /// Forgets the classes of which nothing is left.
    fn forget_used(&mut self) {
        let kept: Vec<bool> = (0..self.late.len())
            .map(|class| self.most_left(class) > 0)
            .collect();
        let mut class = 0;
        self.late.retain(|_| {
            class += 1;
            kept[class - 1]
        });
        for place in &mut self.places {
            let left = place.left.iter().zip(&kept).filter(|(_, kept)| **kept);
            place.left = left.map(|(left, _)| *left).collect();
        }
    }
}

/// Whether whatever can happen at `b` can happen at `a`.
fn covers<S: Eq>(a: &Place<S>, b: &Place<S>) -> bool {
    a.state == b.state && a.left.iter().zip(&b.left).all(|(a, b)| a >= b)
}

fn act<O>(call: &Call<O>, op: Act<O>) -> Call<Act<O>> {
    Call {
        op,
        invoked: call.invoked,
        completed: call.completed,
        must: call.must,
        operation: call.operation,
    }
}
