//! Seats, and who is on screen.

use room_rules::{Performer, SeatState, SeatView};
use schemars::JsonSchema;
use serde::Serialize;

/// `Performer`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Performer")]
pub(crate) struct PerformerBody<'a> {
    feed: String,
    room: &'a str,
    user: &'a str,
    name: &'a str,
    seat: u8,
    muted: bool,
}

pub(crate) fn performers(stage: &[Performer]) -> Vec<PerformerBody<'_>> {
    stage
        .iter()
        .map(|performer| PerformerBody {
            feed: format!("{}/{}", performer.room, performer.user),
            room: performer.room.as_str(),
            user: performer.user.as_str(),
            name: &performer.name,
            seat: performer.seat.number(),
            muted: performer.muted,
        })
        .collect()
}

/// `Seat`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Seat")]
pub(crate) struct SeatBody<'a> {
    index: u8,
    state: &'static str,
    user: Option<&'a str>,
    muted: bool,
    unseen: bool,
    mic: bool,
    cam: bool,
    locked: bool,
    lock_audio: bool,
    lock_video: bool,
    rev: u64,
}

impl<'a> From<&'a SeatView> for SeatBody<'a> {
    fn from(seat: &'a SeatView) -> Self {
        let state = match seat.state {
            SeatState::Idle => "idle",
            SeatState::Reserved => "reserved",
            SeatState::Joining => "joining",
            SeatState::Live => "live",
            SeatState::Held => "held",
        };
        let user = seat.user.as_ref().map(room_rules::UserId::as_str);
        Self {
            index: seat.index.number(),
            state,
            user,
            muted: seat.muted,
            unseen: seat.unseen,
            mic: seat.mic,
            cam: seat.cam,
            locked: seat.locked,
            lock_audio: seat.lock.audio,
            lock_video: seat.lock.video,
            rev: seat.rev,
        }
    }
}
