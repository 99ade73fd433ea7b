//! Threads that share a recorder.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::*;
use crate::{Operation, Outcome};

/// Operations that each take one number of a clock as they begin and another as they end.
fn contended(threads: i64, each: u64) -> (History, Vec<(u64, u64)>) {
    let (recorder, clock) = (Recorder::new(), AtomicU64::new(0));
    let mut spans = vec![(0, 0); (threads as u64 * each) as usize];
    let chunks = spans.chunks_mut(each as usize);
    std::thread::scope(|scope| {
        for (thread, chunk) in chunks.enumerate() {
            let (recorder, clock) = (recorder.clone(), &clock);
            scope.spawn(move || {
                for (at, span) in chunk.iter_mut().enumerate() {
                    let number = thread as u64 * each + at as u64;
                    let done = recorder.invoke(thread as i64, "tick", number as i64);
                    span.0 = clock.fetch_add(1, Ordering::SeqCst);
                    span.1 = clock.fetch_add(1, Ordering::SeqCst);
                    done.ok(number as i64);
                }
            });
        }
    });
    (recorder.history(), spans)
}

#[test]
fn what_is_recorded_as_over_before_another_began_was_over() {
    let (history, spans) = contended(4, 300);
    let operations = history.operations().expect("each completes its own");
    assert_eq!(operations.len(), spans.len());
    let span = |operation: &Operation| {
        assert_eq!(operation.outcome, Outcome::Ok);
        let number = history.get(operation.invoked as usize).value().as_int();
        spans[number.expect("a number") as usize]
    };
    for one in &operations {
        for other in &operations {
            assert!(!one.precedes(other) || span(one).1 < span(other).0);
        }
    }
}

#[test]
fn a_thread_that_panics_leaves_its_operation_open() {
    let recorder = Recorder::new();
    let other = recorder.clone();
    let thread = std::thread::spawn(move || {
        let _done = other.invoke(0, "write", 1);
        panic!("as asked");
    });
    assert!(thread.join().is_err());
    recorder.invoke(1, "read", Value::Nil).ok(1);
    let operations = recorder.history().operations().expect("pairs");
    let outcomes: Vec<Outcome> = operations.iter().map(|o| o.outcome).collect();
    assert_eq!(outcomes, [Outcome::Info, Outcome::Ok]);
}

#[test]
fn a_process_that_does_two_things_at_once_is_two() {
    let recorder = Recorder::new();
    let first = recorder.invoke(0, "write", 1);
    let second = recorder.invoke(0, "write", 2);
    second.ok(2);
    first.ok(1);
    recorder.invoke(0, "write", 3).ok(3);
    let history = recorder.history();
    let names: Vec<String> = history
        .iter()
        .map(|event| event.process().to_string())
        .collect();
    assert_eq!(history.operations().expect("pairs").len(), 3);
    assert_eq!(
        names[..4],
        ["0", "\"0'2\"", "\"0'2\"", "0"].map(str::to_owned)
    );
    assert_eq!(names[4], names[5]);
}

#[test]
#[ignore = "measures"]
fn operations_a_second() {
    let start = Instant::now();
    let (history, _) = contended(2, 1_000_000);
    let a_second = (history.len() / 2) as f64 / start.elapsed().as_secs_f64();
    println!("{a_second:.0} operations a second with 2 threads");
}
