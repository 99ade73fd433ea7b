//! Words as a shell reads them back: whoever copies a printed command runs what it says.

use std::path::Path;

use crate::screen::is_unprintable;

/// A word, quoted where a shell would take it for something else.
pub fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=.,/:+@%".contains(c);
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if !word.chars().any(is_unprintable) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let inside = word.chars().map(|c| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if is_unprintable(c) && c.is_ascii() => format!("\\x{:02x}", c as u32),
        c if is_unprintable(c) => format!("\\U{:08x}", c as u32),
        c => c.to_string(),
    });
    format!("$'{}'", inside.collect::<String>())
}

/// A path as an argument; one that begins with a dash must not be taken for an option.
pub fn quote_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.starts_with('-') {
        quote(&format!("./{text}"))
    } else {
        quote(&text)
    }
}

/// A whole command.
pub fn command(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
    format!("rupture {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were() {
        for (word, quoted) in [
            ("--nodes=3", "--nodes=3"),
            ("a b", "'a b'"),
            ("", "''"),
            ("~x", "'~x'"),
            ("=x", "'=x'"),
            ("it's", r"'it'\''s'"),
            ("a\nit's\u{202e}", r"$'a\x0ait\'s\U0000202e'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
        assert_eq!(quote_path(Path::new("-x/y z")), "'./-x/y z'");
    }
}
