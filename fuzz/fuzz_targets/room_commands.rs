#![no_main]

#[path = "../../wire-format/tests/room_commands/mod.rs"]
mod room_commands;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = room_commands::run(data);
});
