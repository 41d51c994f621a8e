//! Which gifts there are, and who gave most.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use room_rules::{BattleTop, Leaders};
use serde::Deserialize;
use wire_format::{Code, encode_gift_catalog, encode_leaderboard};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{LookRequest, Refused, RoomHandle, RoomRequest, Services, refused};

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

/// `GET /v1/rooms/{room}/leaderboard`: of a battle all rooms show what the inviter's room knows.
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
    let mut leaders = leaders_of(&room, count).await?;
    if let Some(top) = leaders.battle.take() {
        leaders.battle = Some(more_of(top, count, &room, &services).await);
    }
    Ok(refused::json(StatusCode::OK, encode_leaderboard(&leaders)))
}

async fn leaders_of(room: &RoomHandle, count: usize) -> Result<Leaders, Refused> {
    room.ask(|reply| RoomRequest::Look(LookRequest::Leaders { count, reply })).await
}

/// Returns those whom the inviter's room names; if it is gone or has begun another battle, the few
/// that this room knows.
async fn more_of(
    top: BattleTop,
    count: usize,
    room: &RoomHandle,
    services: &Services,
) -> BattleTop {
    if top.owner == *room.room() {
        return top;
    }
    let Ok(owner) = find_room(top.owner.as_str(), services) else { return top };
    let theirs = leaders_of(&owner, count).await.ok().and_then(|leaders| leaders.battle);
    theirs.filter(|theirs| theirs.pk == top.pk).unwrap_or(top)
}
