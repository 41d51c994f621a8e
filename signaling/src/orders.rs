//! Orders over HTTP, for back ends and for pages that lost their socket in the rush.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use room_rules::{Reply, ShopReply};
use wire_format::{decode_order, encode_order};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Refused, RoomRequest, Services, body, refused};

/// `POST /v1/rooms/{room}/orders`
pub(crate) async fn place(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;
    let body = body::read_json(request, &services).await?;
    let order = decode_order(&body)?;

    let reply = room.ask(|reply| RoomRequest::Order { member, order, reply }).await?;
    let is_queued = matches!(reply, Reply::Shop(ShopReply::Queued(_)));
    let status = if is_queued { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(refused::json(status, encode_order(&reply)))
}
