//! The failure of power, which comes when it comes.

use super::*;

#[test]
fn a_node_that_was_removed_did_not_lose_its_power() {
    let mut mock = Mock::new(5);
    mock.is_slow = true;
    // It has lost something long ago.
    mock.losses.insert("n1".into(), Loss::default());
    let mut stream = random::stream(0, "t");
    let mut injector = Injector::new();
    injector.begin(0, &torn(&["n1"]), &mut mock, 0, &mut stream);
    leave(&mut mock, "n1");
    assert_eq!(injector.tick(0, &mut mock, SECOND), None);
    let receipt = injector.end(0, &mut mock, 2 * SECOND).expect("it lasts");
    assert_eq!((receipt.state, receipt.acted), (State::NotInjected, false));
    assert_eq!(
        (&receipt.nodes[..], &receipt.losses),
        (&[][..], &BTreeMap::new())
    );
    assert!(end_text(&receipt).starts_with("[:not-injected "));
    let problems = evidence(&Asked::by_name([FaultKind::Disk]), [&receipt]).problems;
    let kind = FaultKind::Disk;
    assert_eq!(problems, [crate::Problem::Never { kind }]);
    assert!(mock.ordered.is_empty() && injector.verify(&mut mock, 3 * SECOND).is_empty());

    // Of two nodes one is removed, and the power of the other fails at the end.
    injector.begin(1, &torn(&["n2", "n3"]), &mut mock, 0, &mut stream);
    leave(&mut mock, "n2");
    let receipt = injector.end(1, &mut mock, 2 * SECOND).expect("it lasts");
    assert_eq!(receipt.state, State::Injected);
    assert_eq!(receipt.nodes, [NodeName::new("n3")]);
    assert!(receipt.losses.keys().eq(&receipt.nodes));
    assert_eq!(end_text(&receipt), "{\"n3\" :started}");
}

#[test]
fn an_order_that_was_called_off_before_it_hurt_is_no_act() {
    let mut mock = Mock::new(3);
    (mock.is_slow, mock.refuses) = (true, Some("n2".into()));
    let fault = torn(&["n1", "n2", "n3"]);
    let mut injector = Injector::new();
    let receipt = injector.begin(0, &fault, &mut mock, 0, &mut random::stream(0, "t"));
    assert_eq!((receipt.state, receipt.acted), (State::NotInjected, false));
    assert!(receipt.nodes.is_empty() && receipt.end_events().is_none());
    assert!(mock.ordered.is_empty(), "{:?}", mock.ordered);
    assert!(injector.verify(&mut mock, SECOND).is_empty());
    // One that cut at once is an act, and undone.
    mock.is_slow = false;
    let receipt = injector.begin(1, &fault, &mut mock, 0, &mut random::stream(0, "t"));
    assert_eq!((receipt.state, receipt.acted), (State::NotInjected, true));
    assert_eq!(receipt.nodes, [NodeName::new("n1")]);
    assert!(mock.is_new());
}
