//! Rooms over HTTP: look, open, end.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::join_all;
use room_rules::{Capability, RoomView};
use wire_format::{CreateRoom, encode_room, encode_rooms};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Created, Refused, RoomHandle, RoomRequest, Services, body, refused};

/// The list of rooms is for people to choose from; nobody reads further.
const LISTED_MAX: usize = 200;

/// `GET /v1/rooms`
pub(crate) async fn list(State(services): State<Services>) -> Response {
    let rooms = services.directory.list();
    let views = rooms.iter().take(LISTED_MAX).map(look);
    // A room that ends or is too busy at this moment is left out.
    let views: Vec<RoomView> = join_all(views)
        .await
        .into_iter()
        .filter_map(Result::ok)
        .filter(|room| !room.hidden)
        .collect();
    refused::json(StatusCode::OK, encode_rooms(&views, &services.rtmp_base))
}

/// `GET /v1/rooms/{room}`
pub(crate) async fn describe(
    State(services): State<Services>,
    Path(room): Path<String>,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    Ok(refused::json(StatusCode::OK, encode_room(&look(&room).await?, &services.rtmp_base)))
}

/// `POST /v1/rooms`
pub(crate) async fn create(
    State(services): State<Services>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let body = body::read_json(request, &services).await?;
    let wanted = CreateRoom::decode(&body)?;
    let member = bearer.member_who_may(Capability::CreateRoom, &wanted.room)?;

    let (status, room) = match services.lobby.create(wanted.room, wanted.title, member).await? {
        Created::New(room) => (StatusCode::CREATED, room),
        Created::Existing(room) => (StatusCode::OK, room),
    };
    Ok(refused::json(status, encode_room(&view(&room).await?, &services.rtmp_base)))
}

/// `DELETE /v1/rooms/{room}`
pub(crate) async fn end(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<StatusCode, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_who_may(Capability::EndRoom, room.room())?;

    room.ask(|reply| RoomRequest::End { member, reply }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the room as those see it who need no token for that.
async fn look(room: &RoomHandle) -> Result<RoomView, Refused> {
    if room.is_crowded() {
        return Err(Refused::busy());
    }
    view(room).await
}

async fn view(room: &RoomHandle) -> Result<RoomView, Refused> {
    room.ask(|reply| RoomRequest::Describe { reply }).await
}
