#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = wire_format::ClientMessage::decode(data);
    let _ = wire_format::decode_order(data);
});
