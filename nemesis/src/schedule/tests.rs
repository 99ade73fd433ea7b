use std::collections::BTreeMap;

use proptest::prelude::*;
use rupture_targets::random;

use super::*;
use crate::catalogue::parse;
use crate::script::Script;

const SECOND: u64 = 1_000_000_000;

/// All that a schedule says, with the times, when it is asked exactly when it wants to be, or also in between.
fn told(schedule: &mut Schedule, seed: u64, also_every_ns: Option<u64>) -> Vec<(u64, Step)> {
    let mut stream = random::stream(seed, "nemesis");
    let (mut now_ns, mut steps) = (0, Vec::new());
    loop {
        match schedule.next(now_ns, &mut stream) {
            Step::Wait { until_ns } => {
                assert!(until_ns > now_ns, "time stands still at {now_ns}");
                let often = also_every_ns.map_or(until_ns, |every_ns| now_ns + every_ns);
                now_ns = until_ns.min(often);
            }
            Step::Done => return steps,
            step => steps.push((now_ns, step)),
        }
        assert!(steps.len() < 100_000, "it never ends");
    }
}

/// When each fault began and ended, and its kind.
fn spans(steps: &[(u64, Step)]) -> BTreeMap<u64, (FaultKind, u64, Option<u64>)> {
    let mut spans = BTreeMap::new();
    for (at_ns, step) in steps {
        match step {
            Step::Begin { id, fault } => {
                let first = spans.insert(*id, (fault.kind(), *at_ns, None));
                assert!(first.is_none(), "fault {id} begins twice");
            }
            Step::Tick { id } => assert!(spans[id].2.is_none(), "fault {id} is over"),
            Step::End { id } => {
                let span = spans.get_mut(id).expect("it began");
                assert!(span.2.replace(*at_ns).is_none(), "fault {id} ends twice");
            }
            Step::HealAll | Step::Verify => {}
            Step::Wait { .. } | Step::Done => unreachable!(),
        }
    }
    spans
}

fn any_timing() -> impl Strategy<Value = Timing> {
    let phase = (
        0..8 * SECOND,
        prop::sample::subsequence(FaultKind::ALL.to_vec(), 0..=7),
    );
    let phases = prop::collection::vec(phase, 0..4).prop_map(|phases| {
        let phases = phases.into_iter();
        Timing::Phases(
            phases
                .map(|(lasts_ns, kinds)| Phase { lasts_ns, kinds })
                .collect(),
        )
    });
    let script = Script::parse(
        "at 1s partition halves; at 2s kill one; at 2s clock strobe 50ms every 20ms all for 1s
         at 3s heal partition; at 4s membership grow; at 5s heal; at 6s pause all for 500ms; at 9s disk torn one",
    );
    prop_oneof![
        Just(Timing::Mix),
        Just(Timing::Interval),
        phases,
        Just(Timing::Script(script.unwrap())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn every_fault_ends_and_nothing_comes_after_the_end(
        seed: u64, timing in any_timing(), stop_ns in 0..40 * SECOND, interval_ns in SECOND / 10..10 * SECOND,
        nodes in 1usize..9, early_ns in prop::option::of(0..40 * SECOND),
    ) {
        let plan = Plan {
            timing,
            interval_ns,
            ..Plan::mix(parse(&["all"]).unwrap(), stop_ns)
        };
        let mut schedule = Schedule::new(&plan, nodes);
        if let Some(early_ns) = early_ns {
            schedule.stop(early_ns);
        }
        let end_ns = stop_ns.min(early_ns.unwrap_or(stop_ns));
        let steps = told(&mut schedule, seed, None);
        prop_assert!(steps.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        let last: Vec<&Step> = steps.iter().rev().take(2).map(|(_, step)| step).collect();
        prop_assert_eq!(last, [&Step::Verify, &Step::HealAll]);
        let rest_ns = steps[steps.len() - 1].0 - steps[steps.len() - 2].0;
        let is_eventless = steps.len() == 2;
        prop_assert_eq!(rest_ns, if is_eventless { 0 } else { plan.recovery_ns });
        let spans = spans(&steps);
        for (kind, began_ns, ended_ns) in spans.values() {
            prop_assert!(*began_ns < end_ns);
            let ended_ns = ended_ns.expect("every fault ends");
            prop_assert!(ended_ns <= end_ns && ended_ns >= *began_ns);
            if matches!(plan.timing, Timing::Script(_)) {
                continue;
            }
            prop_assert!(*began_ns >= plan.start_ns);
            let overlapping = spans.values().filter(|(other, from_ns, to_ns)| {
                let same = other == kind || plan.timing == Timing::Interval;
                same && *from_ns <= ended_ns && to_ns.is_some_and(|to_ns| to_ns >= *began_ns)
            });
            prop_assert_eq!(overlapping.count(), 1, "{:?} overlaps", kind);
        }
        let mut stream = random::stream(seed, "after");
        for late in [0, 1, 100 * SECOND] {
            prop_assert_eq!(schedule.next(end_ns.max(40 * SECOND) + late, &mut stream), Step::Done);
        }
    }

    /// Asked twice it says the same, and asking in between changes nothing but the times of ticks.
    #[test]
    fn the_same_stream_gives_the_same_faults(
        seed: u64, timing in any_timing(), every_ns in SECOND / 100..SECOND,
    ) {
        let plan = Plan {
            timing,
            ..Plan::mix(parse(&["all"]).unwrap(), 20 * SECOND)
        };
        let ask = |also| told(&mut Schedule::new(&plan, 5), seed, also);
        prop_assert_eq!(ask(None), ask(None));
        prop_assert_eq!(ask(None), ask(Some(every_ns)));
    }
}

#[test]
fn thirty_seconds_are_eventful() {
    let plan = Plan::mix(parse(&["default"]).unwrap(), 30 * SECOND);
    for seed in 0..50 {
        let steps = told(&mut Schedule::new(&plan, 5), seed, None);
        let mut counts: BTreeMap<FaultKind, usize> = BTreeMap::new();
        for (kind, ..) in spans(&steps).into_values() {
            *counts.entry(kind).or_default() += 1;
        }
        assert!(counts.keys().copied().eq(plan.kinds()));
        assert!(
            counts.values().all(|count| (4..=14).contains(count)),
            "{counts:?}"
        );
    }
}

#[test]
fn a_fault_that_hit_nobody_is_soon_followed_by_another() {
    let plan = Plan::mix(parse(&["partition-primaries"]).unwrap(), 30 * SECOND);
    let mut schedule = Schedule::new(&plan, 5);
    let mut stream = random::stream(1, "nemesis");
    let mut now_ns = 0;
    let mut begun = Vec::new();
    while begun.len() < 2 {
        match schedule.next(now_ns, &mut stream) {
            Step::Wait { until_ns } => now_ns = until_ns,
            Step::Begin { id, fault } => {
                begun.push(now_ns);
                let mut receipt = Receipt::new(id, &fault, now_ns);
                receipt.state = State::NotInjected;
                schedule.told(&receipt);
            }
            step => panic!("nothing lasts, and it says {step:?}"),
        }
    }
    let rest_ns = begun[1] - begun[0];
    assert!((SECOND / 10..=SECOND * 4 / 10).contains(&rest_ns));
}

#[test]
fn a_script_does_what_it_says_when_it_says() {
    let script = Script::parse(
        "at 1s kill one for 2s; at 1500ms partition one; at 2s heal partition; at 2s pause one; at 4s heal",
    );
    let plan = Plan::script(script.unwrap(), 10 * SECOND);
    let steps = told(&mut Schedule::new(&plan, 5), 0, None);
    let ms = |ns: u64| ns / 1_000_000;
    let spans: Vec<_> = spans(&steps)
        .into_values()
        .map(|(kind, from, to)| (kind, ms(from), to.map(ms)))
        .collect();
    assert_eq!(
        spans,
        [
            (FaultKind::Kill, 1000, Some(3000)),
            (FaultKind::Partition, 1500, Some(2000)),
            (FaultKind::Pause, 2000, Some(4000)),
        ]
    );
}

#[test]
fn what_can_never_be_is_refused() {
    let world = [rupture_targets::Capability::Cut].into();
    let script = |text: &str| Plan::script(Script::parse(text).unwrap(), 10 * SECOND);
    let refuse = |plan: &Plan, nodes| {
        let error = plan.check_against(&world, nodes).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        refuse(&script("at 1s partition bridge"), 2),
        "the script at 1s: partition bridge needs 3 nodes, and there are 2"
    );
    assert_eq!(
        refuse(&script("at 1s pause one"), 5),
        "the script at 1s: this world cannot make pause one: it has no pause"
    );
    assert_eq!(
        refuse(&script("at 10s partition one"), 5),
        "the script at 10s: faults stop at 10s"
    );
    let phases = Plan {
        timing: Timing::Phases(vec![Phase {
            lasts_ns: SECOND,
            kinds: vec![FaultKind::Kill],
        }]),
        ..Plan::mix(parse(&["partition"]).unwrap(), SECOND)
    };
    assert_eq!(
        refuse(&phases, 5),
        "a phase has kill faults, and none were chosen"
    );
    let hurried = Plan {
        interval_ns: 0,
        ..Plan::default()
    };
    assert!(refuse(&hurried, 5).contains("at least 10ms"));
}

#[test]
fn a_script_that_names_a_node_that_can_never_be_is_refused() {
    let world = [
        rupture_targets::Capability::Kill,
        rupture_targets::Capability::Membership,
    ]
    .into();
    let check = |text: &str| {
        let plan = Plan::script(Script::parse(text).unwrap(), 10 * SECOND);
        let result = plan.check_against(&world, 5);
        result.map(|_| ()).map_err(|error| error.to_string())
    };
    let refused =
        |node: &str, at: &str| Err(format!("the script at {at}: no node is called {node}"));
    assert_eq!(check("at 1s kill n1,n5"), Ok(()));
    assert_eq!(check("at 1s kill n9"), refused("n9", "1s"));
    for stranger in ["n6", "n0", "n01", "n", "N1", "db1", "n4294967296"] {
        assert_eq!(
            check(&format!("at 1s kill {stranger}")),
            refused(stranger, "1s")
        );
    }
    assert_eq!(check("at 1s membership grow; at 2s kill n6"), Ok(()));
    assert_eq!(
        check("at 1s membership shrink one for 1s; at 3s kill n6"),
        Ok(())
    );
    assert_eq!(
        check("at 1s membership grow; at 2s kill n7"),
        refused("n7", "2s")
    );
    assert_eq!(
        check("at 1s kill n6; at 2s membership grow"),
        refused("n6", "1s")
    );
}
