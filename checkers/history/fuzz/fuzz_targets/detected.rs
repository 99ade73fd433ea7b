//! The reader that chooses the format: any bytes are a history or an error, and JSON written is JSON read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rupture_history::codec::{self, Format};

fuzz_target!(|bytes: &[u8]| {
    let Ok(history) = codec::read(bytes) else {
        return;
    };
    let mut text = String::new();
    codec::jsonl::write_history(&mut text, &history);
    let again = codec::read_as(Format::Json, text.as_bytes()).expect("our own writing");
    assert_eq!(again.len(), history.len());
});
