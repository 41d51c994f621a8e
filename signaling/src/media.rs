//! What publishing and playing over HTTP share: the offer, the answer and the session's own URL.

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, LINK, LOCATION};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use room_rules::RoomId;
use wire_format::{Code, SDP_BODY_MAX};

use crate::ice::FRAGMENT_MAX;
use crate::named::Named;
use crate::{IceFragment, IfMatch, MediaSession, Patched, Refused, RoomRequest, Services, body};

pub(crate) const SDP: &str = "application/sdp";
pub(crate) const SDP_FRAGMENT: &str = "application/trickle-ice-sdpfrag";
pub(crate) const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
pub(crate) const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// Says that there is no such room, or that the other server may have it.
///
/// 307 and never 301 or 302, after which a client would come with a `GET` (RFC 9725 section 4.5).
pub(crate) fn no_room(refused: Refused, uri: &Uri, services: &Services) -> Response {
    let (Some(base), Code::RoomNotFound) = (&services.other_server, refused.code) else {
        return refused.into_response();
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let elsewhere = format!("{}{path}", base.trim_end_matches('/'));
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, elsewhere)]).into_response()
}

/// Returns the SDP offer in `request`. Whether it is a good one is for the media server to say.
pub(crate) async fn read_offer(request: Request, services: &Services) -> Result<String, Refused> {
    text(&body::read(request, SDP, SDP_BODY_MAX, services).await?)
}

/// Answers that the session exists now, and where (RFC 9725 section 4.2).
pub(crate) fn created(
    room: &RoomId,
    kind: &str,
    session: MediaSession,
    services: &Services,
) -> Response {
    let location = format!("/v1/rooms/{room}/{kind}/{}", session.id);
    let etag = format!("\"{}\"", session.etag);
    let headers = [
        (CONTENT_TYPE, SDP),
        (LOCATION, location.as_str()),
        (ETAG, etag.as_str()),
        (ACCEPT_PATCH, SDP_FRAGMENT),
    ];
    let mut response = (StatusCode::CREATED, headers, session.answer).into_response();
    for link in services.ice_servers.links(&session.owner, services.clock.now()) {
        response.headers_mut().append(LINK, link);
    }
    response
}

/// `PATCH` on a session's URL: more ICE candidates or an ICE restart (RFC 9725 section 4.3).
pub(crate) async fn patch(
    State(services): State<Services>,
    named: Named,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refused> {
    let Named { room, member, until, id } = named;
    let condition = IfMatch::of(&headers);
    let fragment = text(&body::read(request, SDP_FRAGMENT, FRAGMENT_MAX, &services).await?)?;
    let fragment = IceFragment::parse(&fragment)?;

    let patched = room
        .ask(|reply| RoomRequest::PatchPeer { member, until, id, condition, fragment, reply })
        .await?;
    Ok(match patched {
        // No entity tag with it: the ICE session is the same (RFC 9725 section 4.3.2).
        Patched::Trickled => StatusCode::NO_CONTENT.into_response(),
        Patched::Restarted { etag, fragment } => {
            let headers = [(CONTENT_TYPE, SDP_FRAGMENT.to_owned()), (ETAG, format!("\"{etag}\""))];
            (StatusCode::OK, headers, fragment).into_response()
        }
    })
}

/// `DELETE` on a session's URL (RFC 9725 section 4.2). An entity tag is ignored, as it must be.
pub(crate) async fn close(named: Named) -> Result<StatusCode, Refused> {
    let Named { room, member, id, .. } = named;
    room.ask(|reply| RoomRequest::ClosePeer { member, id, reply }).await?;
    Ok(StatusCode::OK)
}

/// `GET` on a session's URL: there is nothing to show, but it is there (RFC 9725 section 4.1).
pub(crate) async fn look(named: Named) -> Result<StatusCode, Refused> {
    let Named { room, member, id, .. } = named;
    room.ask(|reply| RoomRequest::FindPeer { member, id, reply }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn text(body: &Bytes) -> Result<String, Refused> {
    std::str::from_utf8(body)
        .map(str::to_owned)
        .map_err(|_| Refused::new(Code::BadRequest, "the body is not UTF-8"))
}
