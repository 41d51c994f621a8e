//! Who is connected to a room's media, and how they are doing.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use wire_format::{encode_peer_report, encode_peers};

use crate::auth::{Bearer, find_room};
use crate::named::Named;
use crate::path::Path;
use crate::{Refused, RoomRequest, Services, refused};

/// `GET /v1/rooms/{room}/peers`
pub(crate) async fn list(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;

    let list = room.ask(|reply| RoomRequest::ListPeers { member, reply }).await?;
    Ok(refused::json(StatusCode::OK, encode_peers(&list)))
}

/// `GET /v1/rooms/{room}/peers/{id}/stats`
pub(crate) async fn report(named: Named) -> Result<Response, Refused> {
    let Named { room, member, id, .. } = named;
    let report = room.ask(|reply| RoomRequest::ReportPeer { member, id, reply }).await?;
    Ok(refused::json(StatusCode::OK, encode_peer_report(&report)))
}
