//! The choices that wait to be decided, the most contested first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How much more a contest counts than the one before it.
const GROWTH: f64 = 1.0 / 0.95;
/// Where numbers get too large.
const LARGE: f64 = 1e100;

/// The part of the order, the activity, and the choice.
type Entry = (Reverse<u32>, u64, Reverse<u32>);

/// A queue by parts of the order, then by activity, and by number among equals. A history has many places where the
/// order is hard to see and that have nothing to do with each other: they are looked at one after the other, so that
/// what is learned at one is not spread over all.
#[derive(Debug)]
pub(super) struct Heap {
    /// Activities as they were when they were pushed. Those that are no longer so are passed over.
    queue: BinaryHeap<Entry>,
    /// Which part of the order each choice was about when it was met.
    part: Vec<u32>,
    activity: Vec<f64>,
    waits: Vec<bool>,
    step: f64,
}

impl Heap {
    pub(super) fn new() -> Self {
        Self {
            queue: BinaryHeap::new(),
            part: Vec::new(),
            activity: Vec::new(),
            waits: Vec::new(),
            step: 1.0,
        }
    }

    /// Makes room for so many choices; the new ones wait.
    pub(super) fn grow(&mut self, choices: usize, part: impl Fn(u32) -> u32) {
        for choice in self.activity.len()..choices {
            self.part.push(part(choice as u32));
            self.activity.push(0.0);
            self.waits.push(false);
            self.push(choice as u32);
        }
    }

    /// The choice waits, if it did not.
    pub(super) fn push(&mut self, choice: u32) {
        if !std::mem::replace(&mut self.waits[choice as usize], true) {
            self.enter(choice);
        }
    }

    /// Bits of numbers that are not negative are ordered as the numbers are.
    fn enter(&mut self, choice: u32) {
        let activity = self.activity[choice as usize].to_bits();
        let part = Reverse(self.part[choice as usize]);
        self.queue.push((part, activity, Reverse(choice)));
    }

    /// Takes the most contested choice.
    pub(super) fn pop(&mut self) -> Option<u32> {
        while let Some((_, activity, Reverse(choice))) = self.queue.pop() {
            let now = self.activity[choice as usize].to_bits() == activity;
            if now && std::mem::replace(&mut self.waits[choice as usize], false) {
                return Some(choice);
            }
        }
        None
    }

    /// The choice took part in a contradiction.
    pub(super) fn bump(&mut self, choice: u32) {
        self.activity[choice as usize] += self.step;
        if self.activity[choice as usize] > LARGE {
            self.scale();
        } else if self.waits[choice as usize] {
            self.enter(choice);
        }
    }

    /// What comes counts more than what was.
    pub(super) fn decay(&mut self) {
        self.step *= GROWTH;
    }

    fn scale(&mut self) {
        for activity in &mut self.activity {
            *activity /= LARGE;
        }
        self.step /= LARGE;
        self.queue.clear();
        for choice in 0..self.activity.len() as u32 {
            if self.waits[choice as usize] {
                self.enter(choice);
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.queue.capacity() * size_of::<Entry>() + self.activity.capacity() * 13
    }
}
