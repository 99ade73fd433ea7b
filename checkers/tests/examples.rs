//! Every public item has an example that runs.
//!
//! The sources are read as text. An item counts if it stands at the beginning of a line in a module of these
//! crates and can be reached: its module is public, or a `pub use` names the item. That finds items and not
//! their methods, and trusts that sources are formatted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Items that need no example of their own, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "linearizability/online.rs: Found",
        "what `Online::push` finds, in the example of `Online`",
    ),
    (
        "linearizability/online.rs: Standing",
        "what `Online::finish` returns, in the example of `Online`",
    ),
    (
        "linearizability/online/watch.rs: Watch",
        "what `watcher` returns, in its example",
    ),
];

/// What a walk through the sources of a crate found.
#[derive(Debug, Default)]
struct Found {
    /// Every item that can be reached, as `path/of/file.rs: name`.
    items: BTreeSet<String>,
    /// Those of them without an example.
    bare: BTreeSet<String>,
    /// Names that a `pub use` exports.
    exported: BTreeSet<String>,
}

/// A source that is yet to be read.
struct Source {
    file: PathBuf,
    /// Where the files of its modules are.
    folder: PathBuf,
    public: bool,
}

fn walk(root: &Path) -> Found {
    let mut found = Found::default();
    let mut left = vec![Source {
        file: root.join("lib.rs"),
        folder: root.to_owned(),
        public: true,
    }];
    let mut texts = Vec::new();
    while let Some(source) = left.pop() {
        let text = fs::read_to_string(&source.file)
            .unwrap_or_else(|error| panic!("{}: {error}", source.file.display()));
        found.exported.extend(exports(&text));
        for (name, public) in modules(&text) {
            left.push(Source {
                file: source.folder.join(format!("{name}.rs")),
                folder: source.folder.join(name),
                public: public && source.public,
            });
        }
        texts.push((source, text));
    }
    for (source, text) in texts {
        let file = source.file.strip_prefix(root).expect("below the root");
        for (name, has_example) in items(&text) {
            if source.public || found.exported.contains(name) {
                let item = format!("{}: {name}", file.display());
                if !has_example {
                    found.bare.insert(item.clone());
                }
                found.items.insert(item);
            }
        }
    }
    found
}

/// The modules that a source declares in files of their own, and whether they are public. Tests are none.
fn modules(text: &str) -> Vec<(&str, bool)> {
    let mut modules = Vec::new();
    let mut in_tests = false;
    for line in text.lines() {
        let (public, rest) = match line.strip_prefix("pub ") {
            Some(rest) => (true, rest),
            None => (false, line.strip_prefix("pub(crate) ").unwrap_or(line)),
        };
        let name = rest.strip_prefix("mod ").and_then(|l| l.strip_suffix(';'));
        modules.extend(name.filter(|_| !in_tests).map(|name| (name, public)));
        in_tests = line == "#[cfg(test)]";
    }
    modules
}

/// The names that a source exports from its modules. What comes from another crate has its example there.
fn exports(text: &str) -> Vec<String> {
    let uses = text.split("pub use ").skip(1);
    let clauses = uses.filter_map(|rest| rest.split_once(';').map(|(clause, _)| clause));
    let own = clauses.filter(|clause| !clause.starts_with("rupture_"));
    let mut names = Vec::new();
    for clause in own {
        assert!(
            !clause.contains('*'),
            "a glob hides what it exports: {clause}"
        );
        assert!(
            !clause.contains(" as "),
            "a new name hides the old: {clause}"
        );
        let (_, list) = clause.rsplit_once("::").unwrap_or(("", clause));
        let list = clause.split_once('{').map_or(list, |(_, list)| list);
        let each = list.trim_end_matches('}').split(',').map(str::trim);
        names.extend(each.filter(|name| !name.is_empty()).map(str::to_owned));
    }
    names
}

/// The public items of a source, and whether the comment before each has an example.
fn items(text: &str) -> Vec<(&str, bool)> {
    let mut items = Vec::new();
    let mut has_example = false;
    for line in text.lines() {
        if let Some(doc) = line.strip_prefix("///") {
            has_example |= doc.trim_start().starts_with("```");
        } else if let Some(name) = item(line) {
            items.push((name, has_example));
            has_example = false;
        } else if line.is_empty() || line == "}" {
            has_example = false;
        }
    }
    items
}

fn item(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ")?;
    let rest = rest
        .strip_prefix("const fn ")
        .map_or(rest, |_| &rest["const ".len()..]);
    let (kind, rest) = rest.split_once(' ')?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    matches!(kind, "struct" | "enum" | "trait" | "fn" | "type" | "union").then(|| &rest[..end])
}

fn assert_examples(root: &str, least: usize) {
    let found = walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root));
    let name = |item: &String| item.rsplit(' ').next().unwrap_or_default().to_owned();
    let names: BTreeSet<String> = found.items.iter().map(name).collect();
    let lost: Vec<&String> = found.exported.difference(&names).collect();
    assert!(
        lost.is_empty(),
        "exported, and this test cannot find where from: {lost:?}"
    );
    assert!(
        found.items.len() >= least,
        "only {} items: {found:?}",
        found.items.len()
    );
    let excepted = |item: &String| EXCEPTIONS.iter().any(|(name, _)| name == item);
    let bare: Vec<&String> = found.bare.iter().filter(|item| !excepted(item)).collect();
    assert!(
        bare.is_empty(),
        "public, without an example that runs: {bare:#?}"
    );
}

#[test]
fn every_public_item_of_the_checkers_has_an_example() {
    assert_examples("src", 50);
}

#[test]
fn every_public_item_of_the_histories_has_an_example() {
    assert_examples("history/src", 25);
}

#[test]
fn every_exception_is_an_item_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut items = walk(&root.join("src")).items;
    items.extend(walk(&root.join("history/src")).items);
    for (item, reason) in EXCEPTIONS {
        assert!(
            items.contains(*item),
            "there is no {item} that can be reached"
        );
        assert!(!reason.is_empty(), "{item} has no reason");
    }
}

#[test]
fn an_item_without_an_example_is_found() {
    let text = "/// Has one.\n///\n/// ```\n/// ```\n#[derive(Debug)]\npub struct With {\n    pub x: u8,\n}\n\n\
                /// Has none.\npub fn without() {}\n\n/// Not public.\nfn inner() {}\n\npub const fn bare() {}\n";
    assert_eq!(
        items(text),
        [("With", true), ("without", false), ("bare", false)]
    );
}

#[test]
fn what_can_be_reached_is_found() {
    let text = "mod a;\npub mod b;\n#[cfg(test)]\nmod tests;\npub use a::{A, B};\npub use b::C;\n\
                pub mod op {\n    pub use super::a::D;\n}\npub use rupture_history as history;\n";
    assert_eq!(modules(text), [("a", false), ("b", true)]);
    assert_eq!(exports(text), ["A", "B", "C", "D"]);
}
