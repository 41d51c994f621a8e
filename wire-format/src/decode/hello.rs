//! What a client says about its session: where it wants to be, what it has already heard.

use room_rules::{CountdownId, RoomId, Stream, Watermarks};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, messages};
use super::{ClientMessage, room_id};
use crate::stream_of;

/// The longest `sid` and `epoch`, in bytes.
const NAME_MAX: usize = 64;
/// The longest token, as on HTTP.
const TOKEN_MAX: usize = 4096;
/// What fired further from its deadline than this was asleep.
const FIRED_MS_MAX: f64 = 600_000.0;

/// Where a client wants to be.
#[derive(Clone, Eq, PartialEq)]
pub struct Hello {
    /// The room.
    pub room: RoomId,
    /// The token for it, if it is not the one that the WebSocket came with.
    pub token: Option<String>,
    /// What the client was before its connection broke.
    pub resume: Option<Box<Resume>>,
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A token is not for logs.
        let mut shown = f.debug_struct("Hello");
        shown.field("room", &self.room).field("resume", &self.resume).finish_non_exhaustive()
    }
}

/// What a client was before its connection broke, and the last events that reached it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Resume {
    /// The session's name, from its `hello`.
    pub sid: String,
    /// The numbering that `q` belongs to.
    pub epoch: String,
    /// The last event of each stream without a gap before it.
    pub q: Watermarks,
    /// The last event for this user alone.
    pub me: u64,
}

/// Events of one stream are missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resync {
    /// The stream.
    pub stream: Stream,
    /// The first event that is missing.
    pub from: u64,
}

/// What a page says of a countdown that fired there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fired {
    /// Which.
    pub countdown: CountdownId,
    /// The revision that it counted by.
    pub revision: u32,
    /// How many milliseconds after the deadline it fired, by the page's idea of room time.
    pub lag_ms: i32,
    /// How far off that idea may be.
    pub unsure_ms: u32,
}

/// A message of the session, still without its `rid`.
pub(super) enum Said {
    Hello(Hello),
    Resync(Resync),
    MeAck(u64),
    Carrier(bool),
    Fired(Fired),
    ClockPing(serde_json::Number),
}

impl Said {
    pub(super) fn with(self, rid: Option<String>) -> ClientMessage {
        match self {
            Self::Hello(hello) => ClientMessage::Hello { rid, hello },
            Self::Resync(resync) => ClientMessage::Resync { rid, resync },
            Self::MeAck(q) => ClientMessage::MeAck { rid, q },
            Self::Carrier(by_data_channel) => ClientMessage::Carrier { rid, by_data_channel },
            Self::Fired(fired) => ClientMessage::Fired { rid, fired },
            Self::ClockPing(c0) => ClientMessage::ClockPing { c0 },
        }
    }
}

pub(super) const SESSION: &[Message<Said>] = messages! {
    "hello": HelloBody => |body| body.read().map(Said::Hello);
    "resync": ResyncBody => |body| body.read().map(Said::Resync);
    "me.ack": MeAckBody => |body| Ok(Said::MeAck(body.q));
    "carrier": CarrierBody => |body| Ok(Said::Carrier(body.dc));
    "cd.fired": FiredBody => |body| body.read().map(Said::Fired);
    "clk.ping": PingBody => |body| Ok(Said::ClockPing(body.c0));
};

#[derive(Deserialize, JsonSchema)]
struct HelloBody {
    room: String,
    token: Option<String>,
    resume: Option<ResumeBody>,
}

impl HelloBody {
    fn read(self) -> Result<Hello, String> {
        if self.token.as_ref().is_some_and(|token| token.len() > TOKEN_MAX) {
            return Err(format!("token may hold {TOKEN_MAX} bytes"));
        }
        let resume = self.resume.map(ResumeBody::read).transpose()?;
        Ok(Hello { room: room_id(&self.room)?, token: self.token, resume: resume.map(Box::new) })
    }
}

#[derive(Deserialize, JsonSchema)]
struct ResumeBody {
    sid: String,
    epoch: String,
    q: PositionsBody,
}

impl ResumeBody {
    fn read(self) -> Result<Resume, String> {
        if self.sid.len() > NAME_MAX || self.epoch.len() > NAME_MAX {
            return Err(format!("sid and epoch may hold {NAME_MAX} bytes"));
        }
        let PositionsBody { room, seat, pk, sale, gift, chat, react, me } = self.q;
        let q = Watermarks { room, seat, pk, sale, gift, chat, react };
        Ok(Resume { sid: self.sid, epoch: self.epoch, q, me })
    }
}

/// A stream that is left out was never heard of.
#[derive(Deserialize, JsonSchema)]
#[serde(default)]
#[derive(Default)]
struct PositionsBody {
    room: u64,
    seat: u64,
    pk: u64,
    sale: u64,
    gift: u64,
    chat: u64,
    react: u64,
    me: u64,
}

#[derive(Deserialize, JsonSchema)]
struct ResyncBody {
    s: String,
    from: u64,
}

impl ResyncBody {
    fn read(self) -> Result<Resync, String> {
        let stream = stream_of(&self.s).ok_or("s is no stream of a room")?;
        Ok(Resync { stream, from: self.from })
    }
}

#[derive(Deserialize, JsonSchema)]
struct MeAckBody {
    q: u64,
}

#[derive(Deserialize, JsonSchema)]
struct CarrierBody {
    dc: bool,
}

#[derive(Deserialize, JsonSchema)]
struct FiredBody {
    id: String,
    rev: u32,
    lag_ms: f64,
    #[serde(default)]
    unc_ms: f64,
}

impl FiredBody {
    fn read(self) -> Result<Fired, String> {
        let countdown = CountdownId::parse(&self.id).ok_or("id is no countdown's")?;
        if self.lag_ms.abs() > FIRED_MS_MAX || !(0.0..=FIRED_MS_MAX).contains(&self.unc_ms) {
            return Err(format!("lag_ms and unc_ms go to {FIRED_MS_MAX}"));
        }
        let (lag_ms, unsure_ms) = (self.lag_ms.round() as i32, self.unc_ms.round() as u32);
        Ok(Fired { countdown, revision: self.rev, lag_ms, unsure_ms })
    }
}

#[derive(Deserialize, JsonSchema)]
struct PingBody {
    #[schemars(with = "f64")]
    c0: serde_json::Number,
}
