//! The injector against a cluster that does what it is told, and against clusters that lie.

use proptest::prelude::*;
use rupture_targets::{
    Capabilities, Capability, Cluster, ClusterError, Keep, Link, LinkShape, Loss, NodeName, Status,
    Traffic, random,
};

use super::*;
use crate::catalogue::parse;
use crate::fault::{Shape, Skew, Targeting};
use crate::{Asked, evidence};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// A cluster of nothing but its own book-keeping. Of what it is told to do it leaves out what it lies about.
#[derive(Clone, Debug, Default, PartialEq)]
struct Mock {
    nodes: Vec<(NodeName, Status, i64, i64)>,
    cut: BTreeSet<Link>,
    shapes: BTreeMap<Link, LinkShape>,
    members: Vec<NodeName>,
    sent: u64,
    losses: BTreeMap<NodeName, Loss>,
    /// Whose power is to fail.
    ordered: BTreeSet<NodeName>,
    /// Whether an order to fail is only taken down.
    is_slow: bool,
    /// Who takes no such order.
    refuses: Option<NodeName>,
    /// Who was asked to lead; the first member otherwise.
    led_by: Option<NodeName>,
    /// One lie, or several with `+` between them.
    lies: Option<&'static str>,
}

impl Mock {
    fn new(nodes: u32) -> Self {
        let names: Vec<NodeName> = (0..nodes).map(NodeName::numbered).collect();
        Self {
            nodes: names
                .iter()
                .map(|name| (name.clone(), Status::Running, 0, 0))
                .collect(),
            members: names,
            ..Self::default()
        }
    }

    fn lies(&self, about: &str) -> bool {
        self.lies
            .is_some_and(|lies| lies.split('+').any(|lie| lie == about))
    }

    fn at(&mut self, name: &NodeName) -> Result<&mut (NodeName, Status, i64, i64), ClusterError> {
        let found = self.nodes.iter_mut().find(|node| node.0 == *name);
        found.ok_or_else(|| ClusterError::UnknownNode {
            node: name.clone(),
            known: Vec::new(),
        })
    }

    fn turn(
        &mut self,
        name: &NodeName,
        lie: &str,
        from: Status,
        to: Status,
    ) -> Result<(), ClusterError> {
        let lies = self.lies(lie);
        let node = self.at(name)?;
        if node.1 != from {
            return Err(ClusterError::WrongStatus {
                action: lie.to_owned(),
                node: name.clone(),
                status: node.1,
            });
        }
        if !lies {
            node.1 = to;
        }
        Ok(())
    }

    /// Lets time pass: clocks drift, and messages are sent.
    fn pass(&mut self, ns: u64) {
        for node in &mut self.nodes {
            node.2 += node.3 * (ns / 1_000_000) as i64;
        }
        self.sent += ns / MS;
    }

    fn is_new(&self) -> bool {
        let is_new = |node: &(NodeName, Status, i64, i64)| {
            (node.1, node.2, node.3) == (Status::Running, 0, 0)
        };
        self.cut.is_empty()
            && self.shapes.values().all(LinkShape::is_clean)
            && self
                .nodes
                .iter()
                .filter(|node| self.members.contains(&node.0))
                .all(is_new)
    }
}

impl Cluster for Mock {
    fn capabilities(&self) -> Capabilities {
        Capability::ALL.into()
    }

    fn nodes(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        Ok(self.members.clone())
    }

    fn members(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        Ok(self.members.clone())
    }

    fn primaries(&mut self) -> Result<Vec<NodeName>, ClusterError> {
        let asked = self.led_by.clone().filter(|it| self.members.contains(it));
        if asked.is_some() && self.sent >= 1_000 && self.lies("lead") {
            return Ok(Vec::new());
        }
        let first = self.members.first().cloned();
        Ok(asked.or(first).into_iter().collect())
    }

    fn status(&mut self, node: &NodeName) -> Result<Status, ClusterError> {
        Ok(self.at(node)?.1)
    }

    fn kill(&mut self, node: &NodeName, _keep: Keep) -> Result<Loss, ClusterError> {
        self.turn(node, "kill", Status::Running, Status::Stopped)?;
        if self.at(node)?.1 == Status::Stopped {
            self.losses.insert(node.clone(), Loss::default());
        }
        Ok(Loss::default())
    }

    fn kill_amid(
        &mut self,
        node: &NodeName,
        keep: Keep,
        _within_ns: u64,
    ) -> Result<(), ClusterError> {
        if self.refuses.as_ref() == Some(node) {
            return Err(ClusterError::Failed {
                action: "order".to_owned(),
                reason: "it is refused".to_owned(),
            });
        }
        self.losses.remove(node);
        if self.is_slow {
            self.ordered.insert(node.clone());
            return Ok(());
        }
        self.kill(node, keep).map(|_| ())
    }

    fn call_off(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        self.ordered.remove(node);
        self.at(node).map(|_| ())
    }

    fn last_loss(&mut self, node: &NodeName) -> Result<Option<Loss>, ClusterError> {
        self.at(node)?;
        Ok(self.losses.get(node).copied())
    }

    fn start(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        self.turn(node, "start", Status::Stopped, Status::Running)
    }

    fn pause(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        self.turn(node, "pause", Status::Running, Status::Paused)
    }

    fn resume(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        self.turn(node, "resume", Status::Paused, Status::Running)
    }

    fn cut(&mut self, links: &[Link]) -> Result<(), ClusterError> {
        let skipped = usize::from(self.lies("cut"));
        self.cut.extend(links.iter().skip(skipped).cloned());
        if self.lies("cut more") {
            self.cut
                .extend(links.iter().map(|link| Link::new(&link.to, &link.from)));
        }
        Ok(())
    }

    fn mend(&mut self, links: &[Link]) -> Result<(), ClusterError> {
        let skipped = usize::from(self.lies("mend"));
        self.cut
            .retain(|link| !links.iter().skip(skipped).any(|it| it == link));
        Ok(())
    }

    fn reach(&mut self, link: &Link) -> Result<bool, ClusterError> {
        Ok(!self.cut.contains(link))
    }

    fn shape_link(&mut self, link: &Link, shape: LinkShape) -> Result<(), ClusterError> {
        let lies = self.lies("shape") || self.lies("unshape") && shape.is_clean();
        if !lies {
            self.shapes.insert(link.clone(), shape);
        }
        Ok(())
    }

    fn link_shape(&mut self, link: &Link) -> Result<LinkShape, ClusterError> {
        Ok(self.shapes.get(link).copied().unwrap_or_default())
    }

    fn traffic(&mut self) -> Result<Traffic, ClusterError> {
        let lost = if self.lies("lose") { 0 } else { self.sent };
        Ok(Traffic {
            sent: self.sent,
            lost,
            duplicated: lost,
            held_back: lost,
            // Nobody sends again in time: what is held back is overtaken by nobody.
            ..Traffic::default()
        })
    }

    fn clock_offset(&mut self, node: &NodeName) -> Result<i64, ClusterError> {
        Ok(self.at(node)?.2)
    }

    fn bump_clock(&mut self, node: &NodeName, by_ns: i64) -> Result<(), ClusterError> {
        if !self.lies("bump") {
            self.at(node)?.2 += by_ns;
        }
        Ok(())
    }

    fn drift_clock(&mut self, node: &NodeName, ppm: i64) -> Result<(), ClusterError> {
        if !self.lies("drift") {
            self.at(node)?.3 = ppm;
        }
        Ok(())
    }

    fn reset_clock(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        if !self.lies("reset") {
            let node = self.at(node)?;
            (node.2, node.3) = (0, 0);
        }
        Ok(())
    }

    fn grow(&mut self) -> Result<NodeName, ClusterError> {
        let name = NodeName::numbered(self.nodes.len() as u32);
        self.nodes.push((name.clone(), Status::Running, 0, 0));
        if !self.lies("grow") {
            self.members.push(name.clone());
        }
        Ok(name)
    }

    fn shrink(&mut self, node: &NodeName) -> Result<(), ClusterError> {
        if !self.lies("shrink") {
            self.members.retain(|it| it != node);
        }
        Ok(())
    }

    fn hand_over(&mut self, to: &NodeName) -> Result<(), ClusterError> {
        self.at(to)?;
        if !self.lies("hand over") {
            self.led_by = Some(to.clone());
        }
        Ok(())
    }

    fn run(&mut self, _node: &NodeName, _command: &str) -> Result<String, ClusterError> {
        unreachable!("no fault runs commands")
    }
}

fn skewed(skew: Skew) -> Fault {
    Fault::Clock {
        who: Targeting::Minority,
        skew,
    }
}

fn lossy() -> Fault {
    bad_links(|shape| shape.loss_ppm = 200_000)
}

fn bad_links(change: fn(&mut LinkShape)) -> Fault {
    let mut shape = LinkShape::default();
    change(&mut shape);
    Fault::Link {
        who: Targeting::All,
        shape,
    }
}

/// Begins a fault, lets it last for a second, looks after it, and ends it.
fn whole(fault: &Fault, mock: &mut Mock) -> Receipt {
    let mut injector = Injector::new();
    injector.begin(4, fault, mock, SECOND, &mut random::stream(3, "t"));
    for tick in 1..=10 {
        mock.pass(SECOND / 10);
        injector.tick(4, mock, SECOND + tick * SECOND / 10);
    }
    injector.end(4, mock, 2 * SECOND);
    assert_eq!(
        injector.end(4, mock, 2 * SECOND),
        None,
        "ending twice is ending once"
    );
    injector.verify(mock, 3 * SECOND);
    injector.receipts()[0].clone()
}

/// Every kind of fault, the lie that keeps it from taking hold, and the lie that keeps it from ending.
fn faults() -> Vec<(Fault, &'static str, &'static str)> {
    let who = || Targeting::Minority;
    vec![
        (
            Fault::Partition {
                shape: Shape::Halves,
            },
            "cut",
            "mend",
        ),
        (
            Fault::Partition {
                shape: Shape::OneWay,
            },
            "cut more",
            "mend",
        ),
        (Fault::Kill { who: who() }, "kill", "start"),
        (Fault::Pause { who: who() }, "pause", "resume"),
        (
            Fault::Disk {
                who: who(),
                damage: crate::fault::Damage::Torn,
            },
            "kill",
            "start",
        ),
        (
            skewed(Skew::Bump {
                by_ns: -300 * MS as i64,
            }),
            "bump",
            "reset",
        ),
        (
            skewed(Skew::Strobe {
                by_ns: 50 * MS as i64,
                every_ns: 100 * MS,
            }),
            "bump",
            "",
        ),
        (skewed(Skew::Drift { ppm: 300_000 }), "drift", "reset"),
        (lossy(), "shape", "unshape"),
        (lossy(), "lose", "unshape"),
        (
            bad_links(|shape| shape.duplicate_ppm = 200_000),
            "lose",
            "unshape",
        ),
        (
            bad_links(|shape| shape.reorder_ppm = 200_000),
            "lose",
            "unshape",
        ),
        (
            Fault::Membership {
                change: crate::fault::Change::Grow,
            },
            "grow",
            "shrink",
        ),
        (
            Fault::Membership {
                change: crate::fault::Change::Shrink { who: who() },
            },
            "shrink",
            "grow",
        ),
        (Fault::Transfer { who: who() }, "hand over", "lead"),
    ]
}

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

/// What the log of faults and the history say of a fault that ends.
fn end_text(receipt: &Receipt) -> String {
    let [_, done] = receipt.end_events().expect("it ended");
    done.value.to_string()
}

fn named(names: &[&str]) -> Targeting {
    Targeting::Named(names.iter().map(|name| NodeName::new(name)).collect())
}

fn torn(names: &[&str]) -> Fault {
    Fault::Disk {
        who: named(names),
        damage: crate::fault::Damage::Torn,
    }
}

/// A node leaves, and its process is stopped.
fn leave(mock: &mut Mock, name: &str) {
    let node = NodeName::new(name);
    mock.members.retain(|it| *it != node);
    mock.at(&node).expect("it was there").1 = Status::Stopped;
}

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

#[test]
fn who_was_sent_away_is_left_alone() {
    let mut mock = Mock::new(3);
    let mut stream = random::stream(0, "t");
    let mut injector = Injector::new();
    let grow = Fault::Membership {
        change: crate::fault::Change::Grow,
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
        let takes_time = fault.kind() == FaultKind::Disk || fault.kind().is_up_to_the_cluster();
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Any faults, in any order, overlapping in any way: in the end the cluster is as new.
    #[test]
    fn the_cluster_is_as_new_after_anything(
        nodes in 1u32..=9, seed: u64, acts in prop::collection::vec((0usize..32, 0u8..3), 0..40),
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
