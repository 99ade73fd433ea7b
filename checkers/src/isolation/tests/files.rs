//! The hand-made histories of `tests/histories/isolation` say which levels they hold; here the oracle says so too.

use std::path::Path;

use rupture_history::codec;

use super::levels::JUDGED;
use super::oracle;
use super::txn::transactions;
use crate::isolation::Level;

/// The levels that a line such as `; strongest held: prefix, serializable` names.
fn named(text: &str, field: &str) -> Vec<Level> {
    let start = format!("; {field}: ");
    let line = text.lines().find_map(|line| line.strip_prefix(&start));
    let line = line.unwrap_or_else(|| panic!("no line of {field}"));
    let names = line.split(", ").filter(|name| *name != "nothing");
    let level = |name: &str| Level::named(name).unwrap_or_else(|| panic!("{field}: {name}"));
    names.map(level).collect()
}

#[test]
fn hand_made_histories_hold_what_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/isolation");
    let mut judged = 0;
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        if text.contains("; model: ") {
            continue;
        }
        let history = codec::read(text.as_bytes()).expect("a history");
        let held = oracle::holds(&transactions(&history));
        let said = named(&text, "strongest held");
        for level in JUDGED {
            let says = said.iter().any(|strong| strong.implies(level));
            assert_eq!(says, held.has(level), "{level}: {}", path.display());
        }
        judged += 1;
    }
    assert!(judged >= 34, "{judged}");
}
