//! Whom a fault hits, and whom it leaves alone.

use super::*;

#[test]
fn what_others_did_is_left_alone() {
    let mut mock = Mock::new(5);
    let nodes = mock.members.clone();
    let theirs = Link::new(&nodes[0], &nodes[1]);
    mock.cut.insert(theirs.clone());
    mock.nodes[2].1 = Status::Stopped;
    mock.nodes[3].1 = Status::Paused;
    let before = mock.clone();
    for fault in [
        Fault::Partition {
            shape: Shape::Majority,
        },
        Fault::Kill {
            who: Targeting::All,
        },
        Fault::Pause {
            who: Targeting::All,
        },
    ] {
        let receipt = whole(&fault, &mut mock);
        assert_eq!(receipt.state, State::Injected, "{:?}", receipt.reason);
        assert!(!receipt.links.contains(&theirs));
        (mock.sent, mock.losses) = (0, BTreeMap::new());
        assert_eq!(mock, before, "{fault}");
    }
}

#[test]
fn who_cannot_be_hit_is_not_hit_and_nothing_is_done() {
    let mut mock = Mock::new(3);
    let mut injector = Injector::new();
    let mut stream = random::stream(0, "t");
    let all = Fault::Kill {
        who: Targeting::All,
    };
    injector.begin(0, &all, &mut mock, 0, &mut stream);
    let dead = mock.clone();
    for (id, fault) in [
        (
            1,
            Fault::Pause {
                who: Targeting::One,
            },
        ),
        (
            2,
            Fault::Partition {
                shape: Shape::Primaries,
            },
        ),
        (
            3,
            Fault::Kill {
                who: Targeting::Named(vec!["n9".into()]),
            },
        ),
    ] {
        let receipt = injector.begin(id, &fault, &mut mock, 0, &mut stream);
        if id != 2 {
            assert_eq!((receipt.state, receipt.acted), (State::NotInjected, false));
            assert!(receipt.end_events().is_none() && !injector.is_active(id));
            assert_eq!(mock.nodes, dead.nodes);
        }
    }
    injector.heal_all(&mut mock, SECOND);
    assert!(mock.is_new());
}

#[test]
fn overlapping_partitions_mend_only_what_nobody_else_holds() {
    let mut mock = Mock::new(5);
    let mut injector = Injector::new();
    let mut stream = random::stream(8, "t");
    let fault = Fault::Partition {
        shape: Shape::Majority,
    };
    let first = injector.begin(0, &fault, &mut mock, 0, &mut stream);
    let second = injector.begin(1, &fault, &mut mock, 0, &mut stream);
    assert_eq!(second.state, State::Injected);
    injector.end(0, &mut mock, SECOND);
    let held: BTreeSet<Link> = second.links.into_iter().collect();
    assert_eq!(mock.cut, held);
    injector.end(1, &mut mock, SECOND);
    assert!(mock.is_new() && !first.links.is_empty());
}

#[test]
fn who_was_sent_away_is_left_alone() {
    let mut mock = Mock::new(3);
    let mut stream = random::stream(0, "t");
    let mut injector = Injector::new();
    let grow = Fault::Membership {
        change: Change::Grow,
    };
    injector.begin(0, &grow, &mut mock, 0, &mut stream);
    mock.lies = Some("shrink");
    injector.end(0, &mut mock, SECOND);
    let who = || named(&["n4"]);
    let faults = [
        Fault::Kill { who: who() },
        Fault::Pause { who: who() },
        torn(&["n4"]),
    ];
    for (id, fault) in (1..).zip(faults) {
        let receipt = injector.begin(id, &fault, &mut mock, SECOND, &mut stream);
        assert_eq!(
            (receipt.state, receipt.acted),
            (State::NotInjected, false),
            "{fault}"
        );
    }
}

#[test]
fn who_left_is_not_said_to_go_on() {
    for (fault, word) in [
        (
            Fault::Kill {
                who: Targeting::All,
            },
            "started",
        ),
        (
            Fault::Pause {
                who: Targeting::All,
            },
            "resumed",
        ),
    ] {
        let mut mock = Mock::new(2);
        let mut injector = Injector::new();
        injector.begin(0, &fault, &mut mock, 0, &mut random::stream(0, "t"));
        leave(&mut mock, "n2");
        let receipt = injector.end(0, &mut mock, SECOND).expect("it lasts");
        assert_eq!(receipt.state, State::Injected);
        assert_eq!(
            end_text(&receipt),
            format!("{{\"n1\" :{word}, \"n2\" :left}}")
        );
    }
}
