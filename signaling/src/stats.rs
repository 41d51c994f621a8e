//! A room's figures over time.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use room_rules::Capability;
use serde::Deserialize;
use wire_format::{Code, encode_stats, encode_stats_csv};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{LookRequest, Refused, RoomRequest, Services, refused};

/// All that a room keeps.
const PAGE_MAX: usize = 2_160;

/// Which points, and how they are written.
#[derive(Deserialize)]
pub(crate) struct Wish {
    format: Option<String>,
    limit: Option<usize>,
    cursor: Option<u64>,
}

/// `GET /v1/rooms/{room}/stats`
pub(crate) async fn show(
    State(services): State<Services>,
    Path(room): Path<String>,
    wish: Result<Query<Wish>, QueryRejection>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_who_may(Capability::SeePeers, room.room())?;
    let bad = |message: String| Refused::new(Code::BadRequest, message);
    let Query(Wish { format, limit, cursor }) = wish.map_err(|e| bad(e.body_text()))?;
    let is_csv = match format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(bad("format must be json or csv".to_owned())),
    };
    let limit = limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);

    let (after, count) = (cursor.unwrap_or(0), limit + 1);
    let look = |reply| RoomRequest::Look(LookRequest::Stats { after, count, reply });
    let mut points = room.ask(look).await?;
    let has_more = points.len() > limit;
    points.truncate(limit);
    if is_csv {
        let csv = (CONTENT_TYPE, "text/csv; charset=utf-8");
        return Ok((StatusCode::OK, [csv], encode_stats_csv(&points)).into_response());
    }
    Ok(refused::json(StatusCode::OK, encode_stats(&points, has_more)))
}
