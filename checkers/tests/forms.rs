//! Forms that values take in other people's files.

use std::fmt::Write;

use rupture_checkers::history::{Validity, codec};
use rupture_checkers::{Budget, CheckError, Options, checker};

fn judge(
    model: &str,
    independent: bool,
    operations: &[(&str, &str, &str)],
) -> Result<Validity, CheckError> {
    let mut text = String::new();
    for (f, invoked, ok) in operations {
        writeln!(
            text,
            "{{:process 0 :type :invoke :f :{f} :value {invoked}}}"
        )
        .unwrap();
        writeln!(text, "{{:process 0 :type :ok :f :{f} :value {ok}}}").unwrap();
    }
    let history = codec::read(text.as_bytes()).unwrap();
    let options = Options {
        independent,
        ..Options::default()
    };
    let judge = checker(model, None, &options).unwrap();
    judge
        .check(&history, &Budget::unlimited())
        .map(|verdict| verdict.validity)
}

#[test]
fn a_bank_may_be_read_as_a_vector() {
    let reads = |second| {
        let transfer = "{:from 0 :to 1 :amount 5}";
        let all = [
            ("read", "nil", "[28 1 6 2]"),
            ("transfer", transfer, transfer),
            ("read", "nil", second),
            ("read", "nil", "{0 23, 1 6, 2 6, 3 2}"),
        ];
        judge("bank", false, &all)
    };
    assert_eq!(reads("[23 6 6 2]").unwrap(), Validity::Valid);
    assert_eq!(reads("[23 1 6 2]").unwrap(), Validity::Invalid);
    assert!(reads("#{23 1 6 2}").is_err(), "a set has no places");
}

#[test]
fn a_token_may_be_the_fence_of_a_map() {
    let locks = |second| {
        let all = [
            ("acquire", "nil", "{:client :a, :fence 8}"),
            ("release", "{:fence 8}", "{:fence 8}"),
            ("acquire", "nil", second),
        ];
        judge("fenced-lock", false, &all)
    };
    assert_eq!(locks("{:fence 9}").unwrap(), Validity::Valid);
    assert_eq!(locks("{:fence 8}").unwrap(), Validity::Invalid);
    assert!(locks("{:client :a}").is_err());
}

#[test]
fn keys_of_strings_may_stand_in_the_value() {
    let get = |seen| {
        let all = [
            ("put", "[:a \"x\"]", "[:a \"x\"]"),
            ("append", "[:b \"y\"]", "[:b \"y\"]"),
            ("get", "[:a nil]", seen),
        ];
        judge("kv-append", true, &all)
    };
    assert_eq!(get("[:a \"x\"]").unwrap(), Validity::Valid);
    assert_eq!(get("[:a \"xy\"]").unwrap(), Validity::Invalid);
}

#[test]
fn a_read_of_a_transaction_may_leave_its_value_out_until_it_is_answered() {
    for (model, write, read) in [
        ("list-append", "[:append :x 1]", "[:r :x [1]]"),
        ("rw-register", "[:w :x 1]", "[:r :x 1]"),
    ] {
        let (asked, answered) = (format!("[{write} [:r :x]]"), format!("[{write} {read}]"));
        let judged = judge(model, false, &[("txn", &asked, &answered)]);
        assert_eq!(judged.unwrap(), Validity::Valid, "{model}");
        let error = judge(model, false, &[("txn", &asked, &asked)]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`[:r :x]` is no such micro-operation"),
            "{error}"
        );
        let error = judge(model, false, &[("txn", "[[:w :x]]", "[[:w :x]]")]);
        assert!(error.is_err());
    }
}
