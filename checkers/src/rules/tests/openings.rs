//! What a bank was opened with is where its accounts begin.

use rupture_history::codec;

use super::*;
use crate::rules::Bank;

fn judge(history: &str) -> Verdict {
    let history = codec::read(history.as_bytes()).unwrap();
    Bank::new().check(&history, &Budget::unlimited()).unwrap()
}

fn kinds(verdict: &Verdict) -> Vec<&str> {
    verdict.anomalies.iter().map(|it| &*it.kind).collect()
}

#[test]
fn money_does_not_move_without_a_transfer() {
    let verdict = judge(
        "{:process 0 :type :invoke :f :open :value {0 20, 1 80}}
         {:process 0 :type :ok :f :open :value {0 20, 1 80}}
         {:process 0 :type :invoke :f :read}
         {:process 0 :type :ok :f :read :value {0 0, 1 100}}",
    );
    assert_eq!(kinds(&verdict), ["unexplained-balance"; 2]);
    let evidence = &verdict.anomalies[0].evidence;
    let functions: Vec<&str> = evidence.iter().map(|it| &*it.f).collect();
    assert_eq!(functions, ["open", "read"]);
}

#[test]
fn an_account_that_was_never_opened_is_unexpected() {
    let opened = "{:process 0 :type :invoke :f :open :value {0 20, 1 0}}
                  {:process 0 :type :ok :f :open :value {0 20, 1 0}}
                  {:process 0 :type :invoke :f :read}";
    let more = "{:process 0 :type :ok :f :read :value {0 20, 1 0, 7 0}}";
    let verdict = judge(&format!("{opened} {more}"));
    assert_eq!(kinds(&verdict), ["unexpected-key"]);
    let summary = "the read of event 3 shows the account 7, and the open of event 1 does not";
    assert_eq!(verdict.anomalies[0].summary, summary);
    // A store may delete what is empty.
    let fewer = "{:process 0 :type :ok :f :read :value {0 20}}";
    let verdict = judge(&format!("{opened} {fewer}"));
    assert_eq!(verdict.validity, Validity::Valid);
}

#[test]
fn a_wrong_total_is_shown_beside_the_opening() {
    let verdict = judge(
        "{:process 0 :type :invoke :f :open :value {0 20}}
         {:process 0 :type :ok :f :open :value {0 20}}
         {:process 0 :type :invoke :f :read}
         {:process 0 :type :ok :f :read :value {0 21}}",
    );
    assert_eq!(kinds(&verdict), ["wrong-total"]);
    assert_eq!(verdict.anomalies[0].evidence.len(), 2);
}

#[test]
fn an_opening_that_failed_says_nothing() {
    let verdict = judge(
        "{:process 0 :type :invoke :f :open :value {0 100}}
         {:process 0 :type :fail :f :open :value {0 100}}
         {:process 0 :type :invoke :f :read}
         {:process 0 :type :ok :f :read :value {0 90}}
         {:process 0 :type :invoke :f :read}
         {:process 0 :type :ok :f :read :value {0 90}}",
    );
    assert_eq!(verdict.validity, Validity::Valid);
}

#[test]
fn only_a_certain_opening_before_everything_else_says_how_accounts_began() {
    let read =
        "{:process 1 :type :invoke :f :read} {:process 1 :type :ok :f :read :value {0 0, 1 100}}";
    let open = |kind: &str, value: &str| {
        format!(
            "{{:process 0 :type :invoke :f :open :value {value}}} {{:process 0 :type :{kind} :f :open :value {value}}}"
        )
    };
    let (one, other) = ("{0 20, 1 80}", "{0 30, 1 70}");
    for history in [
        format!("{} {read}", open("info", one)),
        format!("{read} {}", open("ok", one)),
        format!("{} {} {read}", open("ok", one), open("ok", other)),
    ] {
        assert_eq!(judge(&history).validity, Validity::Valid, "{history}");
    }
}

#[test]
fn totals_beyond_64_bits_are_added_up() {
    let most = i64::MAX;
    let verdict = judge(&format!(
        "{{:process 0 :type :invoke :f :open :value {{0 {most}, 1 {most}}}}}
         {{:process 0 :type :ok :f :open :value {{0 {most}, 1 {most}}}}}
         {{:process 0 :type :invoke :f :read}}
         {{:process 0 :type :ok :f :read :value {{0 {most}, 1 {most}}}}}"
    ));
    assert_eq!(verdict.validity, Validity::Valid);
}
