//! Sets, FIFO queues and counters.
//!
//! An empty set, an empty queue and a counter at zero are not in their tables: nobody can tell them from
//! those that never were.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::shared::{Shared, pairs};
use super::{Datum, Response, refused};

/// All sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Sets {
    #[serde(with = "pairs")]
    members: Shared<BTreeMap<Datum, Shared<BTreeSet<Datum>>>>,
}

impl Sets {
    pub(super) fn add(&mut self, key: &Datum, element: &Datum) -> Response {
        if let Some(set) = self.members.edit().get_mut(key) {
            set.edit().insert(element.clone());
        } else {
            let set = BTreeSet::from([element.clone()]);
            self.members.edit().insert(key.clone(), set.into());
        }
        Response::Done
    }

    pub(super) fn remove(&mut self, key: &Datum, element: &Datum) -> Response {
        if self.contains(key, element) {
            let members = self.members.edit();
            if let Some(set) = members.get_mut(key) {
                set.edit().remove(element);
                if set.is_empty() {
                    members.remove(key);
                }
            }
        }
        Response::Done
    }

    pub(super) fn contains(&self, key: &Datum, element: &Datum) -> bool {
        self.members
            .get(key)
            .is_some_and(|set| set.contains(element))
    }

    pub(super) fn read(&self, key: &Datum) -> Datum {
        let set = self.members.get(key);
        Datum::List(set.map_or_else(Vec::new, |set| set.iter().cloned().collect()))
    }
}

/// All queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Queues {
    #[serde(with = "pairs")]
    waiting: Shared<BTreeMap<Datum, Shared<VecDeque<Datum>>>>,
}

impl Queues {
    pub(super) fn enqueue(&mut self, key: &Datum, element: &Datum) -> Response {
        if let Some(queue) = self.waiting.edit().get_mut(key) {
            queue.edit().push_back(element.clone());
        } else {
            let queue = VecDeque::from([element.clone()]);
            self.waiting.edit().insert(key.clone(), queue.into());
        }
        Response::Done
    }

    /// The head, or `Nil` when there is none.
    pub(super) fn dequeue(&mut self, key: &Datum) -> Response {
        if !self.waiting.contains_key(key) {
            return Response::Value(Datum::Nil);
        }
        let waiting = self.waiting.edit();
        let head = waiting
            .get_mut(key)
            .and_then(|queue| queue.edit().pop_front());
        if waiting.get(key).is_some_and(|queue| queue.is_empty()) {
            waiting.remove(key);
        }
        Response::Value(head.unwrap_or_default())
    }

    /// All that waits, head first.
    pub(super) fn drain(&mut self, key: &Datum) -> Response {
        if !self.waiting.contains_key(key) {
            return Response::Value(Datum::List(Vec::new()));
        }
        let queue = self.waiting.edit().remove(key).unwrap_or_default();
        Response::Value(Datum::List(queue.iter().cloned().collect()))
    }
}

/// All counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Counters {
    #[serde(with = "pairs")]
    sums: Shared<BTreeMap<Datum, i64>>,
}

impl Counters {
    pub(super) fn add(&mut self, key: &Datum, amount: i64) -> Response {
        let Some(sum) = self.read(key).checked_add(amount) else {
            return refused("the counter would overflow");
        };
        let sums = self.sums.edit();
        if sum == 0 {
            sums.remove(key);
        } else if let Some(place) = sums.get_mut(key) {
            *place = sum;
        } else {
            sums.insert(key.clone(), sum);
        }
        Response::Done
    }

    pub(super) fn read(&self, key: &Datum) -> i64 {
        self.sums.get(key).copied().unwrap_or(0)
    }
}
