//! What happens without end comes to an end, is told, and comes to it again.

use std::time::{Duration, Instant};

use rupture_protocols::sim::{Excess, Outside, Sim, SimOptions, Storm};
use rupture_protocols::{Context, Effect, Input, Node};

/// What a node does without end.
#[derive(Clone, Copy, Debug)]
enum Habit {
    /// Answers every message with two.
    Multiplies,
    /// Sends ever longer messages.
    Swells,
    /// Wakes itself for the same instant, over and over.
    Wakes,
    /// Saves with every step, and wakes itself to save again.
    Saves,
    /// Has effects without end in one step.
    Endless,
    /// Sends one message a millisecond.
    Modest,
}

#[derive(Debug)]
struct Restless(Habit);

impl Node for Restless {
    type Message = Vec<u8>;
    type Call = ();
    type Reply = ();
    type Record = u64;
    type Event = ();

    fn step(&mut self, input: Input<Self>, context: &mut Context<'_, Self>) {
        let other = 1 - context.id;
        let is_start = matches!(input, Input::Start { .. });
        match (self.0, input) {
            (Habit::Multiplies, _) => {
                context.send(other, vec![1]);
                if !is_start {
                    context.send(other, vec![2]);
                }
            }
            (Habit::Swells, Input::Message { message, .. }) => {
                let twice = (message.len() * 2).min(1 << 20);
                context.send(other, vec![0; twice]);
            }
            (Habit::Swells, _) => context.send(other, vec![0; 64]),
            (Habit::Wakes, _) => context.wake_at(context.now_ns),
            (Habit::Saves, _) => {
                context.save(7);
                context.wake_at(context.now_ns);
            }
            (Habit::Endless, _) => loop {
                context.save(0);
            },
            (Habit::Modest, Input::Message { .. }) => {}
            (Habit::Modest, _) => {
                context.send(other, vec![3]);
                context.wake_at(context.now_ns + 1_000_000);
            }
        }
    }

    fn message_name(message: &Vec<u8>) -> &'static str {
        if message.first() == Some(&1) {
            "first"
        } else {
            "second"
        }
    }

    fn message_bytes(message: &Vec<u8>) -> usize {
        message.len()
    }
}

/// Runs ten seconds and returns the storm, and how often the outside got a say for nothing.
fn run(habit: Habit) -> (Option<Storm>, usize) {
    let options = SimOptions {
        base_events: 400_000,
        event_bytes: 100,
        ..SimOptions::default()
    };
    let mut sim = Sim::new(options, 1, 2, move |_| Restless(habit));
    let (mut storm, mut busy) = (None, 0);
    while let Some(outside) = sim.advance(10_000_000_000) {
        match outside {
            Outside::Storm(it) => storm = Some(*it),
            Outside::Busy => busy += 1,
            _ => {}
        }
    }
    if storm.is_some() {
        let now_ns = sim.now_ns();
        assert!(sim.advance(u64::MAX).is_none());
        assert_eq!(sim.now_ns(), now_ns, "time stands still");
    }
    (storm, busy)
}

#[test]
fn what_has_no_end_is_a_storm_that_repeats() {
    for (habit, excess, kind) in [
        (Habit::Multiplies, Excess::Events, "second"),
        (Habit::Swells, Excess::Bytes, "second"),
        (Habit::Wakes, Excess::Events, "wake-up"),
        (Habit::Saves, Excess::Events, "save"),
        (Habit::Endless, Excess::Effects { node: 0 }, ""),
    ] {
        let begun = Instant::now();
        let (storm, _) = run(habit);
        let storm = storm.unwrap_or_else(|| panic!("{habit:?} goes on"));
        assert_eq!(storm.excess, excess, "{storm:?}");
        let kinds: Vec<&str> = storm.kinds.iter().take(2).map(|it| it.0).collect();
        assert!(
            kind.is_empty() || kinds.contains(&kind),
            "{habit:?}: {storm:?}"
        );
        assert!(storm.at_ns < 10_000_000_000);
        assert!(begun.elapsed() < Duration::from_secs(60));
        assert_eq!(run(habit).0, Some(storm), "{habit:?} is repeatable");
    }
}

#[test]
fn the_outside_gets_a_say_and_the_modest_are_left_alone() {
    let (storm, busy) = run(Habit::Wakes);
    assert!(storm.is_some() && busy >= 1, "{busy}");
    assert_eq!(run(Habit::Modest).0, None);
}

/// What reaches a paused process waits, and takes memory.
#[test]
fn what_waits_at_a_paused_node_is_under_way() {
    for paused in [false, true] {
        let options = SimOptions {
            base_events: 20_000,
            pair_events: 0,
            ..SimOptions::default()
        };
        let mut sim = Sim::new(options, 1, 2, |_| Restless(Habit::Modest));
        assert!(!paused || sim.pause(1));
        let storm = loop {
            match sim.advance(30_000_000_000) {
                Some(Outside::Storm(storm)) => break Some(storm.excess),
                Some(_) => {}
                None => break None,
            }
        };
        let is_told = matches!(storm, Some(Excess::UnderWay { count }) if count > 20_000);
        assert_eq!(is_told, paused, "{storm:?}");
    }
}

#[test]
fn a_client_without_end_is_a_storm() {
    let options = SimOptions {
        base_events: 100_000,
        ..SimOptions::default()
    };
    let mut sim = Sim::new(options, 1, 2, |_| Restless(Habit::Modest));
    sim.alarm(0, 0);
    let mut rung = 0;
    let storm = loop {
        match sim.advance(1_000_000_000) {
            Some(Outside::Alarm { .. }) => {
                rung += 1;
                assert!(rung < 1_000_000, "it goes on");
                sim.alarm(0, sim.now_ns());
            }
            Some(Outside::Storm(storm)) => break *storm,
            Some(_) => {}
            None => panic!("no storm"),
        }
    };
    assert_eq!(storm.kinds[0].0, "alarm");
}

/// A panic of a node is no storm.
#[test]
#[should_panic(expected = "a bug of the node")]
fn a_panic_goes_on() {
    #[derive(Debug)]
    struct Broken;
    impl Node for Broken {
        type Message = ();
        type Call = ();
        type Reply = ();
        type Record = ();
        type Event = ();

        fn step(&mut self, _: Input<Self>, context: &mut Context<'_, Self>) {
            context.effects.push(Effect::Sync);
            panic!("a bug of the node");
        }
    }
    let mut sim = Sim::new(SimOptions::default(), 1, 1, |_| Broken);
    sim.advance(1);
}
