//! Who is in a room, a page at a time.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use room_rules::UserId;
use serde::Deserialize;
use wire_format::{Code, encode_participants};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{BackEndRequest, Refused, RoomRequest, Services, refused};

const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;

/// Which page.
#[derive(Deserialize)]
pub(crate) struct Page {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// `GET /v1/rooms/{room}/participants`
pub(crate) async fn list(
    State(services): State<Services>,
    Path(room): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;
    room.expect_pace(&member)?;
    let Query(Page { limit, cursor }) =
        page.map_err(|e| Refused::new(Code::BadRequest, e.body_text()))?;
    let is_none = || Refused::new(Code::BadRequest, "cursor is none of this list's");
    let after = match cursor {
        Some(cursor) => Some(UserId::parse(&cursor).ok_or_else(is_none)?),
        None => None,
    };
    let count = limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let wish = |reply| BackEndRequest::Participants { member, after, count, reply };
    let page = room.ask(|reply| RoomRequest::BackEnd(wish(reply))).await?;
    Ok(refused::json(StatusCode::OK, encode_participants(&page)))
}
