//! Sessions: which requests took effect lately, and what they were answered.
//!
//! This is the filter of duplicates that a client of Raft needs because its retry may follow an attempt that
//! was committed without the answer arriving (Ongaro & Ousterhout 2014, section 8; Ongaro 2014, section 6.3),
//! with one session an operation instead of one a client, so that there is nothing to register or renew.
//!
//! An answer is kept for [`RETENTION_NS`] of the log's time since the request was applied last: a retry that
//! is answered from here begins the time anew, so that a client that goes on retrying is never forgotten
//! between two of its attempts. An entry whose age is exactly the retention is still there; one nanosecond
//! later it is not. What is forgotten depends on the log alone, never on when a replica looks, or all replicas
//! would not agree on what a late retry does.
//!
//! Answers lie in a [`Ring`] in the order of time, the oldest first, so that forgetting is counting off. Beside it is
//! an index by key, which nothing iterates and which a clone does without until it is asked: most clones are
//! snapshots and never are.
//!
//! Deliberately absent: the commands themselves. A fingerprint of 64 bits tells a retry from a key that was
//! used for another command.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Response;
use super::ring::Ring;

/// For how long of the log's time an answer is kept after the last application of its request: 300 s.
pub const RETENTION_NS: u64 = 300_000_000_000;

/// The answers of late.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    now_ns: u64,
    kept: Ring<Session>,
    /// How many of `kept` are the last ones of their key.
    count: usize,
    index: Index,
}

/// One application of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Session {
    key: Arc<str>,
    applied_ns: u64,
    fingerprint: u64,
    answer: Response,
    /// Whether the request was applied again later; then this is as good as forgotten.
    is_renewed: bool,
}

/// Where in the ring the last application of a key is; `None` until somebody asks.
#[derive(Debug, Default)]
struct Index(Option<FxHashMap<Arc<str>, u64>>);

/// What the sessions know about a request.
#[derive(Debug)]
pub(super) enum Known {
    /// Nothing: it is to be applied, and its answer to be handed to [`Sessions::keep`].
    New,
    /// It was applied and answered thus.
    Answered(Response),
    /// Its key belongs to another command.
    Otherwise,
}

impl Sessions {
    /// Moves the log's time on, never back, and forgets what is too old.
    pub(super) fn advance(&mut self, at_ns: u64) {
        self.now_ns = self.now_ns.max(at_ns);
        while let Some(oldest) = self.kept.get(self.kept.first())
            && self.now_ns - oldest.applied_ns > RETENTION_NS
        {
            if !oldest.is_renewed {
                self.count -= 1;
                self.index.forget(&oldest.key);
            }
            self.kept.pop();
        }
    }

    /// Looks a request up; if it is a retry, its time begins anew.
    pub(super) fn recall(&mut self, key: &str, fingerprint: u64) -> Known {
        let Some(number) = self.index.find(key, &self.kept) else {
            return Known::New;
        };
        let Some(session) = self.kept.get(number) else {
            return Known::New;
        };
        if session.fingerprint != fingerprint {
            return Known::Otherwise;
        }
        let answer = session.answer.clone();
        if session.applied_ns != self.now_ns {
            self.renew(number);
        }
        Known::Answered(answer)
    }

    fn renew(&mut self, number: u64) {
        if let Some(session) = self.kept.edit(number) {
            let mut again = session.clone();
            session.is_renewed = true;
            again.applied_ns = self.now_ns;
            self.push(again);
        }
    }

    /// Keeps the answer of a request that was new and has been applied just now.
    pub(super) fn keep(&mut self, key: &str, fingerprint: u64, answer: Response) {
        self.count += 1;
        self.push(Session {
            key: Arc::from(key),
            applied_ns: self.now_ns,
            fingerprint,
            answer,
            is_renewed: false,
        });
    }

    fn push(&mut self, session: Session) {
        self.index.note(&session.key, self.kept.end());
        self.kept.push(session);
    }

    /// How many answers are kept.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// What is kept, oldest first.
    fn iter(&self) -> impl Iterator<Item = &Session> {
        let all = self.kept.iter().map(|(_, session)| session);
        all.filter(|session| !session.is_renewed)
    }
}

impl Index {
    /// Where this key is, after building the index if there is none.
    fn find(&mut self, key: &str, kept: &Ring<Session>) -> Option<u64> {
        let index = self.0.get_or_insert_with(|| {
            let last = kept.iter().filter(|(_, session)| !session.is_renewed);
            last.map(|(number, session)| (Arc::clone(&session.key), number))
                .collect()
        });
        index.get(key).copied()
    }

    fn note(&mut self, key: &Arc<str>, number: u64) {
        if let Some(index) = &mut self.0 {
            index.insert(Arc::clone(key), number);
        }
    }

    fn forget(&mut self, key: &str) {
        if let Some(index) = &mut self.0 {
            index.remove(key);
        }
    }
}

/// A clone has no index until it needs one.
impl Clone for Index {
    fn clone(&self) -> Self {
        Self(None)
    }
}

/// Two are equal when they keep the same: then they will answer all requests equally.
impl PartialEq for Sessions {
    fn eq(&self, other: &Self) -> bool {
        self.now_ns == other.now_ns && self.count == other.count && self.iter().eq(other.iter())
    }
}

impl Eq for Sessions {}

impl Hash for Sessions {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.now_ns, self.count).hash(state);
        for session in self.iter() {
            session.hash(state);
        }
    }
}

/// What is written of [`Sessions`].
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    now_ns: u64,
    /// Key, time, fingerprint and answer, oldest first.
    kept: Vec<(Cow<'a, str>, u64, u64, Cow<'a, Response>)>,
}

impl Serialize for Sessions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kept = self.iter().map(|it| {
            let (key, answer) = (Cow::Borrowed(&*it.key), Cow::Borrowed(&it.answer));
            (key, it.applied_ns, it.fingerprint, answer)
        });
        let written = Written {
            now_ns: self.now_ns,
            kept: kept.collect(),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sessions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let mut sessions = Self::default();
        for (key, applied_ns, fingerprint, answer) in written.kept {
            if applied_ns < sessions.now_ns {
                return Err(D::Error::custom("sessions are not in the order of time"));
            }
            sessions.now_ns = applied_ns;
            if sessions.index.find(&key, &sessions.kept).is_some() {
                return Err(D::Error::custom("an idempotency key comes twice"));
            }
            sessions.keep(&key, fingerprint, answer.into_owned());
        }
        if written.now_ns < sessions.now_ns {
            return Err(D::Error::custom("a session is from the future"));
        }
        sessions.now_ns = written.now_ns;
        Ok(sessions)
    }
}

#[cfg(test)]
mod tests {
    use super::{FxHashMap, Known, RETENTION_NS, Response, Sessions};

    #[test]
    fn the_index_forgets_as_well() {
        let mut sessions = Sessions::default();
        for number in 0..1_000 {
            sessions.advance(number * RETENTION_NS / 10);
            let key = number.to_string();
            assert!(matches!(sessions.recall(&key, 0), Known::New));
            sessions.keep(&key, 0, Response::Done);
            sessions.recall("again", 0);
        }
        let indexed = sessions.index.0.as_ref().map(FxHashMap::len);
        assert_eq!(indexed, Some(sessions.len()));
        assert_eq!(sessions.len(), 11);
    }
}
