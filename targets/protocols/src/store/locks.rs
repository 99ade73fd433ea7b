//! Locks with fencing tokens.
//!
//! A token is greater than every one that this store gave before, for whichever lock: who guards a resource
//! by refusing smaller tokens needs no more than that. Locks are not reentrant, since a second acquisition by
//! the same owner would otherwise be answered with a token that no release gives back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shared::{Shared, pairs};
use super::{Datum, Response, refused};

/// All locks that are held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Locks {
    last_token: i64,
    #[serde(with = "pairs")]
    held: Shared<BTreeMap<Datum, Holder>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Holder {
    owner: Datum,
    token: i64,
}

impl Locks {
    pub(super) fn acquire(&mut self, key: &Datum, owner: &Datum) -> Response {
        match self.held.get(key) {
            Some(holder) if holder.owner == *owner => {
                return refused("the owner holds the lock already");
            }
            Some(_) => return refused("somebody else holds the lock"),
            None => {}
        }
        let Some(token) = self.last_token.checked_add(1) else {
            return refused("there are no tokens left");
        };
        self.last_token = token;
        let owner = owner.clone();
        self.held
            .edit()
            .insert(key.clone(), Holder { owner, token });
        Response::Token(token)
    }

    pub(super) fn release(&mut self, key: &Datum, token: i64) -> Response {
        match self.held.get(key) {
            None => refused("nobody holds the lock"),
            Some(holder) if holder.token != token => refused("the lock is held with another token"),
            Some(_) => {
                self.held.edit().remove(key);
                Response::Done
            }
        }
    }
}
