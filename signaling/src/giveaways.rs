//! What is for sale, and what came of red packets and lotteries.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use room_rules::{LotteryId, PacketId};
use wire_format::{Code, encode_lottery, encode_packet, encode_products};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{LookRequest, Refused, RoomRequest, Services, refused};

/// `GET /v1/rooms/{room}/packets/{packet}`
pub(crate) async fn packet(
    State(services): State<Services>,
    Path((room, packet)): Path<(String, String)>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_of(room.room())?;
    let packet = PacketId::parse(&packet).ok_or_else(|| not_found("red packet"))?;

    let record = room.ask(|reply| RoomRequest::Look(LookRequest::Packet { packet, reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_packet(&record)))
}

/// `GET /v1/rooms/{room}/lotteries/{lottery}`: for everybody, so that everybody can do the draw
/// again.
pub(crate) async fn lottery(
    State(services): State<Services>,
    Path((room, lottery)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    if room.is_crowded() {
        return Err(Refused::busy());
    }
    let lottery = LotteryId::parse(&lottery).ok_or_else(|| not_found("lottery"))?;

    let record =
        room.ask(|reply| RoomRequest::Look(LookRequest::Lottery { lottery, reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_lottery(&record)))
}

/// `GET /v1/rooms/{room}/products`
pub(crate) async fn products(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_of(room.room())?;

    let record = room.ask(|reply| RoomRequest::Look(LookRequest::Products { reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_products(&record)))
}

fn not_found(what: &str) -> Refused {
    Refused::new(Code::NotFound, format!("there is no such {what}"))
}
