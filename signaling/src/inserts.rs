//! Films that are played into a room's program, and what stands in for its host, over HTTP.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use room_rules::{Capability, Member};
use wire_format::{decode_insert, decode_stand_in, encode_insert, encode_inserts, encode_stand_in};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Occasion, ProgramRequest, Refused, RoomHandle, RoomRequest, Services, body, refused};

/// `GET /v1/rooms/{room}/inserts`
pub(crate) async fn list(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let (room, _) = director(&room, bearer, &services)?;
    let inserts = room.ask(|reply| ask(ProgramRequest::List { reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_inserts(&inserts)))
}

/// `POST /v1/rooms/{room}/inserts`
pub(crate) async fn add(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let (room, member) = director(&room, bearer, &services)?;
    let body = body::read_json(request, &services).await?;
    let order = Box::new(decode_insert(&body)?);
    let insert = room.ask(|reply| ask(ProgramRequest::Add { member, order, reply })).await?;
    Ok(refused::json(StatusCode::CREATED, encode_insert(&insert)))
}

/// `DELETE /v1/rooms/{room}/inserts/{id}`
pub(crate) async fn remove(
    State(services): State<Services>,
    Path((room, id)): Path<(String, String)>,
    bearer: Bearer,
) -> Result<StatusCode, Refused> {
    let (room, _) = director(&room, bearer, &services)?;
    room.ask(|reply| ask(ProgramRequest::Remove { id, reply })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/rooms/{room}/warmup`
pub(crate) async fn warmup(
    services: State<Services>,
    room: Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    show(Occasion::WarmUp, services, room, bearer).await
}

/// `PUT /v1/rooms/{room}/warmup`
pub(crate) async fn set_warmup(
    services: State<Services>,
    room: Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    set(Occasion::WarmUp, services, room, bearer, request).await
}

/// `GET /v1/rooms/{room}/slate`
pub(crate) async fn slate(
    services: State<Services>,
    room: Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    show(Occasion::Away, services, room, bearer).await
}

/// `PUT /v1/rooms/{room}/slate`
pub(crate) async fn set_slate(
    services: State<Services>,
    room: Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    set(Occasion::Away, services, room, bearer, request).await
}

async fn show(
    occasion: Occasion,
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let (room, _) = director(&room, bearer, &services)?;
    let view = room.ask(|reply| ask(ProgramRequest::ShowStandIn { occasion, reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_stand_in(&view)))
}

async fn set(
    occasion: Occasion,
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let (room, member) = director(&room, bearer, &services)?;
    let body = body::read_json(request, &services).await?;
    let order = Box::new(decode_stand_in(&body)?);
    let request = |reply| ask(ProgramRequest::SetStandIn { member, occasion, order, reply });
    let view = room.ask(request).await?;
    Ok(refused::json(StatusCode::OK, encode_stand_in(&view)))
}

const fn ask(request: ProgramRequest) -> RoomRequest {
    RoomRequest::Program(request)
}

/// Returns the room and who asks, if they may say what its program shows.
fn director(
    room: &str,
    bearer: Bearer,
    services: &Services,
) -> Result<(RoomHandle, Member), Refused> {
    let room = find_room(room, services)?;
    let member = bearer.member_who_may(Capability::DirectPicture, room.room())?;
    Ok((room, member))
}
