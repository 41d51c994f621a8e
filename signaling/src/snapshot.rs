//! A picture of a room's program as a file, over HTTP.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use wire_format::Code;

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{ProgramRequest, Refused, RoomRequest, Services};

/// Widths that may be asked for.
const WIDTHS: std::ops::RangeInclusive<u16> = 16..=1920;

/// A program that was not running starts in this time, or the next one who asks is luckier.
const PATIENCE: Duration = Duration::from_secs(5);

const ROOM_TIME: HeaderName = HeaderName::from_static("x-lianmai-at");
const LAYOUT: HeaderName = HeaderName::from_static("x-lianmai-layout");

#[derive(Deserialize)]
pub(crate) struct Wanted {
    width: Option<u16>,
}

/// `GET /v1/rooms/{room}/snapshot.jpg`
pub(crate) async fn take(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(Wanted { width }) =
        wanted.map_err(|e| Refused::new(Code::BadRequest, e.body_text()))?;
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;
    if width.is_some_and(|width| !WIDTHS.contains(&width)) {
        return Err(Refused::new(Code::BadRequest, "width is 16 to 1920 pixels"));
    }
    let wish = |reply| ProgramRequest::Snapshot { member, width, reply };
    let asked = room.ask(|reply| RoomRequest::Program(wish(reply)));
    let picture = tokio::time::timeout(PATIENCE, asked)
        .await
        .map_err(|_| Refused::new(Code::Busy, "no picture came in time, try again"))??;
    let headers = [(ROOM_TIME, picture.at.unix_millis()), (LAYOUT, picture.revision)];
    let kind = [(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "private, max-age=1")];
    let headers = headers.map(|(name, number)| (name, number.to_string()));
    Ok((StatusCode::OK, headers, kind, picture.jpeg).into_response())
}
