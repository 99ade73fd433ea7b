//! The last commits, and what the registers held before each: enough to answer what an earlier state held.
//!
//! Nothing but the isolation bugs of [`super::weak`] looks back, and only under one of them is anything noted here.
//! What is noted is part of the replicated state, because whether a transaction commits may hang on it, and all
//! replicas must agree on that. It is bounded: whoever would look back further than [`KEPT`] commits is refused.
//!
//! Deliberately absent: versions by key. A log of what was overwritten answers the same with one short walk, and
//! forgetting is counting off.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::registers::Registers;
use super::{Datum, Micro};

/// How many commits are kept.
const KEPT: usize = 256;

/// The last commits, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Past {
    /// The index of the latest commit that is no longer kept.
    forgotten: u64,
    commits: VecDeque<Commit>,
}

/// What one request did to the registers, or tried to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Commit {
    /// Where in the log it stands.
    pub(super) index: u64,
    /// Whose request it was.
    pub(super) session: u64,
    /// The keys that it wrote, each with what it held before. Empty where it was undone.
    pub(super) before: Vec<(Datum, Datum)>,
    /// The writes that were seen of it before it was over.
    pub(super) seen_early: Vec<Micro>,
}

/// Which commits a transaction sees: those up to an index, and of the other site only those that have travelled
/// for so many entries of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The index of the last commit that it can see.
    pub(super) until: u64,
    /// How many entries later the commits of the other site are seen, and which session looks; `None` where there is
    /// one site.
    pub(super) apart: Option<(u64, u64)>,
}

impl View {
    /// All commits up to this index.
    pub(super) fn until(until: u64) -> Self {
        Self { until, apart: None }
    }

    /// The earliest index such that what came later may be unseen.
    pub(super) fn oldest(&self) -> u64 {
        let delay = self.apart.map_or(0, |(delay, _)| delay);
        self.until.saturating_sub(delay)
    }

    fn sees(&self, commit: &Commit) -> bool {
        let delay = match self.apart {
            Some((delay, session)) if session % 2 != commit.session % 2 => delay,
            _ => 0,
        };
        commit.index + delay <= self.until
    }
}

impl Past {
    pub(super) fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// Whether all commits after this index are kept.
    pub(super) fn reaches(&self, index: u64) -> bool {
        index >= self.forgotten
    }

    /// The index up to which it is forgotten what was overwritten.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(super) fn note(&mut self, commit: Commit) {
        self.commits.push_back(commit);
        while self.commits.len() > KEPT
            && let Some(oldest) = self.commits.pop_front()
        {
            self.forgotten = oldest.index;
        }
    }

    /// What a key holds for whoever sees these commits. The commits that wrote the key and are seen must all come before
    /// those that are not.
    pub(super) fn value(&self, key: &Datum, view: &View, now: &Registers) -> Datum {
        let mut unseen = self.commits.iter().filter(|commit| !view.sees(commit));
        match unseen.find_map(|commit| commit.overwrote(key)) {
            Some(before) => before.clone(),
            None => now.read(key),
        }
    }

    /// Whether one of the keys was written by a commit that is not seen.
    pub(super) fn is_overwritten(&self, keys: &[&Datum], view: &View) -> bool {
        let mut unseen = self.commits.iter().filter(|commit| !view.sees(commit));
        unseen.any(|commit| keys.iter().any(|key| commit.overwrote(key).is_some()))
    }

    /// The first request after this index that wrote or tried to.
    pub(super) fn next_after(&self, index: u64) -> Option<&Commit> {
        self.commits.iter().find(|commit| commit.index > index)
    }

    /// The index of the last commit of a session, as far as it is kept.
    pub(super) fn last_of(&self, session: u64) -> u64 {
        let mut latest = self.commits.iter().rev();
        let own = latest.find(|commit| commit.session == session);
        own.map_or(0, |commit| commit.index)
    }
}

impl Commit {
    /// What a key held before, if this wrote it.
    fn overwrote(&self, key: &Datum) -> Option<&Datum> {
        let entry = self.before.iter().find(|(written, _)| written == key)?;
        Some(&entry.1)
    }
}
