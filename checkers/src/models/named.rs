//! Objects of many kinds as one model, so that all that judges by a model is compiled once for them instead of once for
//! each. That halves the time that a build of this crate takes. A step costs a comparison more, and an operation
//! takes as much room as the largest of all; so the registers, of which histories are longest, stay models of their own.

use std::hash::{Hash, Hasher};

use rupture_history::ValueRef;

use super::{
    Counter, FencedLock, FifoQueue, KvAppend, MultiRegister, Mutex, OwnerMutex, PriorityQueue,
    Semaphore, Set, Stack, UnorderedQueue,
};
use crate::model::{Mismatch, Model, Seen, Values};
use crate::theory::{Theory, View};

macro_rules! named {
    ($($model:ident)+; several outcomes: $($several:ident)+) => {
        /// One of these models.
        pub(crate) enum Named {
            $($model($model),)+
        }

        /// A state of one of them.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) enum NamedState {
            $($model(<$model as Model>::State),)+
        }

        /// An operation of one of them.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) enum NamedOp {
            $($model(<$model as Model>::Op),)+
        }

        /// Which model it is of need not be hashed: no two meet.
        impl Hash for NamedState {
            fn hash<H: Hasher>(&self, hasher: &mut H) {
                match self {
                    $(Self::$model(state) => state.hash(hasher),)+
                }
            }
        }

        impl Hash for NamedOp {
            fn hash<H: Hasher>(&self, hasher: &mut H) {
                match self {
                    $(Self::$model(op) => op.hash(hasher),)+
                }
            }
        }

        $(impl From<$model> for Named {
            fn from(model: $model) -> Self {
                Self::$model(model)
            }
        })+

        /// States and operations are always those of the model itself: it makes all of them. Whatever a model may say
        /// is passed on, which the lint holds.
        #[deny(clippy::missing_trait_methods)]
        impl Model for Named {
            type State = NamedState;
            type Op = NamedOp;

            fn name(&self) -> &str {
                match self {
                    $(Self::$model(model) => model.name(),)+
                }
            }

            fn functions(&self) -> &[&str] {
                match self {
                    $(Self::$model(model) => model.functions(),)+
                }
            }

            fn initial(&self) -> NamedState {
                match self {
                    $(Self::$model(model) => NamedState::$model(model.initial()),)+
                }
            }

            fn decode(
                &self,
                seen: &Seen<'_>,
                values: &mut Values,
            ) -> Result<Option<NamedOp>, Mismatch> {
                Ok(match self {
                    $(Self::$model(model) => model.decode(seen, values)?.map(NamedOp::$model),)+
                })
            }

            fn decode_failed(
                &self,
                seen: &Seen<'_>,
                values: &mut Values,
            ) -> Result<Option<NamedOp>, Mismatch> {
                Ok(match self {
                    $(Self::$model(model) => {
                        model.decode_failed(seen, values)?.map(NamedOp::$model)
                    })+
                })
            }

            fn refuses(&self, f: &str) -> bool {
                match self {
                    $(Self::$model(model) => model.refuses(f),)+
                }
            }

            fn key<'h>(&self, seen: &Seen<'h>) -> Result<Option<ValueRef<'h>>, Mismatch> {
                match self {
                    $(Self::$model(model) => model.key(seen),)+
                }
            }

            fn step(&self, state: &NamedState, op: &NamedOp) -> Option<NamedState> {
                match (self, state, op) {
                    $((Self::$model(model), NamedState::$model(state), NamedOp::$model(op)) => {
                        model.step(state, op).map(NamedState::$model)
                    })+
                    _ => None,
                }
            }

            fn outcomes(&self, state: &NamedState, op: &NamedOp, next: &mut Vec<NamedState>) {
                match (self, state, op) {
                    $((Self::$several(model), NamedState::$several(state), NamedOp::$several(op)) => {
                        let mut states = Vec::new();
                        model.outcomes(state, op, &mut states);
                        next.extend(states.into_iter().map(NamedState::$several));
                    })+
                    _ => next.extend(self.step(state, op)),
                }
            }

            fn is_read(&self, op: &NamedOp) -> bool {
                match (self, op) {
                    $((Self::$model(model), NamedOp::$model(op)) => model.is_read(op),)+
                    _ => false,
                }
            }

            fn idle(&self, ops: &[&NamedOp], must: &[bool]) -> Vec<bool> {
                match self {
                    $(Self::$model(model) => {
                        let own = ops.iter().filter_map(|op| match op {
                            NamedOp::$model(op) => Some(op),
                            _ => None,
                        });
                        model.idle(&own.collect::<Vec<_>>(), must)
                    })+
                }
            }

            fn concerns(&self, op: &NamedOp) -> Option<Vec<u64>> {
                match (self, op) {
                    $((Self::$model(model), NamedOp::$model(op)) => model.concerns(op),)+
                    _ => None,
                }
            }

            fn theory(&self) -> Option<Theory> {
                match self {
                    $(Self::$model(model) => model.theory(),)+
                }
            }

            fn view<'o>(&self, op: &'o NamedOp) -> View<'o> {
                match (self, op) {
                    $((Self::$model(model), NamedOp::$model(op)) => model.view(op),)+
                    _ => View::Other,
                }
            }

            fn restrict(&self, op: &NamedOp, kept: &dyn Fn(u64) -> bool) -> Option<NamedOp> {
                match (self, op) {
                    $((Self::$model(model), NamedOp::$model(op)) => {
                        model.restrict(op, kept).map(NamedOp::$model)
                    })+
                    _ => None,
                }
            }

            fn with_text(&self, op: &NamedOp, text: &str) -> Option<NamedOp> {
                match (self, op) {
                    $((Self::$model(model), NamedOp::$model(op)) => {
                        model.with_text(op, text).map(NamedOp::$model)
                    })+
                    _ => None,
                }
            }

            fn describe(&self, op: &NamedOp, values: &Values) -> String {
                match (self, op) {
                    $((Self::$model(model), NamedOp::$model(op)) => model.describe(op, values),)+
                    _ => String::new(),
                }
            }

            fn describe_state(&self, state: &NamedState, values: &Values) -> String {
                match (self, state) {
                    $((Self::$model(model), NamedState::$model(state)) => {
                        model.describe_state(state, values)
                    })+
                    _ => String::new(),
                }
            }

            fn heap_bytes(&self, state: &NamedState) -> usize {
                match (self, state) {
                    $((Self::$model(model), NamedState::$model(state)) => model.heap_bytes(state),)+
                    _ => 0,
                }
            }
        }
    };
}

named! {
    Counter FencedLock FifoQueue KvAppend MultiRegister Mutex OwnerMutex PriorityQueue
    Semaphore Set Stack UnorderedQueue;
    several outcomes: UnorderedQueue
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Id;
    use crate::models::Held;
    use crate::models::op::{CounterOp, QueueOp};

    #[test]
    fn a_choice_keeps_all_its_outcomes() {
        let held = Held {
            values: vec![Id(1), Id(2)],
            leaking: false,
        };
        let mut own = Vec::new();
        UnorderedQueue.outcomes(&held, &QueueOp::Taken, &mut own);
        let mut next = Vec::new();
        let state = NamedState::UnorderedQueue(held);
        let taken = NamedOp::UnorderedQueue(QueueOp::Taken);
        Named::from(UnorderedQueue).outcomes(&state, &taken, &mut next);
        let own: Vec<NamedState> = own.into_iter().map(NamedState::UnorderedQueue).collect();
        assert_eq!(next.len(), 2);
        assert_eq!(next, own);
    }

    #[test]
    fn a_model_says_of_itself_what_it_says_alone() {
        let named = Named::from(Counter);
        assert_eq!(named.name(), Counter.name());
        assert_eq!(named.functions(), Counter.functions());
        let op = NamedOp::Counter(CounterOp::Add(2));
        let state = named.step(&named.initial(), &op).expect("an addition");
        let values = Values::default();
        assert_eq!(
            named.describe(&op, &values),
            Counter.describe(&CounterOp::Add(2), &values)
        );
        assert_eq!(
            named.describe_state(&state, &values),
            Counter.describe_state(&2, &values)
        );
    }
}
