//! The smallest history of each anomaly, and what is told of it.

use super::case::Case;
use crate::isolation::Level;
use crate::isolation::weak::{Finding, Ruling};

fn findings(text: &str, level: Level) -> Vec<Finding> {
    match &Case::read(text).judge(&[level])[..] {
        [Ruling::Violated(findings)] => findings.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn show() {
    for (text, level) in [
        ("0: wx1 | 1: rx2", Level::ReadCommitted),
        ("0!: wx1 | 1: rx1", Level::ReadCommitted),
        ("0: wx1 wx2 | 1: rx1", Level::ReadCommitted),
        ("0: ry2 wx1 | 1: rx1 wy2", Level::ReadCommitted),
        ("0: wx1 wy1 | 1: ry1 rx0", Level::MonotonicAtomicView),
        ("0: wx1 wy1 | 1: wx2 wy2 | 2: ry1 rx2", Level::ReadAtomic),
        ("0: wx1 wy1 | 1: wx2 wy2 | 2: ry1 rx2", Level::Causal),
        (
            "0: wx1 | 0: wx2 | 1: rx2 wy1 | 2: ry1 | 2: rx1",
            Level::Causal,
        ),
        (
            "0: wx1 | 1: wx2 | 0: rx2 | 1: rx1",
            Level::CausalConvergence,
        ),
        ("0: wx1 | 0: rx0", Level::CausalConvergence),
    ] {
        println!("{text} {level}\n{:#?}", findings(text, level));
    }
}

#[test]
fn show_guarantees() {
    for (text, level) in [
        ("0: wx1 | 1: wx2 rx0 | 0: rx0", Level::ReadYourWrites),
        ("0: wx1 | 1: wx2 | 0: rx2 | 1: rx1", Level::ReadYourWrites),
        ("0: wx1 | 0: wx2 | 0: rx1 | 0: rx2", Level::ReadYourWrites),
        (
            "0: wx1 | 1: wx2 | 2: rx1 | 2: rx2 | 2: rx1",
            Level::MonotonicReads,
        ),
        ("0: wx1 | 2: rx1 | 2: rx0", Level::MonotonicReads),
        ("0: wx1 | 0: wy1 | 1: ry1 rx0", Level::MonotonicWrites),
        (
            "0: wx1 | 0: wx2 | 0: wy1 | 1: ry1 rx1",
            Level::MonotonicWrites,
        ),
        (
            "0: wx1 | 1: rx1 | 1: wy1 | 2: ry1 rx0",
            Level::WritesFollowReads,
        ),
        (
            "0: wx1 | 1: rx1 wx2 wy1 | 2: ry1 rx1",
            Level::WritesFollowReads,
        ),
    ] {
        println!("{text} {level}\n{:#?}", Case::read(text).judge(&[level]));
    }
}

#[test]
fn show_processes() {
    for (text, level) in [
        ("0: wx1 | 0: wx2 | 1: rx2 | 1: rx1", Level::Pram),
        ("0: wx1 | 0: wy1 | 1: ry1 | 1: rx0", Level::Pram),
        (
            "0: wz1 | 0: wx1 | 0: wy1 | 1: wx2 | 1: rz0 | 1: ry1 | 1: rx2",
            Level::CausalMemory,
        ),
        (
            "0: wz1 wx1 | 0: wy1 | 1: wx2 | 1: rz0 | 1: ry1 | 1: rx2",
            Level::CausalMemory,
        ),
    ] {
        println!("{text} {level}\n{:#?}", Case::read(text).judge(&[level]));
    }
}
