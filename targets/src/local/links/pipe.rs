//! The frames that are under way on one connection, and in which order they come out.

use std::collections::VecDeque;

use super::rules::{Manner, Rules};

/// A frame that is held back and that not enough others overtake goes on after this long.
pub(super) const HOLD_NS: u64 = 20_000_000;

/// What is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// The connection to the receiver is to be made.
    Hello,
    /// A frame, whole.
    Frame(Vec<u8>),
    /// The receiver's side is to be shut.
    Shut,
}

#[derive(Debug)]
struct Flight {
    load: Load,
    /// Its place among all.
    order: u64,
    arrived_ns: u64,
    due_ns: u64,
}

/// Something that leaves its place.
#[derive(Debug)]
struct Held {
    flight: Flight,
    until_ns: u64,
    /// How many are still to overtake it; nobody counts for a second copy.
    left: Option<u32>,
}

/// The frames under way.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    line: VecDeque<Flight>,
    held: Vec<Held>,
    next: u64,
    bytes: usize,
    frames: u64,
    version: u64,
}

/// What came out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) bytes: Vec<u8>,
    /// How many frames they are.
    pub(super) frames: u64,
    /// The connection to the receiver is to be made, whether or not there are bytes.
    pub(super) hello: bool,
    /// The receiver's side is to be shut after them.
    pub(super) shut: bool,
    /// Frames that a cut swallowed.
    pub(super) blocked: u64,
    /// Frames that overtook another.
    pub(super) reordered: u64,
}

impl Pipe {
    /// How many bytes are under way.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many frames are.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Whether nothing is.
    pub(super) fn is_empty(&self) -> bool {
        self.line.is_empty() && self.held.is_empty()
    }

    /// Takes a load in. Rules that have changed are to be [`Pipe::follow`]ed first.
    pub(super) fn put(&mut self, now_ns: u64, load: Load, manner: Manner) {
        let before_ns = self.line.back().map_or(0, |last| last.due_ns);
        let due_ns = now_ns.saturating_add(manner.late_ns).max(before_ns);
        let flight = |load, order, due_ns| Flight {
            load,
            order,
            arrived_ns: now_ns,
            due_ns,
        };
        if let Load::Frame(bytes) = &load {
            let copies = 1 + usize::from(manner.copy_ns.is_some());
            self.frames += copies as u64;
            self.bytes += copies * bytes.len();
        }
        let first = flight(load, self.next, due_ns);
        // A copy never comes before what it is a copy of.
        let latest_ns = match manner.held_for {
            None => due_ns,
            Some(_) => due_ns.saturating_add(HOLD_NS),
        };
        if let Some(copy_ns) = manner.copy_ns {
            self.held.push(Held {
                flight: flight(first.load.clone(), self.next + 1, due_ns),
                until_ns: latest_ns.saturating_add(copy_ns),
                left: None,
            });
        }
        match manner.held_for {
            None => self.line.push_back(first),
            Some(left) => self.held.push(Held {
                flight: first,
                until_ns: latest_ns,
                left: Some(left),
            }),
        }
        self.next += 2;
        if manner.is_last {
            let shut = flight(Load::Shut, self.next, due_ns);
            self.line.push_back(shut);
            self.next += 2;
        }
    }

    /// Where the shape has changed, nobody is later than it makes them, and who was held back takes its place again.
    pub(super) fn follow(&mut self, rules: &Rules) {
        if self.version == rules.version() {
            return;
        }
        self.version = rules.version();
        let shape = rules.shape();
        let most_ns = shape.delay_ns.saturating_add(shape.jitter_ns);
        let held = self.held.drain(..).map(|held| held.flight);
        let mut all: Vec<Flight> = self.line.drain(..).chain(held).collect();
        all.sort_by_key(|flight| flight.order);
        let mut before_ns = 0;
        for mut flight in all {
            let due_ns = flight.due_ns.min(flight.arrived_ns.saturating_add(most_ns));
            flight.due_ns = due_ns.max(before_ns);
            before_ns = flight.due_ns;
            self.line.push_back(flight);
        }
    }

    /// Takes out what is due, until there are so many bytes; one frame in any case. What comes out on a cut link is gone.
    pub(super) fn take(&mut self, now_ns: u64, is_cut: bool, most: usize) -> Taken {
        let mut taken = Taken::default();
        while !taken.shut && (taken.bytes.is_empty() || taken.bytes.len() < most) {
            let Some(flight) = self.next_due(now_ns, &mut taken.reordered) else {
                break;
            };
            match flight.load {
                Load::Hello => taken.hello |= !is_cut,
                Load::Shut => taken.shut = true,
                Load::Frame(bytes) => {
                    self.bytes -= bytes.len();
                    self.frames -= 1;
                    if is_cut {
                        taken.blocked += 1;
                    } else if taken.bytes.is_empty() {
                        taken.bytes = bytes;
                        taken.frames = 1;
                    } else {
                        taken.bytes.extend_from_slice(&bytes);
                        taken.frames += 1;
                    }
                }
            }
        }
        taken
    }

    fn next_due(&mut self, now_ns: u64, reordered: &mut u64) -> Option<Flight> {
        let due = self.line.front().filter(|first| first.due_ns <= now_ns);
        let due = due.map(|first| first.order);
        let ready = self.held.iter().enumerate();
        let ready = ready.filter(|(_, held)| held.until_ns <= now_ns || held.left == Some(0));
        let ready = ready.min_by_key(|(_, held)| held.flight.order);
        if let Some((place, held)) = ready
            && due.is_none_or(|order| held.flight.order < order)
        {
            return Some(self.held.swap_remove(place).flight);
        }
        due?;
        let flight = self.line.pop_front()?;
        if matches!(flight.load, Load::Frame(_)) {
            let mut overtakes = false;
            for held in &mut self.held {
                if let Some(left) = &mut held.left
                    && held.flight.order < flight.order
                {
                    *left -= 1;
                    overtakes = true;
                }
            }
            *reordered += u64::from(overtakes);
        }
        Some(flight)
    }

    /// When something is due.
    pub(super) fn next_ns(&self) -> Option<u64> {
        let line = self.line.front().map(|flight| flight.due_ns);
        let held = self.held.iter().map(|held| match held.left {
            Some(0) => 0,
            _ => held.until_ns,
        });
        line.into_iter().chain(held).min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::LinkShape;

    fn rules() -> Rules {
        Rules::new(1, 0, 1, None)
    }

    fn frame(number: u8) -> Load {
        Load::Frame(vec![number])
    }

    #[derive(Clone, Debug)]
    enum Act {
        Put(Manner),
        Wait(u64),
        Shape(LinkShape),
    }

    fn act(held: bool) -> impl Strategy<Value = Act> {
        let held_for = if held { 1..5_u32 } else { 0..1 };
        let manner = (0..50_u64, held_for).prop_map(|(late_ns, held_for)| Manner {
            late_ns,
            held_for: (held_for > 0).then_some(held_for),
            ..Manner::default()
        });
        let shape = (0..50_u64, 0..50_u64).prop_map(|(delay_ns, jitter_ns)| LinkShape {
            delay_ns,
            jitter_ns,
            ..LinkShape::default()
        });
        prop_oneof![
            4 => manner.prop_map(Act::Put),
            2 => (0..40_u64).prop_map(Act::Wait),
            1 => shape.prop_map(Act::Shape),
        ]
    }

    /// What comes out, with the time at which it does.
    fn play(acts: &[Act]) -> (Vec<u8>, u64) {
        let (mut rules, mut pipe) = (rules(), Pipe::default());
        let (mut out, mut now_ns, mut number) = (Vec::new(), 0, 0);
        for act in acts {
            match act {
                Act::Put(manner) => {
                    pipe.follow(&rules);
                    pipe.put(now_ns, frame(number), *manner);
                    number += 1;
                }
                Act::Wait(ns) => {
                    now_ns += ns;
                    pipe.follow(&rules);
                    out.extend(pipe.take(now_ns, false, 1000).bytes);
                }
                Act::Shape(shape) => rules.set_shape(*shape),
            }
        }
        pipe.follow(&rules);
        while let Some(next_ns) = pipe.next_ns() {
            now_ns = now_ns.max(next_ns);
            out.extend(pipe.take(now_ns, false, 1000).bytes);
        }
        assert!(pipe.is_empty());
        assert_eq!((pipe.bytes(), pipe.frames()), (0, 0));
        (out, now_ns)
    }

    proptest! {
        #[test]
        fn the_order_is_kept_whatever_the_delays_and_however_they_change(
            acts in prop::collection::vec(act(false), 0..60),
        ) {
            let (out, _) = play(&acts);
            let all = acts.iter().filter(|act| matches!(act, Act::Put(_))).count() as u8;
            prop_assert_eq!(out, (0..all).collect::<Vec<_>>());
        }

        #[test]
        fn everything_comes_out_once_where_some_is_held_back(
            acts in prop::collection::vec(act(true), 0..60),
        ) {
            let (mut out, now_ns) = play(&acts);
            let all = acts.iter().filter(|act| matches!(act, Act::Put(_))).count() as u8;
            out.sort_unstable();
            prop_assert_eq!(out, (0..all).collect::<Vec<_>>());
            prop_assert!(now_ns < 60 * 40 + HOLD_NS + 200);
        }
    }

    #[test]
    fn a_frame_that_is_held_back_lets_as_many_pass_as_are_meant() {
        let mut pipe = Pipe::default();
        let held = Manner {
            held_for: Some(2),
            ..Manner::default()
        };
        pipe.put(0, frame(0), held);
        for number in 1..5 {
            pipe.put(0, frame(number), Manner::default());
        }
        let taken = pipe.take(0, false, 1000);
        assert_eq!(taken.bytes, [1, 2, 0, 3, 4]);
        assert_eq!((taken.reordered, taken.frames), (2, 5));
        // Nobody overtakes it: it goes after a while.
        pipe.put(0, frame(9), held);
        assert_eq!(pipe.take(HOLD_NS - 1, false, 1000), Taken::default());
        assert_eq!(pipe.next_ns(), Some(HOLD_NS));
        assert_eq!(pipe.take(HOLD_NS, false, 1000).bytes, [9]);
    }

    #[test]
    fn a_copy_comes_later_and_overtakes_nobody() {
        let mut pipe = Pipe::default();
        let twice = Manner {
            copy_ns: Some(10),
            ..Manner::default()
        };
        pipe.put(0, frame(0), twice);
        pipe.put(0, frame(1), Manner::default());
        assert_eq!(pipe.take(0, false, 1000).bytes, [0, 1]);
        assert_eq!(pipe.next_ns(), Some(10));
        let taken = pipe.take(10, false, 1000);
        assert_eq!((taken.bytes, taken.reordered), (vec![0], 0));
        // Not even when both are overdue, or when the first is held back.
        pipe.put(20, frame(0), twice);
        pipe.put(20, frame(1), Manner::default());
        assert_eq!(pipe.take(40, false, 1000).bytes, [0, 0, 1]);
        let held = Manner {
            held_for: Some(9),
            ..twice
        };
        pipe.put(50, frame(0), held);
        assert_eq!(pipe.take(49 + HOLD_NS, false, 1000).frames, 0);
        assert_eq!(pipe.take(50 + HOLD_NS, false, 1000).bytes, [0]);
        assert_eq!(pipe.take(60 + HOLD_NS, false, 1000).bytes, [0]);
    }

    #[test]
    fn who_was_held_back_takes_its_place_again_when_the_shape_changes() {
        let (mut rules, mut pipe) = (rules(), Pipe::default());
        let late = Manner {
            late_ns: 3_600_000_000_000,
            held_for: None,
            ..Manner::default()
        };
        let held = Manner {
            held_for: Some(1),
            ..late
        };
        pipe.put(0, frame(0), held);
        pipe.put(1, frame(1), late);
        assert_eq!(pipe.take(1_000_000_000, false, 1000), Taken::default());
        rules.set_shape(LinkShape::default());
        pipe.follow(&rules);
        pipe.put(2, frame(2), Manner::default());
        assert_eq!(pipe.take(2, false, 1000).bytes, [0, 1, 2]);
    }

    #[test]
    fn what_comes_out_of_a_cut_link_is_gone_and_counted() {
        let mut pipe = Pipe::default();
        pipe.put(0, Load::Hello, Manner::default());
        pipe.put(0, frame(0), Manner::default());
        let taken = pipe.take(0, true, 1000);
        assert_eq!((taken.hello, taken.blocked, taken.frames), (false, 1, 0));
        assert!(pipe.is_empty() && taken.bytes.is_empty());
    }

    #[test]
    fn no_more_is_taken_than_is_asked_for_and_nothing_after_the_end() {
        let mut pipe = Pipe::default();
        for number in 0..3 {
            pipe.put(0, Load::Frame(vec![number; 10]), Manner::default());
        }
        assert_eq!(pipe.take(0, false, 1).bytes, [0; 10]);
        assert_eq!(pipe.take(0, false, 11).frames, 2);
        let last = Manner {
            is_last: true,
            ..Manner::default()
        };
        pipe.put(0, frame(5), last);
        pipe.put(0, frame(6), Manner::default());
        let taken = pipe.take(0, false, 1000);
        assert_eq!((taken.bytes, taken.shut), (vec![5], true));
    }
}
