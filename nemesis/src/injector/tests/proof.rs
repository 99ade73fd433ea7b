//! What took hold and ended is proved, and what did not is not.

use super::*;

#[test]
fn what_takes_hold_and_ends_is_proved() {
    for (fault, ..) in faults() {
        let mut mock = Mock::new(5);
        let receipt = whole(&fault, &mut mock);
        assert_eq!(
            (receipt.state, &receipt.reason),
            (State::Injected, &None),
            "{fault}"
        );
        assert!(
            receipt.began.as_ref().is_some_and(|probe| probe.ok),
            "{fault}"
        );
        assert!(
            receipt.healed.as_ref().is_some_and(|probe| probe.ok),
            "{fault}"
        );
        assert_eq!(
            (receipt.began_ns, receipt.healed_ns),
            (SECOND, Some(2 * SECOND))
        );
        assert!(!receipt.nodes.is_empty());
        assert!(
            evidence(&Asked::by_name([fault.kind()]), [&receipt])
                .problems
                .is_empty()
        );
        assert!(mock.is_new(), "{fault}: {mock:?}");
        assert_eq!(mock.members.len(), 5);
        let json = serde_json::to_string(&receipt).expect("a receipt is JSON");
        assert_eq!(
            serde_json::from_str::<Receipt>(&json).expect("it reads back"),
            receipt
        );
    }
}

#[test]
fn a_fault_that_does_not_take_hold_is_not_injected() {
    for (fault, lie, _) in faults() {
        let mut mock = Mock::new(5);
        mock.lies = Some(lie);
        let receipt = whole(&fault, &mut mock);
        assert_eq!(receipt.state, State::NotInjected, "{fault}");
        assert!(receipt.acted && receipt.reason.is_some(), "{fault}");
        assert!(
            !evidence(&Asked::by_name([fault.kind()]), [&receipt])
                .problems
                .is_empty()
        );
        // Nobody can tell what a world cut by itself from what others cut.
        let is_new = lie == "cut more" || mock.is_new();
        assert!(is_new, "{fault} leaves something behind: {mock:?}");
    }
}

#[test]
fn a_fault_that_does_not_end_is_not_healed() {
    for (fault, _, lie) in faults() {
        let mut mock = Mock::new(5);
        mock.lies = (!lie.is_empty()).then_some(lie);
        let receipt = whole(&fault, &mut mock);
        let expected = if lie.is_empty() {
            State::Injected
        } else {
            State::NotHealed
        };
        assert_eq!(receipt.state, expected, "{fault}: {:?}", receipt.healed);
        assert_eq!(receipt.reason.is_some(), expected == State::NotHealed);
    }
}

#[test]
fn a_late_heal_counts_once_it_is_seen() {
    let mut mock = Mock::new(5);
    let mut injector = Injector::new();
    let fault = Fault::Partition {
        shape: Shape::Halves,
    };
    injector.begin(0, &fault, &mut mock, 0, &mut random::stream(0, "t"));
    mock.lies = Some("mend");
    let receipt = injector.end(0, &mut mock, SECOND).expect("it lasts");
    assert_eq!(receipt.state, State::NotHealed);
    mock.lies = None;
    injector.verify(&mut mock, 2 * SECOND);
    assert_eq!(injector.receipts()[0].state, State::Injected);
    assert!(mock.is_new());
    assert_eq!(injector.verify(&mut mock, 3 * SECOND), []);
}

#[test]
fn a_look_that_changes_nothing_is_not_told() {
    for (fault, ..) in faults() {
        let mut mock = Mock::new(5);
        let mut injector = Injector::new();
        injector.begin(0, &fault, &mut mock, 0, &mut random::stream(0, "t"));
        let mut told = 0;
        for tick in 1..=50 {
            mock.pass(100 * MS);
            told += usize::from(injector.tick(0, &mut mock, tick * 100 * MS).is_some());
        }
        // Only what time has to show is told, once.
        let is_looked_after = fault.tick_every_ns().is_some() && fault.kind() != FaultKind::Clock;
        let takes_time = is_looked_after || fault.kind().is_up_to_the_cluster();
        assert_eq!(told, usize::from(takes_time), "{fault}");
    }
    // A strobe that does not hold is told of once, too.
    let mut mock = Mock::new(5);
    let mut injector = Injector::new();
    let strobe = skewed(Skew::Strobe {
        by_ns: 50 * MS as i64,
        every_ns: 100 * MS,
    });
    injector.begin(0, &strobe, &mut mock, 0, &mut random::stream(0, "t"));
    mock.lies = Some("bump");
    let told = (1..50).filter_map(|tick| injector.tick(0, &mut mock, tick * 100 * MS));
    assert_eq!(told.count(), 1);
}

#[test]
fn what_failed_and_could_not_be_undone_is_looked_at_again() {
    let mut mock = Mock::new(5);
    mock.lies = Some("cut more+mend");
    let mut injector = Injector::new();
    let fault = Fault::Partition {
        shape: Shape::OneWay,
    };
    let receipt = injector.begin(0, &fault, &mut mock, 0, &mut random::stream(0, "t"));
    assert_eq!(receipt.state, State::NotHealed);
    mock.lies = None;
    let changed = injector.verify(&mut mock, SECOND);
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].state, State::NotInjected);
    let reason = changed[0].reason.as_deref().unwrap_or_default();
    assert!(reason.contains("does not reach any more"), "{reason}");
    assert!(receipt.links.iter().all(|link| !mock.cut.contains(link)));
    assert_eq!(injector.verify(&mut mock, 2 * SECOND), []);
}

#[test]
fn a_drift_too_brief_to_be_seen_is_not_proved() {
    let fault = skewed(Skew::Drift { ppm: 500 });
    for (lasts_ns, expected) in [
        (0, State::NotInjected),
        (MS, State::NotInjected),
        (4 * MS, State::Injected),
    ] {
        let mut mock = Mock::new(5);
        let mut injector = Injector::new();
        injector.begin(0, &fault, &mut mock, 0, &mut random::stream(0, "t"));
        mock.pass(lasts_ns);
        let receipt = injector.end(0, &mut mock, lasts_ns).expect("it lasts");
        assert_eq!(receipt.state, expected, "{:?}", receipt.reason);
    }
}
