//! Registers, and transactions over them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shared::{Shared, pairs};
use super::{Datum, Micro, Response, refused};

/// All registers. One that holds `Nil` is not in the table: written or not, nobody can tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Registers {
    #[serde(with = "pairs")]
    contents: Shared<BTreeMap<Datum, Datum>>,
}

impl Registers {
    pub(super) fn read(&self, key: &Datum) -> Datum {
        self.contents.get(key).cloned().unwrap_or_default()
    }

    pub(super) fn write(&mut self, key: &Datum, value: &Datum) {
        let contents = self.contents.edit();
        if *value == Datum::Nil {
            contents.remove(key);
        } else if let Some(place) = contents.get_mut(key) {
            place.clone_from(value);
        } else {
            contents.insert(key.clone(), value.clone());
        }
    }

    pub(super) fn cas(&mut self, key: &Datum, old: &Datum, new: &Datum) -> Response {
        if self.contents.get(key).unwrap_or(&Datum::Nil) != old {
            return refused("the register holds another value");
        }
        self.write(key, new);
        Response::Done
    }

    /// Takes all steps in order, or none of them.
    pub(super) fn transact(&mut self, steps: &[Micro]) -> Response {
        if !self.is_possible(steps) {
            return refused("an append to what is not a list");
        }
        Response::Steps(steps.iter().map(|step| self.take(step)).collect())
    }

    /// What a transaction of nothing but reads is answered.
    pub(super) fn read_all(&self, steps: &[Micro]) -> Response {
        let read = |step: &Micro| match step {
            Micro::Read(key) => self.read(key),
            Micro::Write(..) | Micro::Append(..) => Datum::Nil,
        };
        Response::Steps(steps.iter().map(read).collect())
    }

    /// Whether every append will find a list or nothing: the one way in which a step can fail. It is asked
    /// before the first step so that nothing has to be undone.
    pub(super) fn is_possible(&self, steps: &[Micro]) -> bool {
        if !steps.iter().any(|step| matches!(step, Micro::Append(..))) {
            return true;
        }
        let mut written = BTreeMap::new();
        steps.iter().all(|step| match step {
            Micro::Read(_) => true,
            Micro::Write(key, value) => {
                written.insert(key, is_appendable(value));
                true
            }
            Micro::Append(key, _) => *written
                .entry(key)
                .or_insert_with(|| self.contents.get(key).is_none_or(is_appendable)),
        })
    }

    /// Takes one step of a transaction that is possible; the answer is `Nil` but for a read.
    pub(super) fn take(&mut self, step: &Micro) -> Datum {
        match step {
            Micro::Read(key) => return self.read(key),
            Micro::Write(key, value) => self.write(key, value),
            Micro::Append(key, element) => self.append(key, element),
        }
        Datum::Nil
    }

    /// Appends to a list or to nothing; [`Self::is_possible`] has seen that it is one of them.
    fn append(&mut self, key: &Datum, element: &Datum) {
        let contents = self.contents.edit();
        if let Some(Datum::List(list)) = contents.get_mut(key) {
            list.push(element.clone());
        } else {
            contents.insert(key.clone(), Datum::List(vec![element.clone()]));
        }
    }
}

/// The keys that a transaction writes or appends to, each once.
pub(super) fn written_keys(steps: &[Micro]) -> Vec<&Datum> {
    let mut keys = Vec::new();
    for step in steps {
        if let Micro::Write(key, _) | Micro::Append(key, _) = step
            && !keys.contains(&key)
        {
            keys.push(key);
        }
    }
    keys
}

fn is_appendable(value: &Datum) -> bool {
    matches!(value, Datum::Nil | Datum::List(_))
}
