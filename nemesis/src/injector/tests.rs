//! The injector against a cluster that does what it is told, and against clusters that lie.

mod mock;
mod power;
mod proof;
mod storage;
mod whole;
mod whom;

use proptest::prelude::*;
use rupture_targets::{
    Capabilities, Capability, Cluster, ClusterError, DiskFault, Keep, Link, LinkShape, Loss,
    NodeName, Status, Traffic, random,
};

use super::*;
use crate::ailment::Ailment;
use crate::catalogue::parse;
use crate::fault::{Change, Damage, Shape, Skew, Targeting};
use crate::{Asked, evidence};
use mock::Mock;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

fn skewed(skew: Skew) -> Fault {
    Fault::Clock {
        who: Targeting::Minority,
        skew,
    }
}

fn ill(ailment: Ailment) -> Fault {
    Fault::Storage {
        who: Targeting::Minority,
        ailment,
        by_ns: ailment.info().slow_ms.map_or(0, |ms| ms.start() * MS),
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
                damage: Damage::Torn,
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
                change: Change::Grow,
            },
            "grow",
            "shrink",
        ),
        (
            Fault::Membership {
                change: Change::Shrink { who: who() },
            },
            "shrink",
            "grow",
        ),
        (Fault::Transfer { who: who() }, "hand over", "lead"),
        (ill(Ailment::Slow), "ail", "cure"),
        (ill(Ailment::Full), "ail", "start"),
        (ill(Ailment::SyncError), "ail", "cure"),
        (ill(Ailment::WriteError), "ail", "start"),
        (ill(Ailment::ReadError), "read", "cure"),
        (ill(Ailment::Flip), "flip", "start"),
        (
            bad_links(|shape| shape.rate_bytes_s = 8_000),
            "shape",
            "unshape",
        ),
        (bad_links(|shape| shape.slice_bytes = 3), "shape", "unshape"),
        (
            bad_links(|shape| shape.reset_ppm = 200_000),
            "lose",
            "unshape",
        ),
        (
            bad_links(|shape| shape.half_close_ppm = 200_000),
            "lose",
            "unshape",
        ),
    ]
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
        damage: Damage::Torn,
    }
}

/// A node leaves, and its process is stopped.
fn leave(mock: &mut Mock, name: &str) {
    let node = NodeName::new(name);
    mock.members.retain(|it| *it != node);
    mock.at(&node).expect("it was there").1 = Status::Stopped;
}
