//! The lives of a set's elements.
//!
//! Reads are gone through backwards, from the one invoked last. An element that every read since some moment
//! saw has its *solid* run at the end; the read before that run is the one invoked last of those that missed it.
//! If any read that missed it began after some moment, that one did: so it alone decides whether the element is
//! lost or stale, and nothing is ever done for an element that a read does not contain. The cost is that of
//! reading the reads.

use rupture_history::{History, ValueRef};

use super::elements::Elements;
use super::object::{Add, Object, Read};
use crate::Budget;

/// An element's life, in numbers of reads (in the order of invocations) and of adds.
#[derive(Clone, Debug)]
pub(super) struct Life {
    /// The first add that did not fail, or else the first; `None` where nobody ever tried.
    pub(super) add: Option<u32>,
    /// The add that was acknowledged first.
    pub(super) acknowledged: Option<u32>,
    /// Of the reads that saw it, the one that completed first.
    pub(super) first_seen: Option<u32>,
    /// Of the reads that saw it, the one that was invoked last.
    pub(super) last_seen: Option<u32>,
    /// The row of the event with which the last of them completed.
    seen_until: Option<u32>,
    /// A read that saw it although it had not begun to be added, or was not added.
    pub(super) unexpected: Option<u32>,
    /// A read that saw it twice.
    pub(super) duplicated: Option<u32>,
    /// All reads from this one on saw it.
    solid: u32,
    /// The read that was gone through when it was last met.
    met: u32,
}

/// What became of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A read saw it that ended after every other had begun that missed it. `missed` is the one invoked last of
    /// those that did not see it although they began after the element was known.
    Stable { missed: Option<u32> },
    /// `missed` did not see it, and began after the element was known and after all reads had ended that saw it.
    Lost { missed: u32 },
    /// Nobody can tell; `acknowledged` elements should have been asked for.
    NeverRead,
    /// Nobody added it.
    NotAdded,
}

/// The lives of all elements of one set, in the order of their first adds; then those that nobody added.
#[derive(Debug)]
pub(super) struct Lives<'a> {
    object: &'a Object,
    elements: Elements,
    pub(super) all: Vec<Life>,
}

impl<'a> Lives<'a> {
    /// `None` when time or memory ran out.
    pub(super) fn of(history: &History, object: &'a Object, budget: &Budget<'_>) -> Option<Self> {
        let mut lives = Self {
            object,
            elements: Elements::default(),
            all: Vec::new(),
        };
        for (number, add) in object.adds.iter().enumerate() {
            lives.add(object.element(history, add), number as u32, add);
        }
        for (number, read) in object.reads.iter().enumerate().rev() {
            if budget.is_over() || lives.bytes() > budget.bytes() {
                return None;
            }
            for element in object.seen(history, read) {
                lives.see(element, number as u32, read);
            }
        }
        Some(lives)
    }

    /// Whether this is the element of that life.
    pub(super) fn is(&self, element: ValueRef<'_>, life: &Life) -> bool {
        let number = self.elements.get(element);
        number.is_some_and(|number| std::ptr::eq(&raw const self.all[number as usize], life))
    }

    fn bytes(&self) -> usize {
        self.all.capacity() * size_of::<Life>() + self.elements.bytes()
    }

    fn life(&mut self, element: ValueRef<'_>) -> &mut Life {
        let number = self.elements.number(element) as usize;
        if number == self.all.len() {
            let reads = self.object.reads.len() as u32;
            self.all.push(Life {
                add: None,
                acknowledged: None,
                first_seen: None,
                last_seen: None,
                unexpected: None,
                duplicated: None,
                solid: reads,
                seen_until: None,
                met: reads,
            });
        }
        &mut self.all[number]
    }

    fn add(&mut self, element: ValueRef<'_>, number: u32, add: &Add) {
        let adds = &self.object.adds;
        let life = self.life(element);
        let failed = |add: u32| adds[add as usize].failed;
        if life.add.is_none_or(|first| failed(first) && !add.failed) {
            life.add = Some(number);
        }
        let sooner = |first: u32| adds[first as usize].acknowledged > add.acknowledged;
        if add.acknowledged.is_some() && life.acknowledged.is_none_or(sooner) {
            life.acknowledged = Some(number);
        }
    }

    fn see(&mut self, element: ValueRef<'_>, number: u32, read: &Read) {
        let (adds, reads) = (&self.object.adds, &self.object.reads);
        let life = self.life(element);
        if life.met == number {
            life.duplicated = Some(number);
            return;
        }
        life.met = number;
        let add = life.add.map(|add| &adds[add as usize]);
        if add.is_none_or(|add| add.failed || read.completed < add.invoked) {
            life.unexpected = Some(number);
            return;
        }
        if life.solid == number + 1 {
            life.solid = number;
        }
        life.last_seen.get_or_insert(number);
        life.seen_until = life.seen_until.max(Some(read.completed));
        let sooner = |first: u32| reads[first as usize].completed > read.completed;
        if life.first_seen.is_none_or(sooner) {
            life.first_seen = Some(number);
        }
    }

    /// The row of the event from which the element was known.
    pub(super) fn known(&self, life: &Life) -> Option<u32> {
        let seen = life
            .first_seen
            .map(|read| self.object.reads[read as usize].completed);
        match (self.acknowledged(life), seen) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// The row of the event that acknowledged it.
    pub(super) fn acknowledged(&self, life: &Life) -> Option<u32> {
        life.acknowledged
            .and_then(|add| self.object.adds[add as usize].acknowledged)
    }

    pub(super) fn fate(&self, life: &Life) -> Fate {
        let add = life.add.map(|add| &self.object.adds[add as usize]);
        if add.is_none_or(|add| add.failed) {
            return Fate::NotAdded;
        }
        let began = |read: u32| self.object.reads[read as usize].invoked;
        let known = self.known(life);
        let missed = life.solid.checked_sub(1);
        let missed = missed.filter(|&read| known.is_some_and(|known| known < began(read)));
        match (life.seen_until, missed) {
            (Some(until), missed) if missed.is_none_or(|read| began(read) < until) => {
                Fate::Stable { missed }
            }
            (_, Some(missed)) => Fate::Lost { missed },
            (_, None) => Fate::NeverRead,
        }
    }
}
