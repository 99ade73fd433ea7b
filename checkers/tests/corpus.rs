//! Every history of `shared/histories` that the models here speak gets its published verdict, but for one
//! in which no client does anything: Knossos calls that valid, and here it is unknown.

use std::path::{Path, PathBuf};

use rupture_checkers::history::{Outcome, Validity, Verdict, codec};
use rupture_checkers::{Budget, Options, checker};

const MODELS: [&str; 5] = [
    "bank",
    "cas-register",
    "kv-append",
    "list-append",
    "long-fork",
];

/// Files without a published verdict, the models that they speak, and what we say.
const OTHERS: [(&str, &str, Validity); 5] = [
    ("elle-cli/bank.edn", "bank", Validity::Valid),
    ("elle-cli/counter.edn", "counter", Validity::Valid),
    ("elle-cli/rw-register.edn", "rw-register", Validity::Invalid),
    ("elle-cli/set.edn", "set-full", Validity::Valid),
    ("elle-cli/set_full.edn", "set-full", Validity::Invalid),
];

/// Nothing was seen to happen in these two, and Knossos calls them valid. So do we, and only such: every operation
/// failed, and a compare-and-set among them was refused by a register that was there.
const REFUSED: [&str; 2] = [
    "knossos/good/mongodb-v0-ack-rollback-10.edn",
    "knossos/good/mongodb-v0-ack-rollback-9.edn",
];

const EMPTY: &str = "knossos/good/mongodb-v0-ack-rollback-.edn";

fn folder() -> Option<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The corpus lies beside the repository.
    let folder = manifest.ancestors().map(|up| up.join("shared/histories"));
    folder
        .into_iter()
        .find(|folder| folder.join("VERDICTS.tsv").is_file())
}

struct Row {
    file: String,
    model: String,
    consistency: Option<String>,
    expected: Validity,
    options: Options,
}

fn rows(folder: &Path) -> Vec<Row> {
    let table = std::fs::read_to_string(folder.join("VERDICTS.tsv")).unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        Row {
            file: fields[0].to_owned(),
            model: fields[1].to_owned(),
            consistency: Some(fields[2].to_owned()).filter(|level| !level.is_empty()),
            expected: match fields[3] {
                _ if fields[0] == EMPTY => Validity::Unknown,
                "true" => Validity::Valid,
                "false" => Validity::Invalid,
                _ => Validity::Unknown,
            },
            options: Options {
                independent: false,
                observe_failed_cas: fields[4].contains("--observe-failed-cas"),
                ..Options::default()
            },
        }
    };
    let rows = table.lines().skip(1).map(row);
    rows.filter(|row| MODELS.contains(&&*row.model)).collect()
}

fn judge(folder: &Path, row: &Row) -> Verdict {
    let bytes = std::fs::read(folder.join(&row.file)).unwrap();
    let history = codec::read(&bytes).unwrap_or_else(|error| panic!("{}: {error}", row.file));
    let judge = checker(&row.model, row.consistency.as_deref(), &row.options).unwrap();
    judge
        .check(&history, &Budget::unlimited())
        .unwrap_or_else(|error| panic!("{}: {error}", row.file))
}

#[test]
fn published_verdicts() {
    let Some(folder) = folder() else {
        println!("skipped: no folder shared/histories beside the repository");
        return;
    };
    let rows = rows(&folder);
    assert!(rows.len() > 100, "{}", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let verdict = judge(&folder, row);
        if verdict.validity != row.expected {
            wrong.push(format!("{}: {:?}", row.file, verdict.validity));
        }
        if REFUSED.contains(&&*row.file) {
            let history = codec::read(&std::fs::read(folder.join(&row.file)).unwrap()).unwrap();
            let operations = history.operations().unwrap();
            assert!(operations.iter().all(|o| o.outcome == Outcome::Fail));
            assert_eq!(verdict.validity, Validity::Valid, "{}", row.file);
        }
        if verdict.validity == Validity::Unknown {
            continue;
        }
        if verdict.validity == Validity::Valid {
            assert_eq!(verdict.explained, verdict.operations, "{}", row.file);
            continue;
        }
        let anomaly = &verdict.anomalies[0];
        if ["cas-register", "kv-append"].contains(&&*row.model) {
            assert!(verdict.explained < verdict.operations, "{}", row.file);
        }
        assert!(!anomaly.evidence.is_empty(), "{}", row.file);
        println!("{}: {} operations", row.file, anomaly.evidence.len());
        println!("  {}", anomaly.summary);
        for line in &anomaly.explanation {
            println!("    {line}");
        }
        assert_eq!(verdict, judge(&folder, row), "{}", row.file);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_without_a_published_verdict_are_judged() {
    let Some(folder) = folder() else {
        println!("skipped: no folder shared/histories beside the repository");
        return;
    };
    for (file, model, expected) in OTHERS {
        let row = Row {
            file: file.to_owned(),
            model: model.to_owned(),
            consistency: None,
            expected,
            options: Options::default(),
        };
        let verdict = judge(&folder, &row);
        assert_eq!(verdict.validity, expected, "{file}: {verdict:#?}");
    }
}
