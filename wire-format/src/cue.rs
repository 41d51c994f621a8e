//! What a program says about its pictures: the text of the SEI message inside a picture, and of the
//! data message beside it for relays that strip SEI.

use room_rules::{CountdownKind, ServerTime};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::body::countdown_kind;
use crate::encode::write_news;

/// The longest cue in bytes; with its UUID and framing it stays below what relays let pass.
pub const CUE_MAX: usize = 480;

/// What one picture shows.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Cue {
    /// Revision of the layout.
    #[serde(rename = "lr")]
    pub layout: u64,
    /// Who is where, in drawing order.
    #[serde(rename = "l")]
    pub tiles: Vec<CueTile>,
    /// Countdowns that run.
    #[serde(rename = "cd", skip_serializing_if = "Vec::is_empty")]
    pub countdowns: Vec<CueCountdown>,
    /// The battle, once its end is known.
    #[serde(rename = "pk", skip_serializing_if = "Option::is_none")]
    pub battle: Option<CueBattle>,
    /// The product that is shown above all others.
    #[serde(rename = "pin", skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
}

/// A feed's place: its name and x, y, width and height in ten-thousandths of the picture.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct CueTile(pub String, pub [u16; 4]);

/// A countdown: its id, its deadline and its kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CueCountdown {
    /// Which.
    pub id: String,
    /// When it fires.
    pub open_at: ServerTime,
    /// What for.
    pub kind: CountdownKind,
}

/// A battle: its id, its end and the scores of its rooms, the inviter's first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CueBattle {
    /// Which.
    pub pk: String,
    /// When gifts score no more.
    pub end_at: ServerTime,
    /// The scores.
    pub scores: Vec<u64>,
}

/// Encodes the cue of a picture that is shown at room time `st_ms`, in at most [`CUE_MAX`] bytes:
/// what does not fit is left out, the last countdowns first, then the battle, the product, the last
/// tiles.
pub fn encode_cue(cue: &Cue, st_ms: u64) -> String {
    let encode = |cue: &Cue| {
        serde_json::to_string(&Stamped { v: 1, st: st_ms, cue }).expect("strings and numbers only")
    };
    let text = encode(cue);
    if text.len() <= CUE_MAX {
        return text;
    }
    let mut less = cue.clone();
    loop {
        if less.countdowns.pop().is_none()
            && less.battle.take().is_none()
            && less.pinned.take().is_none()
        {
            less.tiles.pop();
        }
        let text = encode(&less);
        if text.len() <= CUE_MAX || less.tiles.is_empty() {
            return text;
        }
    }
}

/// Encodes for one viewer how the timestamps of its picture relate to room time: the picture that
/// carries `rtp_timestamp`, of a clock of 90 kHz, is the one of `shown_at_ms`.
pub fn encode_media_clock(
    media: &str,
    rtp_timestamp: u32,
    shown_at_ms: f64,
    at: ServerTime,
) -> String {
    write_news(
        "media.clock",
        at,
        MediaClock { media, rtp_ts: rtp_timestamp, shown_at: shown_at_ms },
    )
}

#[derive(Serialize)]
struct Stamped<'a> {
    v: u32,
    st: u64,
    #[serde(flatten)]
    cue: &'a Cue,
}

#[derive(schemars::JsonSchema, Serialize)]
pub(crate) struct MediaClock<'a> {
    media: &'a str,
    rtp_ts: u32,
    shown_at: f64,
}

impl Serialize for CueCountdown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.id, self.open_at.unix_millis(), countdown_kind(self.kind)).serialize(serializer)
    }
}

impl Serialize for CueBattle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut told = serializer.serialize_seq(Some(2 + self.scores.len()))?;
        told.serialize_element(&self.pk)?;
        told.serialize_element(&self.end_at.unix_millis())?;
        for points in &self.scores {
            told.serialize_element(points)?;
        }
        told.end()
    }
}
