//! What the server says. An event is encoded once, whatever the number of sessions that hear it.

use room_rules::{
    Event, EventBody, ModerationNews, Reply, ServerTime, Snapshot, TalkEvent, Whisper,
};
use serde::Serialize;

use crate::body::{ReplyData, SnapshotBody, WhisperBody, event_body, staff_body};
use crate::{Code, stream_name};

/// Encodes an event as every session of the room receives it.
pub fn encode_event(event: &Event) -> String {
    let (t, d) = event_body(&event.body);
    write(&Envelope {
        must: takes_away(&event.body),
        s: Some(stream_name(event.body.stream())),
        q: Some(event.sequence),
        st: Some(event.at.unix_millis()),
        ..Envelope::of(t, d)
    })
}

/// Returns whether an event takes something off screens. Whoever shows it and does not know how to take
/// it away must not go on showing it.
const fn takes_away(body: &EventBody) -> bool {
    matches!(
        body,
        EventBody::Talk(TalkEvent::Deleted(_) | TalkEvent::Wiped(_) | TalkEvent::QuestionGone(_))
    )
}

/// Encodes news that only those hear who keep order; it is not numbered.
pub fn encode_staff(news: &ModerationNews, at: ServerTime) -> String {
    let (t, d) = staff_body(news);
    write_news(t, at, d)
}

/// Encodes a line that not everybody hears; it is not numbered.
pub fn encode_whisper(whisper: &Whisper, at: ServerTime) -> String {
    write_news("whisper", at, WhisperBody::from(whisper))
}

/// Encodes the answer to a command that was carried out.
pub fn encode_ack(rid: Option<&str>, reply: &Reply, at: ServerTime) -> String {
    answer("ack", rid, at, ReplyData::from(reply))
}

/// Under which name a session may come back, and by which numbering.
#[derive(Clone, Copy, Debug)]
pub struct SessionName<'a> {
    /// The session's name, a secret of its owner.
    pub sid: &'a str,
    /// The life of the room: numbers of another one say nothing here.
    pub epoch: &'a str,
}

/// Encodes the answer to `hello` of a session that begins.
pub fn encode_hello_ack(rid: Option<&str>, name: SessionName<'_>, snapshot: &Snapshot) -> String {
    let SessionName { sid, epoch } = name;
    let (at, snapshot) = (snapshot.at, SnapshotBody::from(snapshot));
    answer("ack", rid, at, BegunBody { sid, epoch, resumed: false, snapshot })
}

/// Encodes the answer to `hello` of a session that goes on; the `missed` events follow.
pub fn encode_resumed(
    rid: Option<&str>,
    name: SessionName<'_>,
    missed: usize,
    at: ServerTime,
) -> String {
    let SessionName { sid, epoch } = name;
    let st = at.unix_millis();
    answer("ack", rid, at, ResumedBody { sid, epoch, resumed: true, missed, st })
}

/// Encodes the answer to `resync`: so many events come again.
pub fn encode_resynced(rid: Option<&str>, missed: usize, at: ServerTime) -> String {
    answer("ack", rid, at, ResyncedBody { missed })
}

/// Encodes the answer to what has no other.
pub fn encode_done(rid: Option<&str>, at: ServerTime) -> String {
    answer("ack", rid, at, ReplyData::from(&Reply::Done))
}

/// Encodes that the connection ends and when to come back, so that not all come at once.
pub fn encode_reconnect(after_ms: u64, url: Option<&str>, at: ServerTime) -> String {
    answer("reconnect", None, at, ReconnectBody { after_ms, url })
}

/// Encodes several events of one stream as one frame. `q` is the first and the last of them.
pub fn encode_batch<'a>(
    stream: room_rules::Stream,
    q: [u64; 2],
    events: impl Iterator<Item = &'a str>,
    at: ServerTime,
) -> String {
    // The events are encoded already; each goes in as it is.
    let (stream, [first, last], st) = (stream_name(stream), q, at.unix_millis());
    let mut text =
        format!(r#"{{"v":1,"t":"batch","s":"{stream}","q":[{first},{last}],"st":{st},"d":["#);
    for (index, event) in events.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(event);
    }
    text.push_str("]}");
    text
}

/// Encodes the first message on the data channels of a session.
pub fn encode_welcome(snapshot: &Snapshot) -> String {
    answer("welcome", None, snapshot.at, SnapshotBody::from(snapshot))
}

/// Encodes the answer to a message that was turned down.
pub fn encode_err(rid: Option<&str>, code: Code, message: &str, at: ServerTime) -> String {
    encode_refusal(rid, code, message, code.retry_ms(), at)
}

/// Encodes the answer to a message that was turned down and may be sent again after `retry_ms`.
pub fn encode_refusal(
    rid: Option<&str>,
    code: Code,
    message: &str,
    retry_ms: Option<u64>,
    at: ServerTime,
) -> String {
    let opens_in_ms = retry_ms.filter(|_| code == Code::NotOpen);
    let d = MessageBody { message, opens_in_ms };
    let (st, code) = (Some(at.unix_millis()), Some(code.as_str()));
    write(&Envelope { rid, code, retry_ms, st, ..Envelope::of("err", d) })
}

/// Encodes what a host with several encodings of its picture is asked to send: by name, whether
/// somebody takes it.
pub fn encode_layers(layers: &[(String, bool)], at: ServerTime) -> String {
    let layers: Vec<_> =
        layers.iter().map(|(rid, active)| LayerBody { rid, active: *active }).collect();
    answer("publish.layers", None, at, LayersBody { layers })
}

/// Encodes the answer to `clk.ping`: the client's `c0`, and room time in milliseconds when the ping
/// came in (`s1`) and when this went out (`s2`).
pub fn encode_pong(c0: &serde_json::Number, s1_ms: f64, s2_ms: f64) -> String {
    write(&Envelope::of("clk.pong", PongBody { c0, s1: s1_ms, s2: s2_ms }))
}

fn answer(t: &'static str, rid: Option<&str>, at: ServerTime, d: impl Serialize) -> String {
    write(&Envelope { rid, st: Some(at.unix_millis()), ..Envelope::of(t, d) })
}

/// Encodes something that is not numbered because it is told again soon.
pub(crate) fn write_news(t: &'static str, at: ServerTime, d: impl Serialize) -> String {
    answer(t, None, at, d)
}

/// Writes a type that is made of strings, numbers and nothing else.
pub(crate) fn write(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("string keys and finite numbers always encode")
}

#[derive(Serialize)]
struct Envelope<'a, D> {
    v: u32,
    t: &'static str,
    /// Whoever does not know this `t` must not go on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    must: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    st: Option<u64>,
    d: D,
}

impl<D> Envelope<'_, D> {
    /// An envelope with nothing on it but what is in it.
    const fn of(t: &'static str, d: D) -> Self {
        let (rid, code, retry_ms) = (None, None, None);
        Self { v: 1, t, must: false, rid, code, retry_ms, s: None, q: None, st: None, d }
    }
}

#[derive(Serialize)]
struct MessageBody<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_in_ms: Option<u64>,
}

#[derive(schemars::JsonSchema, Serialize)]
#[schemars(rename = "Begun")]
pub(crate) struct BegunBody<'a> {
    sid: &'a str,
    epoch: &'a str,
    resumed: bool,
    #[serde(flatten)]
    snapshot: SnapshotBody<'a>,
}

#[derive(schemars::JsonSchema, Serialize)]
#[schemars(rename = "Resumed")]
pub(crate) struct ResumedBody<'a> {
    sid: &'a str,
    epoch: &'a str,
    resumed: bool,
    missed: usize,
    st: u64,
}

#[derive(schemars::JsonSchema, Serialize)]
#[schemars(rename = "Resynced")]
pub(crate) struct ResyncedBody {
    missed: usize,
}

#[derive(schemars::JsonSchema, Serialize)]
#[schemars(rename = "Reconnect")]
pub(crate) struct ReconnectBody<'a> {
    after_ms: u64,
    url: Option<&'a str>,
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
