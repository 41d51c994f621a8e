//! Publishing over HTTP: WHIP (RFC 9725).

use axum::extract::{Request, State};
use axum::response::Response;

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Refused, RoomRequest, Services, media};

/// `POST /v1/rooms/{room}/whip`
pub(crate) async fn publish(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;
    let offer = media::read_offer(request, &services).await?;

    let session = room.ask(|reply| RoomRequest::Publish { member, offer, reply }).await?;
    Ok(media::created(room.room(), "whip", session))
}
