//! What a whole run leaves: events, receipts, and a cluster as new.

use super::*;

#[test]
fn events_are_written_as_jepsen_writes_them() {
    let mut mock = Mock::new(3);
    let mut injector = Injector::new();
    let fault = Fault::Partition {
        shape: Shape::Primaries,
    };
    injector.begin(0, &fault, &mut mock, 5, &mut random::stream(8, "t"));
    let receipt = injector.end(0, &mut mock, 9).expect("it lasts");
    let texts = |events: [rupture_history::Event; 2]| {
        events.map(|event| format!("{} {} {}", event.time, event.f, event.value))
    };
    assert_eq!(
        texts(receipt.begin_events()),
        [
            "5 start-partition :primaries",
            "5 start-partition [:isolated {\"n1\" #{\"n2\" \"n3\"}, \"n2\" #{\"n1\"}, \"n3\" #{\"n1\"}}]",
        ]
    );
    assert_eq!(
        texts(receipt.end_events().expect("it ended")),
        ["9 stop-partition nil", "9 stop-partition :network-healed"]
    );
}

#[test]
fn a_run_that_died_is_healed_from_its_receipts() {
    let mut mock = Mock::new(5);
    let mut injector = Injector::new();
    let mut stream = random::stream(8, "t");
    for (id, (fault, ..)) in (0..).zip(faults()) {
        injector.begin(id, &fault, &mut mock, 0, &mut stream);
    }
    injector.end(1, &mut mock, SECOND);
    let lines = injector.receipts().to_vec();
    drop(injector);
    let mut healer = Injector::from_receipts(lines);
    healer.heal_all(&mut mock, 9 * SECOND);
    healer.verify(&mut mock, 9 * SECOND);
    assert!(mock.is_new(), "{mock:?}");
    assert!(!mock.nodes.iter().any(|node| node.1 != Status::Running));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Any faults, in any order, overlapping in any way: in the end the cluster is as new.
    #[test]
    fn the_cluster_is_as_new_after_anything(
        nodes in 1u32..=9, seed: u64, acts in prop::collection::vec((0usize..64, 0u8..3), 0..40),
    ) {
        let mut mock = Mock::new(nodes);
        let mut injector = Injector::new();
        let mut stream = random::stream(seed, "t");
        let all = parse(&["all"]).unwrap().check_against(&mock.capabilities(), nodes as usize).unwrap();
        let recipes: Vec<_> = all.pools().into_values().flatten().collect();
        let mut now_ns = 0;
        for (id, (which, act)) in (0u64..).zip(acts) {
            now_ns += 100 * MS;
            mock.pass(100 * MS);
            match act {
                0 => {
                    let fault = recipes[which % recipes.len()].draw(nodes as usize, &mut stream);
                    let receipt = injector.begin(id, &fault, &mut mock, now_ns, &mut stream);
                    prop_assert!(!receipt.acted || receipt.state != State::NotInjected, "{receipt:?}");
                }
                1 => { injector.tick(which as u64, &mut mock, now_ns); }
                _ => { injector.end(which as u64, &mut mock, now_ns); }
            }
        }
        injector.heal_all(&mut mock, now_ns);
        injector.verify(&mut mock, now_ns);
        prop_assert!(mock.is_new(), "{mock:?}");
        prop_assert_eq!(mock.members.len(), nodes as usize);
        prop_assert!(injector.receipts().iter().all(|receipt| receipt.state != State::NotHealed));
    }
}
