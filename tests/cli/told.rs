//! What a verdict tells: the same in text and in JSON, and as much as was asked for.

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
