//! Where a room's program is pushed to, over HTTP.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use room_rules::Capability;
use wire_format::{AddTarget, Code, encode_target, encode_targets};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Refused, RoomRequest, Services, TargetUrl, body, refused};

/// The longest address of a target.
const URL_MAX_BYTES: usize = 2048;

/// `GET /v1/rooms/{room}/targets`
pub(crate) async fn list(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_who_may(Capability::ManageTargets, room.room())?;

    let targets = room.ask(|reply| RoomRequest::ListTargets { reply }).await?;
    Ok(refused::json(StatusCode::OK, encode_targets(&targets)))
}

/// `POST /v1/rooms/{room}/targets`
pub(crate) async fn add(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_who_may(Capability::ManageTargets, room.room())?;
    let body = body::read_json(request, &services).await?;
    let url = target_url(&body)?;

    let target = room.ask(|reply| RoomRequest::AddTarget { member, url, reply }).await?;
    Ok(refused::json(StatusCode::CREATED, encode_target(&target)))
}

/// `DELETE /v1/rooms/{room}/targets/{id}`
pub(crate) async fn remove(
    State(services): State<Services>,
    Path((room, id)): Path<(String, String)>,
    bearer: Bearer,
) -> Result<StatusCode, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_who_may(Capability::ManageTargets, room.room())?;

    room.ask(|reply| RoomRequest::RemoveTarget { id, reply }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn target_url(body: &[u8]) -> Result<TargetUrl, Refused> {
    let AddTarget { url } = AddTarget::decode(body)?;
    let parsed = url::Url::parse(&url).ok().filter(|parsed| {
        url.len() <= URL_MAX_BYTES && parsed.scheme() == "rtmp" && parsed.has_host()
    });
    if parsed.is_none() {
        return Err(Refused::new(Code::BadRequest, "the url must be rtmp://host/app/key"));
    }
    Ok(TargetUrl::new(url))
}
