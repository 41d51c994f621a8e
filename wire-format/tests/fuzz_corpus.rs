//! Goal: what the fuzzer ever found interesting is read or refused, never worse.
//! Method: every file of its corpus goes through the same two functions as in `fuzz/`.

mod room_commands;

use std::path::Path;

use wire_format::{ClientMessage, decode_order};

#[test]
fn everything_that_the_fuzzer_ever_kept_is_survived() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/message");
    let files = std::fs::read_dir(corpus).expect("the corpus is there");
    let mut read = 0;
    for file in files {
        let bytes = std::fs::read(file.expect("readable").path()).expect("readable");
        let is_read = ClientMessage::decode(&bytes).is_ok() | decode_order(&bytes).is_ok();
        read += u32::from(is_read);
    }
    assert!(read > 10, "only {read} of them make sense, so the corpus is of no use");
}

#[test]
fn rooms_survive_every_sequence_of_commands_that_the_fuzzer_ever_kept() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/room_commands");
    let files = std::fs::read_dir(corpus).expect("the corpus is there");
    let mut done = 0;
    for file in files {
        let bytes = std::fs::read(file.expect("readable").path()).expect("readable");
        done += room_commands::run(&bytes);
    }
    assert!(done > 50, "only {done} commands were carried out, so the corpus is of no use");
}
