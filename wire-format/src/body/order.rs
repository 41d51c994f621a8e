//! The shapes of what is told of a room's settings, and of who may talk and be here.

use std::collections::BTreeMap;

use room_rules::{
    Area, ModerationNews, ModerationView, OrderKept, Sanction, SeatWish, ServerTime, SettingsView,
    Word,
};
use schemars::JsonSchema;
use serde::Serialize;

/// `d` of `room.settings`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Settings")]
pub(crate) struct SettingsBody<'a> {
    features: BTreeMap<&'static str, bool>,
    #[schemars(extend("enum" = ["free", "apply"]))]
    seat_mode: &'static str,
    seats: u8,
    hidden: bool,
    tags: Vec<&'a str>,
    slow_mode_s: u64,
    all_muted: bool,
}

impl<'a> From<&'a SettingsView> for SettingsBody<'a> {
    fn from(settings: &'a SettingsView) -> Self {
        let SettingsView { config, slow_mode, all_muted } = settings;
        let features = Area::ALL.into_iter().filter(|area| area.is_feature());
        Self {
            features: features.map(|area| (area.as_str(), config.features.has(area))).collect(),
            seat_mode: config.seat_mode.as_str(),
            seats: config.seats,
            hidden: config.hidden,
            tags: config.tags.iter().map(room_rules::Tag::as_str).collect(),
            slow_mode_s: slow_mode.as_secs(),
            all_muted: *all_muted,
        }
    }
}

/// A wish for a seat.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Wish")]
pub(crate) struct WishBody<'a> {
    user: &'a str,
    name: &'a str,
    index: Option<u8>,
    until: u64,
}

impl<'a> From<&'a SeatWish> for WishBody<'a> {
    fn from(wish: &'a SeatWish) -> Self {
        Self {
            user: wish.user.as_str(),
            name: &wish.name,
            index: wish.wanted.map(room_rules::SeatIndex::number),
            until: wish.until.unix_millis(),
        }
    }
}

/// Who may not talk, or not be here: `d` of `mod.muted` and `mod.banned`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Sanction")]
pub(crate) struct SanctionBody<'a> {
    user: &'a str,
    until: Option<u64>,
    by: &'a str,
    reason: Option<&'a str>,
}

impl<'a> From<&'a Sanction> for SanctionBody<'a> {
    fn from(sanction: &'a Sanction) -> Self {
        Self {
            user: sanction.user.as_str(),
            until: sanction.until.map(ServerTime::unix_millis),
            by: sanction.by.as_str(),
            reason: sanction.reason.as_ref().map(room_rules::ReasonCode::as_str),
        }
    }
}

/// `Moderation`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Moderation")]
pub(crate) struct ModerationBody<'a> {
    mutes: Vec<SanctionBody<'a>>,
    bans: Vec<SanctionBody<'a>>,
    words: Vec<&'a str>,
}

impl<'a> From<&'a ModerationView> for ModerationBody<'a> {
    fn from(view: &'a ModerationView) -> Self {
        Self {
            mutes: view.mutes.iter().map(Into::into).collect(),
            bans: view.bans.iter().map(Into::into).collect(),
            words: view.words.iter().map(Word::as_str).collect(),
        }
    }
}

/// `d` of `mod.unmuted` and `mod.unbanned`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ModUser")]
pub(crate) struct StaffUserBody<'a> {
    user: &'a str,
}

/// `d` of `mod.words`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Words")]
pub(crate) struct StaffWordsBody<'a> {
    words: Vec<&'a str>,
}

/// `d` of the news that only those hear who keep order.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum StaffBody<'a> {
    Sanction(SanctionBody<'a>),
    User(StaffUserBody<'a>),
    Words(StaffWordsBody<'a>),
}

/// Returns the `t` and the `d` of news for those who keep order.
pub(crate) fn staff_body(news: &ModerationNews) -> (&'static str, StaffBody<'_>) {
    match news {
        ModerationNews::Muted(mute) => ("mod.muted", StaffBody::Sanction(mute.into())),
        ModerationNews::Banned(ban) => ("mod.banned", StaffBody::Sanction(ban.into())),
        ModerationNews::Unmuted(whom) => {
            ("mod.unmuted", StaffBody::User(StaffUserBody { user: whom.as_str() }))
        }
        ModerationNews::Unbanned(whom) => {
            ("mod.unbanned", StaffBody::User(StaffUserBody { user: whom.as_str() }))
        }
        ModerationNews::Words(words) => {
            let words = words.iter().map(Word::as_str).collect();
            ("mod.words", StaffBody::Words(StaffWordsBody { words }))
        }
    }
}

/// `d` of `me.muted`; `null` is for good.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "MeMuted")]
pub(crate) struct MutedBody {
    until: Option<u64>,
}

/// `d` of `me.unmuted`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "MeUnmuted")]
pub(crate) struct UnmutedBody {}

/// `d` of `me.banned`; `until` `null` is for good.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "MeBanned")]
pub(crate) struct BannedBody<'a> {
    until: Option<u64>,
    reason: Option<&'a str>,
}

/// `d` of what somebody who keeps order decided about a user.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "MeOrder")]
pub(crate) enum OwnOrderBody<'a> {
    Muted(MutedBody),
    Unmuted(UnmutedBody),
    Banned(BannedBody<'a>),
}

/// Returns the `t` and the `d` of what somebody who keeps order decided about a user.
pub(crate) fn own_order_body(kept: &OrderKept) -> (&'static str, OwnOrderBody<'_>) {
    let millis = |until: &Option<ServerTime>| until.map(ServerTime::unix_millis);
    match kept {
        OrderKept::Muted { until } => {
            ("me.muted", OwnOrderBody::Muted(MutedBody { until: millis(until) }))
        }
        OrderKept::Unmuted => ("me.unmuted", OwnOrderBody::Unmuted(UnmutedBody {})),
        OrderKept::Banned { until, reason } => {
            let reason = reason.as_ref().map(room_rules::ReasonCode::as_str);
            let body = BannedBody { until: millis(until), reason };
            ("me.banned", OwnOrderBody::Banned(body))
        }
    }
}
