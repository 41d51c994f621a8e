//! What the media side has to tell members: who speaks, and how well somebody's stream arrives.
//!
//! These are not numbered events: they are told again soon, so nobody needs to know of a missed one.

use room_rules::ServerTime;
use schemars::JsonSchema;
use serde::Serialize;

use crate::encode::write_news;

/// How well somebody's stream arrives.
#[derive(Clone, Copy, Debug, PartialEq, JsonSchema, Serialize)]
pub struct Uplink<'a> {
    /// Whose stream it is.
    pub user: &'a str,
    /// 100 is perfect, 0 is nothing at all.
    pub score: u8,
    /// What makes it bad, as PROTOCOL.md lists it; `None` if it is good.
    pub trouble: Option<&'static str>,
    /// Share of the packets that got lost on the way.
    pub loss: f64,
    /// Round trip in milliseconds, if it is known.
    pub rtt_ms: Option<u64>,
    /// Interarrival jitter in milliseconds.
    pub jitter_ms: u64,
    /// Pictures a second.
    pub fps: u16,
    /// Kilobits of media a second.
    pub kbps: u32,
}

/// What is new about a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UplinkNews {
    /// A second has passed.
    Still,
    /// It has turned bad.
    Bad,
    /// It is good again.
    Good,
}

/// Encodes how well a stream arrives, for those who can do something about it.
pub fn encode_uplink(news: UplinkNews, uplink: &Uplink<'_>, at: ServerTime) -> String {
    let kind = match news {
        UplinkNews::Still => "uplink",
        UplinkNews::Bad => "uplink.bad",
        UplinkNews::Good => "uplink.good",
    };
    write_news(kind, at, uplink)
}

/// Encodes who speaks on stage: a room and a user, or nobody.
pub fn encode_speaker(who: Option<(&str, &str)>, at: ServerTime) -> String {
    let feed = who.map(|(room, user)| format!("{room}/{user}"));
    write_news("speaker", at, &Speaker { feed, user: who.map(|(_, user)| user) })
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Speaker<'a> {
    feed: Option<String>,
    user: Option<&'a str>,
}
