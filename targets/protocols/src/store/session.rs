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
//! Deliberately absent: the commands themselves. A fingerprint of 64 bits tells a retry from a key that was
//! used for another command.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Response;
use super::fingerprint::fingerprint;
use super::shared::Shared;

/// For how long of the log's time an answer is kept after the last application of its request: 300 s.
pub const RETENTION_NS: u64 = 300_000_000_000;

/// The answers of late.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    now_ns: u64,
    kept: Shared<BTreeMap<Name, Session>>,
    /// When which name was applied, oldest first. Entries of sessions that were applied again since are
    /// skipped when their time comes.
    ages: Shared<VecDeque<(u64, Name)>>,
}

/// An idempotency key behind a hash of it, so that most comparisons look at one word.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    hash: u64,
    text: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    applied_ns: u64,
    fingerprint: u64,
    answer: Response,
}

/// What the sessions know about a request.
#[derive(Debug)]
pub(super) enum Known {
    /// Nothing: it is to be applied, and its answer to be handed to [`Sessions::keep`].
    New(Ticket),
    /// It was applied and answered thus.
    Answered(Response),
    /// Its key belongs to another command.
    Otherwise,
}

/// What is kept of a request while it is being applied.
#[derive(Debug)]
pub(super) struct Ticket {
    name: Name,
    fingerprint: u64,
}

impl Sessions {
    /// Moves the log's time on, never back, and forgets what is too old.
    pub(super) fn advance(&mut self, at_ns: u64) {
        self.now_ns = self.now_ns.max(at_ns);
        while self.ages.front().is_some_and(|(at, _)| self.is_old(*at)) {
            let Some((at, name)) = self.ages.edit().pop_front() else {
                break;
            };
            if self.kept.get(&name).is_some_and(|it| it.applied_ns == at) {
                self.kept.edit().remove(&name);
            }
        }
    }

    fn is_old(&self, applied_ns: u64) -> bool {
        self.now_ns - applied_ns > RETENTION_NS
    }

    /// Looks a request up; if it is a retry, its time begins anew.
    pub(super) fn recall(&mut self, key: &str, fingerprint: u64) -> Known {
        let name = Name::new(key);
        let Some(session) = self.kept.get(&name) else {
            return Known::New(Ticket { name, fingerprint });
        };
        if session.fingerprint != fingerprint {
            return Known::Otherwise;
        }
        let answer = session.answer.clone();
        if session.applied_ns != self.now_ns {
            self.renew(name);
        }
        Known::Answered(answer)
    }

    fn renew(&mut self, name: Name) {
        if let Some(session) = self.kept.edit().get_mut(&name) {
            session.applied_ns = self.now_ns;
            self.ages.edit().push_back((self.now_ns, name));
        }
    }

    /// Keeps the answer of a request that was applied just now.
    pub(super) fn keep(&mut self, ticket: Ticket, answer: Response) {
        let session = Session {
            applied_ns: self.now_ns,
            fingerprint: ticket.fingerprint,
            answer,
        };
        self.ages
            .edit()
            .push_back((self.now_ns, ticket.name.clone()));
        self.kept.edit().insert(ticket.name, session);
    }

    /// How many answers are kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }
}

impl Name {
    fn new(text: &str) -> Self {
        Self {
            hash: fingerprint(text),
            text: Arc::from(text),
        }
    }
}

/// Two are equal when they will answer all requests equally. How they came to be, which shows in the entries of
/// `ages` that are to be skipped, is no part of that.
impl PartialEq for Sessions {
    fn eq(&self, other: &Self) -> bool {
        self.now_ns == other.now_ns && self.kept == other.kept
    }
}

impl Eq for Sessions {}

/// What is written of [`Sessions`].
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    now_ns: u64,
    /// Key, time, fingerprint and answer, ascending by time and then by key.
    kept: Vec<(
        std::borrow::Cow<'a, str>,
        u64,
        u64,
        std::borrow::Cow<'a, Response>,
    )>,
}

impl Serialize for Sessions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use std::borrow::Cow::Borrowed;
        let mut kept: Vec<_> = self
            .kept
            .iter()
            .map(|(name, it)| {
                let answer = Borrowed(&it.answer);
                (Borrowed(&*name.text), it.applied_ns, it.fingerprint, answer)
            })
            .collect();
        kept.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        let now_ns = self.now_ns;
        Written { now_ns, kept }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sessions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut written = Written::deserialize(deserializer)?;
        written.kept.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        let mut sessions = Self {
            now_ns: written.now_ns,
            ..Self::default()
        };
        let (kept, ages) = (sessions.kept.edit(), sessions.ages.edit());
        for (key, applied_ns, fingerprint, answer) in written.kept {
            if applied_ns > written.now_ns {
                return Err(D::Error::custom("a session from the future"));
            }
            let name = Name::new(&key);
            ages.push_back((applied_ns, name.clone()));
            let session = Session {
                applied_ns,
                fingerprint,
                answer: answer.into_owned(),
            };
            if kept.insert(name, session).is_some() {
                return Err(D::Error::custom("an idempotency key comes twice"));
            }
        }
        Ok(sessions)
    }
}
