//! Circles that share operations.

use rupture_history::{Verdict, codec};

use crate::log::{Log, LogAnomaly};
use crate::{Budget, Checker};

/// The kinds of what is wrong, worst first.
fn kinds(judge: Log, history: &str) -> Vec<String> {
    let history = codec::read(history.as_bytes()).unwrap();
    let verdict: Verdict = judge.check(&history, &Budget::unlimited()).unwrap();
    verdict.anomalies.into_iter().map(|it| it.kind).collect()
}

/// Each of two operations polled what the other sent, and the first was over before the second began.
const BOTH: &str = "
    {:process 0 :type :invoke :f :txn :value [[:poll] [:send :x 1]]}
    {:process 0 :type :ok :f :txn :value [[:poll {:x [[5 2]]}] [:send :x [0 1]]]}
    {:process 1 :type :invoke :f :txn :value [[:poll] [:send :x 2]]}
    {:process 1 :type :ok :f :txn :value [[:poll {:x [[0 1]]}] [:send :x [5 2]]]}";

/// A poll was handed what was only sent later.
const LATER: &str = "
    {:process 2 :type :invoke :f :poll :value [[:poll]]}
    {:process 2 :type :ok :f :poll :value [[:poll {:y [[0 1]]}]]}
    {:process 3 :type :invoke :f :send :value [[:send :y 1]]}
    {:process 3 :type :ok :f :send :value [[:send :y [0 1]]]}";

#[test]
fn real_time_hides_no_circle_that_does_without() {
    assert_eq!(kinds(Log::new(), BOTH), ["G1c"]);
    let timeless = Log::new().allow(LogAnomaly::G1cRealtime);
    assert_eq!(kinds(timeless, BOTH), ["G1c"]);
}

#[test]
fn a_circle_hides_no_other() {
    for history in [format!("{BOTH}{LATER}"), format!("{LATER}{BOTH}")] {
        assert_eq!(kinds(Log::new(), &history), ["G1c", "G1c-realtime"]);
        let timed = Log::new().allow(LogAnomaly::G1c);
        assert_eq!(kinds(timed, &history), ["G1c-realtime"]);
    }
}
