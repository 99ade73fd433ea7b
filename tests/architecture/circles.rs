//! Reads which module of a crate uses which, and finds circles among them.
//!
//! A path counts where it leads, not where it passes: `crate::Model` is followed through the re-export to the module
//! that has `Model`. A module may use what its parents have in common for all their children, so arrows to an ancestor
//! do not count; arrows from a parent to a child do. Test code does not count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A module is named by its path within the crate: `isolation::graph`. The root is the empty name.
type Name = String;

/// An arrow between modules, with the path that makes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    pub(crate) from: Name,
    pub(crate) to: Name,
    pub(crate) path: String,
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} uses {} ({})", self.from, self.to, self.path)
    }
}

/// The modules of a crate.
#[derive(Default)]
pub(crate) struct Modules {
    all: BTreeMap<Name, Module>,
}

#[derive(Default)]
struct Module {
    /// Names that `use` brings in, and where they come from.
    imports: BTreeMap<String, Vec<String>>,
    /// Every path in the module.
    paths: BTreeSet<Vec<String>>,
    /// The module has no file of its own, so its arrows are those of the module around it.
    inline: bool,
}

impl Modules {
    /// Reads a crate from its root file, such as `src/lib.rs`.
    pub(crate) fn read(root: &Path) -> Self {
        let mut modules = Self::default();
        let folder = root.parent().expect("a folder").to_owned();
        let mut open = vec![(Name::new(), root.to_owned(), folder)];
        while let Some((name, file, folder)) = open.pop() {
            let text = fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            for child in modules.take(&name, &text) {
                let near = file.parent().expect("a folder");
                let (file, inner) = child.find(near, &folder);
                open.push((join(&name, &child.name), file, inner));
            }
        }
        modules
    }

    /// Takes a module from its text, and says which modules with files of their own it declares.
    fn take(&mut self, name: &str, text: &str) -> Vec<Declared> {
        let mut reader = Reader {
            tokens: tokens(text),
            at: 0,
        };
        reader.module(self, name, false)
    }

    /// Where a path that is written in a module leads, and whether that is a module of this crate.
    fn resolve(&self, from: &str, path: &[String]) -> Option<Name> {
        self.follow(from, path, 0)
    }

    fn follow(&self, from: &str, path: &[String], depth: usize) -> Option<Name> {
        // Two imports that name each other lead nowhere.
        if depth > 16 {
            return None;
        }
        let mut here = from.to_owned();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => {
                here = Name::new();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {}
            first => {
                let child = join(&here, first);
                if self.all.contains_key(&child) {
                    here = child;
                    rest = &rest[1..];
                } else {
                    let source = self.all[&here].imports.get(first)?;
                    if source[..] == *path {
                        return None;
                    }
                    let whole = [&source[..], &rest[1..]].concat();
                    return self.follow(from, &whole, depth + 1);
                }
            }
        }
        for (at, segment) in rest.iter().enumerate() {
            if segment == "super" {
                here = Name::from(parent(&here)?);
                continue;
            }
            let child = join(&here, segment);
            if self.all.contains_key(&child) {
                here = child;
            } else if let Some(source) = self.all[&here].imports.get(segment) {
                let whole = [&source[..], &rest[at + 1..]].concat();
                return self.follow(&here, &whole, depth + 1).or(Some(here));
            } else {
                break;
            }
        }
        Some(here)
    }

    /// The module with a file that a module is part of.
    fn filed(&self, mut name: Name) -> Name {
        while self.all[&name].inline {
            name = parent(&name).unwrap_or_default().to_owned();
        }
        name
    }

    /// Every arrow that counts, one for each pair of modules.
    pub(crate) fn arrows(&self) -> Vec<Arrow> {
        let mut found = BTreeMap::new();
        for (name, module) in &self.all {
            let from = self.filed(name.clone());
            for path in &module.paths {
                let Some(to) = self.resolve(name, path) else {
                    continue;
                };
                let to = self.filed(to);
                if !within(&from, &to) {
                    found
                        .entry((from.clone(), to))
                        .or_insert_with(|| path.join("::"));
                }
            }
        }
        found
            .into_iter()
            .map(|((from, to), path)| Arrow { from, to, path })
            .collect()
    }
}

/// For each group of modules that reach one another, a shortest circle through its first module.
pub(crate) fn circles(arrows: &[Arrow]) -> Vec<Vec<Arrow>> {
    let mut next: BTreeMap<&str, Vec<&Arrow>> = BTreeMap::new();
    for arrow in arrows {
        next.entry(&arrow.from).or_default().push(arrow);
    }
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for &start in next.keys() {
        let circle = circle(start, &next);
        // A circle whose modules were all named tells nothing new.
        if circle.iter().any(|arrow| !named.contains(&*arrow.from)) {
            named.extend(circle.iter().map(|arrow| &*arrow.from));
            found.push(circle.into_iter().cloned().collect());
        }
    }
    found
}

/// A shortest way from a module back to it.
fn circle<'a>(start: &str, next: &BTreeMap<&str, Vec<&'a Arrow>>) -> Vec<&'a Arrow> {
    let mut came: BTreeMap<&str, &'a Arrow> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(here) = open.pop_front() {
        for &arrow in next.get(here).into_iter().flatten() {
            if came.contains_key(&*arrow.to) {
                continue;
            }
            came.insert(&arrow.to, arrow);
            open.push_back(&arrow.to);
        }
        if came.contains_key(start) {
            break;
        }
    }
    let mut way = Vec::new();
    let mut here = start;
    while let Some(&arrow) = came.get(here) {
        way.push(arrow);
        here = &arrow.from;
        if here == start {
            way.reverse();
            return way;
        }
    }
    Vec::new()
}

fn join(module: &str, child: &str) -> Name {
    if module.is_empty() {
        child.to_owned()
    } else {
        format!("{module}::{child}")
    }
}

fn parent(module: &str) -> Option<&str> {
    if module.is_empty() {
        return None;
    }
    Some(module.rsplit_once("::").map_or("", |(parent, _)| parent))
}

/// Whether a module is another one, or lies in it.
pub(crate) fn within(module: &str, outer: &str) -> bool {
    outer.is_empty()
        || module
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// A module that has a file of its own.
struct Declared {
    name: String,
    /// What `#[path]` says.
    path: Option<String>,
}

impl Declared {
    /// Its file, and the folder of its children. `near` is the folder of the file that declares it, `folder` the one
    /// that children of that file lie in.
    fn find(&self, near: &Path, folder: &Path) -> (PathBuf, PathBuf) {
        if let Some(path) = &self.path {
            let file = near.join(path);
            let inner = file.parent().expect("a folder").to_owned();
            return (file, inner);
        }
        let inner = folder.join(&self.name);
        let nested = inner.join("mod.rs");
        if nested.exists() {
            return (nested, inner);
        }
        (folder.join(format!("{}.rs", self.name)), inner)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

/// The words and marks of a source, without its comments.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        at += match rest {
            ['/', '/', ..] => run(rest, |c| c != '\n'),
            ['/', '*', ..] => comment(rest),
            ['r', '"' | '#', ..] if raw(rest).is_some() => raw(rest).unwrap_or(1),
            ['"', ..] => {
                let length = quoted(rest, '"');
                let text = rest[1..length - 1].iter().collect();
                found.push(Token::Text(text));
                length
            }
            ['\'', '\\', ..] => quoted(rest, '\''),
            ['\'', _, '\'', ..] => 3,
            [c, ..] if c.is_alphanumeric() || *c == '_' => {
                let length = run(rest, |c| c.is_alphanumeric() || c == '_');
                found.push(Token::Word(rest[..length].iter().collect()));
                length
            }
            [c, ..] => {
                if !c.is_whitespace() {
                    found.push(Token::Mark(*c));
                }
                1
            }
            [] => break,
        };
    }
    found
}

fn run(chars: &[char], wanted: impl Fn(char) -> bool) -> usize {
    chars.iter().take_while(|&&c| wanted(c)).count()
}

fn comment(chars: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < chars.len() {
        match &chars[at..] {
            ['/', '*', ..] => {
                depth += 1;
                at += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// How long a text in quotes is, with the quotes.
fn quoted(chars: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// How long a raw text is, if it is one.
fn raw(chars: &[char]) -> Option<usize> {
    let hashes = run(&chars[1..], |c| c == '#');
    if chars.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let start = 2 + hashes;
    let inner = chars[start..].windows(end.len()).position(|w| w == end)?;
    Some(start + inner + end.len())
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn word(&self, ahead: usize) -> Option<&str> {
        match self.tokens.get(self.at + ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn mark(&self, ahead: usize) -> Option<char> {
        match self.tokens.get(self.at + ahead) {
            Some(Token::Mark(mark)) => Some(*mark),
            _ => None,
        }
    }

    fn joined(&self, ahead: usize) -> bool {
        self.mark(ahead) == Some(':') && self.mark(ahead + 1) == Some(':')
    }

    /// Reads a module to its closing brace, or to the end of the file.
    fn module(&mut self, modules: &mut Modules, name: &str, inline: bool) -> Vec<Declared> {
        let mut module = Module {
            inline,
            ..Module::default()
        };
        let mut declared = Vec::new();
        let mut path = None;
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match &self.tokens[self.at] {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') if depth == 0 => {
                    self.at += 1;
                    break;
                }
                Token::Mark('}') => depth -= 1,
                Token::Mark('#') if self.is_for_tests() => {
                    self.skip_item();
                    continue;
                }
                Token::Mark('#') if self.word(2) == Some("path") => {
                    if let Some(Token::Text(text)) = self.tokens.get(self.at + 4) {
                        path = Some(text.clone());
                    }
                }
                Token::Word(word) if word == "mod" => {
                    let Some(child) = self.word(1).map(str::to_owned) else {
                        self.at += 1;
                        continue;
                    };
                    self.at += 3;
                    if self.tokens.get(self.at - 1) == Some(&Token::Mark('{')) {
                        let inner = self.module(modules, &join(name, &child), true);
                        assert!(inner.is_empty(), "{name}::{child} declares files");
                    } else {
                        declared.push(Declared {
                            name: child,
                            path: path.take(),
                        });
                    }
                    continue;
                }
                Token::Word(word) if word == "use" => {
                    self.at += 1;
                    self.tree(&mut module, Vec::new());
                    continue;
                }
                Token::Word(_) if self.joined(1) => {
                    let path = self.path();
                    module.paths.insert(path);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        modules.all.insert(name.to_owned(), module);
        declared
    }

    fn is_for_tests(&self) -> bool {
        self.mark(1) == Some('[')
            && self.word(2) == Some("cfg")
            && (self.word(4) == Some("test") || self.word(4) == Some("doctest"))
    }

    /// Skips an item with its attributes, to its semicolon or its closing brace.
    fn skip_item(&mut self) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            let mark = self.mark(0);
            self.at += 1;
            match mark {
                Some('{' | '(' | '[') => depth += 1,
                Some('}') if depth == 1 => return,
                Some('}' | ')' | ']') => depth -= 1,
                Some(';') if depth == 0 => return,
                _ => {}
            }
        }
    }

    fn path(&mut self) -> Vec<String> {
        let mut path = Vec::new();
        while let Some(word) = self.word(0) {
            path.push(word.to_owned());
            self.at += 1;
            if !self.joined(0) || self.word(2).is_none() {
                break;
            }
            self.at += 2;
        }
        path
    }

    /// Reads a tree of `use`, to the mark behind it.
    fn tree(&mut self, module: &mut Module, before: Vec<String>) {
        let mut path = before;
        loop {
            match self.tokens.get(self.at) {
                Some(Token::Word(word)) if word == "as" => {
                    let alias = self.word(1).unwrap_or_default().to_owned();
                    self.at += 2;
                    module.imports.insert(alias, path.clone());
                    module.paths.insert(path);
                    return;
                }
                Some(Token::Word(word)) => {
                    // `use a::b::{self}` is `use a::b`.
                    if word != "self" || path.is_empty() {
                        path.push(word.clone());
                    }
                    self.at += 1;
                }
                Some(Token::Mark(':')) => self.at += 1,
                Some(Token::Mark('{')) => {
                    self.at += 1;
                    while self.at < self.tokens.len() && self.mark(0) != Some('}') {
                        self.tree(module, path.clone());
                        if self.mark(0) == Some(',') {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                Some(Token::Mark('*')) => {
                    self.at += 1;
                    module.paths.insert(path);
                    return;
                }
                _ => {
                    if let Some(name) = path.last() {
                        module.imports.insert(name.clone(), path.clone());
                    }
                    module.paths.insert(path);
                    return;
                }
            }
        }
    }
}

#[test]
fn a_circle_is_found_through_a_re_export_and_not_between_parent_and_child() {
    let mut modules = Modules::default();
    for (name, text) in [
        ("", "mod a; mod b; mod c; pub use a::inner::Deep;"),
        ("a", "mod inner; pub fn shared() { inner::deep() }"),
        (
            "a::inner",
            "use super::shared; use crate::b::Thing; // use crate::c::X;",
        ),
        (
            "b",
            "use crate::{Deep, c as other}; const TEXT: &str = \"crate::c\";",
        ),
        (
            "c",
            "#[cfg(test)] mod tests { use crate::b::Thing; } pub struct X;",
        ),
    ] {
        modules.take(name, text);
    }
    let arrows = modules.arrows();
    let told: Vec<String> = arrows.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            " uses a::inner (a::inner::Deep)",
            "a uses a::inner (inner::deep)",
            "a::inner uses b (crate::b::Thing)",
            "b uses a::inner (crate::Deep)",
            "b uses c (crate::c)",
        ]
    );
    let [circle] = &circles(&arrows)[..] else {
        panic!("{told:?}");
    };
    assert_eq!(circle[..], arrows[2..4]);
}
