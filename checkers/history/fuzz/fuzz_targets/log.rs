//! The reader of the text log: any bytes are a history or an error, and what was read is written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rupture_history::codec::{self, Format};

fuzz_target!(|bytes: &[u8]| {
    let Ok(history) = codec::read_as(Format::Log, bytes) else {
        return;
    };
    let _ = history.operations();
    let mut text = String::new();
    codec::edn::write_history(&mut text, &history);
    let again = codec::read_as(Format::Edn, text.as_bytes()).expect("our own writing");
    assert_eq!(again.len(), history.len());
    for (one, other) in history.iter().zip(again.iter()) {
        assert_eq!(one.value(), other.value());
    }
});
