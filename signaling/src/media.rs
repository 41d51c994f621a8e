//! What publishing and playing over HTTP share: the offer, the answer and the session's own URL.

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use room_rules::RoomId;
use wire_format::{Code, SDP_BODY_MAX};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{MediaId, MediaSession, Refused, RoomRequest, Services, body};

const SDP: &str = "application/sdp";
const SDP_FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// Returns the SDP offer in `request`. Whether it is a good one is for the media server to say.
pub(crate) async fn read_offer(request: Request, services: &Services) -> Result<String, Refused> {
    text(&body::read(request, SDP, SDP_BODY_MAX, services).await?)
}

/// Answers that the session exists now, and where (RFC 9725 section 4.2).
pub(crate) fn created(room: &RoomId, kind: &str, session: MediaSession) -> Response {
    let location = format!("/v1/rooms/{room}/{kind}/{}", session.id.0);
    let etag = format!("\"{}\"", session.etag);
    let headers = [
        (CONTENT_TYPE, SDP),
        (LOCATION, location.as_str()),
        (ETAG, etag.as_str()),
        (ACCEPT_PATCH, SDP_FRAGMENT),
    ];
    (StatusCode::CREATED, headers, session.answer).into_response()
}

/// `PATCH` on a session's URL: more ICE candidates (RFC 9725 section 4.3.2).
pub(crate) async fn trickle(
    State(services): State<Services>,
    Path((room, id)): Path<(String, String)>,
    bearer: Bearer,
    request: Request,
) -> Result<StatusCode, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;
    let id = media_id(&id)?;
    let fragment = text(&body::read(request, SDP_FRAGMENT, SDP_BODY_MAX, &services).await?)?;

    room.ask(|reply| RoomRequest::Trickle { member, id, fragment, reply }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE` on a session's URL (RFC 9725 section 4.2).
pub(crate) async fn close(
    State(services): State<Services>,
    Path((room, id)): Path<(String, String)>,
    bearer: Bearer,
) -> Result<StatusCode, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;
    let id = media_id(&id)?;

    room.ask(|reply| RoomRequest::ClosePeer { member, id, reply }).await?;
    Ok(StatusCode::OK)
}

fn media_id(text: &str) -> Result<MediaId, Refused> {
    text.parse()
        .map(MediaId)
        .map_err(|_| Refused::new(Code::NotFound, "there is no such media session"))
}

fn text(body: &Bytes) -> Result<String, Refused> {
    std::str::from_utf8(body)
        .map(str::to_owned)
        .map_err(|_| Refused::new(Code::BadRequest, "the body is not UTF-8"))
}
