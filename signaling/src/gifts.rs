//! Which gifts there are, and who gave most.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use wire_format::{Code, encode_gift_catalog, encode_leaderboard};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{LookRequest, Refused, RoomRequest, Services, refused};

/// Nobody reads further.
const NAMED_MAX: usize = 100;
const NAMED: usize = 20;

/// How many a leaderboard is asked to name.
#[derive(Deserialize)]
pub(crate) struct Limit {
    limit: Option<usize>,
}

/// `GET /v1/gifts`
pub(crate) async fn catalog(State(services): State<Services>) -> Response {
    refused::json(StatusCode::OK, encode_gift_catalog(&services.gifts))
}

/// `GET /v1/rooms/{room}/leaderboard`
pub(crate) async fn leaderboard(
    State(services): State<Services>,
    Path(room): Path<String>,
    limit: Result<Query<Limit>, QueryRejection>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    room.expect_pace(&bearer.member_of(room.room())?)?;

    let Query(Limit { limit }) =
        limit.map_err(|e| Refused::new(Code::BadRequest, e.body_text()))?;
    let count = limit.unwrap_or(NAMED).min(NAMED_MAX);
    let leaders =
        room.ask(|reply| RoomRequest::Look(LookRequest::Leaders { count, reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_leaderboard(&leaders)))
}
