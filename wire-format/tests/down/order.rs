//! What the server says of a room's settings, and of who may talk and be here.

use room_rules::{
    Area, Areas, EndReason, EventBody, ModerationNews, ModerationView, OrderKept, ReasonCode,
    RoomConfig, RoomState, Sanction, SeatIndex, SeatMode, SeatWish, SettingsView, Tag, Tags, Word,
};
use std::time::Duration;

use crate::{at, user};

pub(crate) fn events() -> Vec<(&'static str, EventBody)> {
    let forced = EventBody::RoomState {
        state: RoomState::Ended,
        reason: Some(EndReason::Forced),
        note: ReasonCode::parse("copyright"),
    };
    let until = Some(at(60_000));
    let reason = ReasonCode::parse("spam");
    vec![
        ("room.state of a forced end", forced),
        ("room.settings", EventBody::Settings(settings())),
        ("me.muted", EventBody::Order(OrderKept::Muted { until })),
        ("me.unmuted", EventBody::Order(OrderKept::Unmuted)),
        ("me.banned", EventBody::Order(OrderKept::Banned { until: None, reason })),
    ]
}

pub(crate) fn staff_news() -> Vec<(&'static str, ModerationNews)> {
    vec![
        ("mod.muted", ModerationNews::Muted(mute())),
        ("mod.unmuted", ModerationNews::Unmuted(user("cara"))),
        ("mod.banned", ModerationNews::Banned(ban())),
        ("mod.unbanned", ModerationNews::Unbanned(user("dan"))),
        ("mod.words down", ModerationNews::Words(moderation().words)),
    ]
}

pub(crate) fn settings() -> SettingsView {
    let config = RoomConfig {
        features: Areas::ALL.without(Area::Gift),
        seat_mode: SeatMode::Apply,
        tags: tags(),
        ..RoomConfig::default()
    };
    SettingsView { config, slow_mode: Duration::from_secs(10), all_muted: false }
}

pub(crate) fn tags() -> Tags {
    Tags::new(["beauty", "折扣"].map(|tag| Tag::parse(tag).unwrap())).unwrap()
}

pub(crate) fn wish() -> SeatWish {
    let wanted = SeatIndex::new(3);
    SeatWish { user: user("cara"), name: "Cara".into(), wanted, until: at(60_000) }
}

pub(crate) fn moderation() -> ModerationView {
    let words = vec![Word::parse("scam").unwrap()];
    ModerationView { mutes: vec![mute()], bans: vec![ban()], words }
}

fn mute() -> Sanction {
    let (user, by) = (user("cara"), user("mo"));
    Sanction { user, until: Some(at(60_000)), by, reason: None, rank: 1 }
}

fn ban() -> Sanction {
    let (user, by) = (user("dan"), user("mo"));
    Sanction { user, until: None, by, reason: ReasonCode::parse("spam"), rank: 1 }
}
