//! Disks that are ill, and who ends of it.

use super::*;

fn begin(mock: &mut Mock, ailment: Ailment, names: &[&str]) -> (Injector, Receipt) {
    let mut injector = Injector::new();
    let fault = Fault::Storage {
        who: named(names),
        ailment,
        by_ns: ailment.info().slow_ms.map_or(0, |ms| ms.start() * MS),
    };
    let receipt = injector.begin(0, &fault, mock, 0, &mut random::stream(0, "t"));
    (injector, receipt)
}

#[test]
fn who_never_wrote_to_a_failing_disk_was_not_hit() {
    for ailment in [Ailment::Full, Ailment::SyncError, Ailment::WriteError] {
        let mut mock = Mock::new(3);
        mock.lies = Some("write");
        let (mut injector, receipt) = begin(&mut mock, ailment, &["n1", "n2"]);
        assert_eq!(receipt.state, State::Pending);
        mock.pass(SECOND);
        let receipt = injector.end(0, &mut mock, SECOND).expect("it lasts");
        assert_eq!((receipt.state, receipt.acted), (State::NotInjected, false));
        assert!(end_text(&receipt).starts_with("[:not-injected "));
        assert!(mock.is_new(), "{mock:?}");

        // Of two, one writes.
        let (mut injector, _) = begin(&mut mock, ailment, &["n1", "n2"]);
        mock.nodes[1].1 = Status::Stopped;
        let receipt = injector.end(0, &mut mock, SECOND).expect("it lasts");
        assert_eq!(receipt.state, State::Injected, "{:?}", receipt.reason);
        assert_eq!(receipt.nodes, [NodeName::new("n2")]);
        assert!(mock.is_new(), "{mock:?}");
    }
}

#[test]
fn who_goes_on_with_a_disk_that_was_to_fail_shows_that_it_is_well() {
    // The order is taken down, and forgotten.
    let mut mock = Mock::new(3);
    let (mut injector, _) = begin(&mut mock, Ailment::SyncError, &["n1"]);
    mock.disks.clear();
    let receipt = injector.end(0, &mut mock, SECOND).expect("it lasts");
    assert_eq!((receipt.state, receipt.acted), (State::NotInjected, true));
    let problems = evidence(&Asked::default(), [&receipt]).problems;
    assert!(matches!(problems[0], crate::Problem::NotInjected { .. }));
}

#[test]
fn a_node_with_a_slow_disk_can_be_killed_and_one_with_a_failing_disk_cannot() {
    for (ailment, expected) in [
        (Ailment::Slow, State::Injected),
        (Ailment::Full, State::NotInjected),
    ] {
        let mut mock = Mock::new(3);
        let (mut injector, _) = begin(&mut mock, ailment, &["n1"]);
        let kill = Fault::Kill {
            who: named(&["n1"]),
        };
        let mut stream = random::stream(0, "t");
        let killed = injector.begin(1, &kill, &mut mock, 0, &mut stream);
        assert_eq!(killed.state, expected);
        // The disk is made well while the process is dead, which stays dead until that is undone.
        mock.pass(SECOND);
        injector.end(0, &mut mock, SECOND);
        let is_dead = mock.nodes[0].1 == Status::Stopped;
        assert_eq!(is_dead, ailment == Ailment::Slow);
        injector.heal_all(&mut mock, 2 * SECOND);
        assert!(mock.is_new(), "{mock:?}");
    }
}

#[test]
fn a_disk_that_somebody_else_holds_is_left_alone() {
    let mut mock = Mock::new(2);
    let (mut injector, first) = begin(&mut mock, Ailment::Slow, &["n1"]);
    let mut stream = random::stream(0, "t");
    let second = injector.begin(1, &first.fault, &mut mock, 0, &mut stream);
    assert_eq!((second.state, second.acted), (State::NotInjected, false));
}

#[test]
fn a_flipped_bit_is_flipped_back_once_however_often_it_is_healed() {
    let mut mock = Mock::new(3);
    let (injector, receipt) = begin(&mut mock, Ailment::Flip, &["n2"]);
    assert_eq!(receipt.state, State::Injected);
    let bits: Vec<u64> = receipt.flipped.values().map(|flip| flip.bit).collect();
    assert_eq!(bits, [77]);
    let lines = injector.receipts().to_vec();
    for _ in 0..2 {
        let mut healer = Injector::from_receipts(lines.clone());
        healer.heal_all(&mut mock, SECOND);
        assert!(mock.is_new(), "{mock:?}");
        // As if the controller had died before it said so.
        mock.nodes[1].1 = Status::Stopped;
    }
}
