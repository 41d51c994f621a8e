//! The values of the fixtures about sessions: resuming, gaps, batches, coming back later.

use room_rules::{Event, EventBody, Rejected, RoomState, Stream};
use wire_format::{
    Code, SessionName, encode_batch, encode_event, encode_reconnect, encode_refusal,
    encode_resumed, encode_resynced,
};

use super::now;

pub(super) fn said() -> Vec<(&'static str, String)> {
    let too_early = Rejected::NotOpen { opens_in_ms: 1_500 }.to_string();
    let name = SessionName { sid: "s-1", epoch: "01M3251DT7000000000G000001" };
    let body = EventBody::RoomState { state: RoomState::Live, reason: None, note: None };
    let live = encode_event(&Event { at: now(), sequence: 14, body });
    let batch = encode_batch(Stream::Room, [14, 14], [live.as_str()].into_iter(), now());
    vec![
        (
            "err of an order that is too early",
            encode_refusal(Some("7"), Code::NotOpen, &too_early, Some(1_500), now()),
        ),
        ("ack of hello that resumes", encode_resumed(Some("1"), name, 3, now())),
        ("ack of resync", encode_resynced(Some("7"), 2, now())),
        ("reconnect", encode_reconnect(1_250, None, now())),
        ("batch", batch),
    ]
}
