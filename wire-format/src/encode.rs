//! What the server says. An event is encoded once, whatever the number of sessions that hear it.

use room_rules::{Event, Reply, ServerTime, Snapshot};
use serde::Serialize;

use crate::body::{ReplyData, SnapshotBody, event_body};
use crate::{Code, stream_name};

/// Encodes an event as every session of the room receives it.
pub fn encode_event(event: &Event) -> String {
    let (t, d) = event_body(&event.body);
    write(&Envelope {
        v: 1,
        t,
        rid: None,
        code: None,
        s: Some(stream_name(event.body.stream())),
        q: Some(event.sequence),
        st: Some(event.at.unix_millis()),
        d,
    })
}

/// Encodes the answer to a command that was carried out.
pub fn encode_ack(rid: Option<&str>, reply: &Reply, at: ServerTime) -> String {
    answer("ack", rid, None, at, ReplyData::from(reply))
}

/// Encodes the answer to `hello`.
pub fn encode_hello_ack(rid: Option<&str>, snapshot: &Snapshot) -> String {
    answer("ack", rid, None, snapshot.at, SnapshotBody::from(snapshot))
}

/// Encodes the first message on the data channels of a session.
pub fn encode_welcome(snapshot: &Snapshot) -> String {
    answer("welcome", None, None, snapshot.at, SnapshotBody::from(snapshot))
}

/// Encodes the answer to a message that was turned down.
pub fn encode_err(rid: Option<&str>, code: Code, message: &str, at: ServerTime) -> String {
    answer("err", rid, Some(code.as_str()), at, MessageBody { message })
}

/// Encodes what a host with several encodings of its picture is asked to send: by name, whether
/// somebody takes it.
pub fn encode_layers(layers: &[(String, bool)], at: ServerTime) -> String {
    let layers: Vec<_> =
        layers.iter().map(|(rid, active)| LayerBody { rid, active: *active }).collect();
    answer("publish.layers", None, None, at, LayersBody { layers })
}

/// Encodes the answer to `clk.ping`: the client's `c0`, and room time in milliseconds when the ping
/// came in (`s1`) and when this went out (`s2`).
pub fn encode_pong(c0: &serde_json::Number, s1_ms: f64, s2_ms: f64) -> String {
    let d = PongBody { c0, s1: s1_ms, s2: s2_ms };
    write(&Envelope { v: 1, t: "clk.pong", rid: None, code: None, s: None, q: None, st: None, d })
}

fn answer(
    t: &'static str,
    rid: Option<&str>,
    code: Option<&'static str>,
    at: ServerTime,
    d: impl Serialize,
) -> String {
    write(&Envelope { v: 1, t, rid, code, s: None, q: None, st: Some(at.unix_millis()), d })
}

/// Encodes something that is not numbered because it is told again soon.
pub(crate) fn write_news(t: &'static str, at: ServerTime, d: impl Serialize) -> String {
    let st = Some(at.unix_millis());
    write(&Envelope { v: 1, t, rid: None, code: None, s: None, q: None, st, d })
}

/// Writes a type that is made of strings, numbers and nothing else.
pub(crate) fn write(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("string keys and finite numbers always encode")
}

#[derive(Serialize)]
struct Envelope<'a, D> {
    v: u32,
    t: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    st: Option<u64>,
    d: D,
}

#[derive(Serialize)]
struct MessageBody<'a> {
    message: &'a str,
}

#[derive(schemars::JsonSchema, Serialize)]
pub(crate) struct LayersBody<'a> {
    layers: Vec<LayerBody<'a>>,
}

#[derive(schemars::JsonSchema, Serialize)]
struct LayerBody<'a> {
    rid: &'a str,
    active: bool,
}

#[derive(Serialize)]
struct PongBody<'a> {
    c0: &'a serde_json::Number,
    s1: f64,
    s2: f64,
}
