//! What a verdict tells: the same in text and in JSON, and as much as was asked for.

use serde_json::Value;

use crate::{expect, scratch, write};

/// Registers of so many keys, each of which is read as nobody wrote it.
fn violated(keys: usize) -> String {
    (0..keys).map(violated_key).collect()
}

fn violated_key(key: usize) -> String {
    let event = |kind, f, value| {
        format!("{{:process 0, :type :{kind}, :f :{f}, :value [{key} {value}]}}\n")
    };
    event("invoke", "write", "1")
        + &event("ok", "write", "1")
        + &event("invoke", "read", "nil")
        + &event("ok", "read", "2")
}

#[test]
fn as_many_anomalies_are_printed_as_were_asked_for() {
    let folder = scratch();
    write(&folder, "keys.edn", violated(5));
    for (asked, shown, more) in [("all", 5, ""), ("5", 5, ""), ("4", 4, "1"), ("1", 1, "4")] {
        let check = ["check", "--independent", "--anomalies", asked, "keys.edn"];
        let (printed, _) = expect(1, folder.path(), &check);
        let count = printed.matches("nonlinearizable, key").count();
        assert_eq!(count, shown, "{asked}: {printed}");
        let told = format!("and {more} more; all of them stand in --json");
        let is_told = printed.contains(&told);
        assert_eq!(is_told, !more.is_empty(), "{asked}: {printed}");
        assert!(!printed.contains("verdict.json"), "{printed}");
    }
}

#[test]
fn the_levels_that_fail_are_told_in_text_as_in_json() {
    let bank =
        "{:process 0 :type :invoke :f :read} {:process 0 :type :ok :f :read :value {0 49 1 51}}
        {:process 0 :type :invoke :f :read} {:process 0 :type :ok :f :read :value {0 49 1 52}}
        {:process 0 :type :invoke :f :transfer :value {:from 0 :to 1 :amount 1}}
        {:process 0 :type :ok :f :transfer :value {:from 0 :to 1 :amount 1}}";
    let stale = "{:process 0 :type :invoke :f :broadcast :value 1} {:process 0 :type :ok :f :broadcast :value 1}
        {:process 1 :type :invoke :f :read} {:process 1 :type :ok :f :read :value []}
        {:process 1 :type :invoke :f :read} {:process 1 :type :ok :f :read :value [1]}";
    let folder = scratch();
    for (text, code, not) in [(bank, 1, "snapshot-isolation"), (stale, 0, "linearizable")] {
        write(&folder, "h.edn", text);
        let (printed, _) = expect(code, folder.path(), &["check", "--json", "h.edn"]);
        let verdict: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(verdict["not"], serde_json::json!([not]));
        let (printed, _) = expect(code, folder.path(), &["check", "h.edn"]);
        let line = format!("  not {not}");
        assert!(printed.lines().any(|told| told == line), "{printed}");
    }
    write(&folder, "h.edn", violated(1));
    let (printed, _) = expect(1, folder.path(), &["check", "h.edn"]);
    assert!(
        !printed.contains("not linearizable"),
        "the first line says it: {printed}"
    );
}

#[test]
fn a_level_that_other_models_have_is_answered_with_the_nearest() {
    let folder = scratch();
    write(&folder, "h.edn", "");
    for (level, nearest) in [
        (
            "causal-memory",
            "above it: strong-session-serializable; the nearest below it: causal",
        ),
        ("pram", "above it: strong-session-serializable"),
    ] {
        let check = ["check", "-m", "list-append", "-c", level, "h.edn"];
        let (_, complaint) = expect(254, folder.path(), &check);
        let words = format!("the nearest {nearest}");
        assert!(complaint.trim_end().ends_with(&words), "{complaint}");
    }
    let check = ["check", "-m", "list-append", "-c", "serialisable", "h.edn"];
    let (_, complaint) = expect(254, folder.path(), &check);
    assert!(
        complaint.contains("did you mean `serializable`"),
        "{complaint}"
    );
}

#[test]
fn an_error_says_that_the_model_was_guessed_and_an_empty_history_leads_to_no_guess() {
    let folder = scratch();
    // A guess that the values do not fit.
    write(
        &folder,
        "h.edn",
        "{:process 0 :type :invoke :f :insert :value 1} {:process 0 :type :ok :f :insert :value 1}
        {:process 0 :type :invoke :f :extract-max :value nil} {:process 0 :type :ok :f :extract-max :value \"a\"}",
    );
    let (_, complaint) = expect(254, folder.path(), &["check", "h.edn"]);
    let words = "the model priority-queue was guessed from the operations; --model says otherwise";
    assert!(complaint.contains(words), "{complaint}");
    let check = ["check", "--model", "priority-queue", "h.edn"];
    let (_, complaint) = expect(254, folder.path(), &check);
    assert!(!complaint.contains("guessed"), "{complaint}");
    // Nor do the events of the nemesis say anything.
    for text in ["", "{:process :nemesis :type :info :f :start :value nil}"] {
        write(&folder, "h.edn", text);
        let (printed, _) = expect(2, folder.path(), &["check", "h.edn"]);
        assert!(!printed.contains("guessed"), "{printed}");
        assert!(printed.contains("--model names it"), "{printed}");
    }
}

#[test]
fn the_json_of_a_run_and_of_a_search_names_the_folder_of_its_results() {
    let folder = scratch();
    let run = ["run", "--time-limit", "2", "--json"];
    for (more, file) in [
        (&[][..], "verdict.json"),
        (&["--seeds", "0..2"], "index.jsonl"),
    ] {
        let (printed, _) = expect(0, folder.path(), &[&run[..], more].concat());
        let verdict: Value = serde_json::from_str(&printed).unwrap();
        let results = verdict["results"].as_str().expect("a path");
        assert!(
            folder.path().join(results).join(file).is_file(),
            "{results}"
        );
    }
}
