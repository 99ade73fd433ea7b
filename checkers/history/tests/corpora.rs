//! Every history that other tools recorded reads and pairs without an error. The files lie beside the
//! repository; where they do not, the test says so and passes, and `dialects.rs` has a small file of each kind.

use std::fs;
use std::path::{Path, PathBuf};

use rupture_history::codec;

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a readable folder");
    for entry in entries {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if !matches!(
            path.extension().and_then(|name| name.to_str()),
            Some("md" | "tsv")
        ) {
            found.push(path);
        }
    }
}

#[test]
fn every_recorded_history_reads_and_pairs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/histories");
    if !folder.is_dir() {
        println!("skipped: there is no folder {}", folder.display());
        return;
    }
    let mut files = Vec::new();
    files_below(&folder, &mut files);
    files.sort();
    assert!(files.len() > 100, "only {} files", files.len());
    let mut events = 0;
    for file in files {
        let bytes = fs::read(&file).expect("a readable file");
        let history = codec::read(&bytes)
            .map_err(|error| error.with_file(file.display().to_string()))
            .unwrap_or_else(|error| panic!("{error}"));
        history
            .operations()
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        events += history.len();
    }
    println!("{events} events");
    assert!(events > 10_000);
}
