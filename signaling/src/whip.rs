//! Publishing over HTTP: WHIP (RFC 9725).

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Coming, Refused, RoomHandle, RoomRequest, Services, media};

/// `POST /v1/rooms/{room}/whip`
pub(crate) async fn publish(
    State(services): State<Services>,
    Path(room): Path<String>,
    uri: Uri,
    bearer: Bearer,
    request: Request,
) -> Response {
    let room = match find_room(&room, &services) {
        Ok(room) => room,
        Err(refused) => return media::no_room(refused, &uri, &services),
    };
    publish_in(&room, bearer, request, &services).await.into_response()
}

async fn publish_in(
    room: &RoomHandle,
    bearer: Bearer,
    request: Request,
    services: &Services,
) -> Result<Response, Refused> {
    let (member, until) = bearer.holder_of(room.room())?;
    let offer = media::read_offer(request, services).await?;
    services.hooks.may_come(room.room(), &member, Coming::Publish).await?;

    let session = room.ask(|reply| RoomRequest::Publish { member, until, offer, reply }).await?;
    Ok(media::created(room.room(), "whip", session, services))
}

/// `GET /v1/rooms/{room}/whip`: there is nothing to show (RFC 9725 section 4.1).
pub(crate) async fn look(
    State(services): State<Services>,
    Path(room): Path<String>,
) -> Result<StatusCode, Refused> {
    find_room(&room, &services).map(|_| StatusCode::NO_CONTENT)
}
