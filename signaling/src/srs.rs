//! Publishing and playing by SRS's JSON signalling, so that its players and tools work unchanged.
//!
//! It is WHIP and WHEP in another envelope: the same tokens, limits and rooms. What surprises is how a
//! stream's address names a room. SRS knows `webrtc://host/app/stream`; here `live/ROOM` is the room
//! itself (as it is for RTMP), and `ROOM/IDENTITY` one performer in it.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use media_rules::FeedId;
use room_rules::{Member, RoomId, UserId};
use url::Url;
use wire_format::{Code, SRS_BODY_MAX, SrsOffer, encode_srs_answer, encode_srs_error};

use crate::auth::{self, Bearer, find_room};
use crate::{Coming, MediaSession, Refused, RoomRequest, Services, body, media};

/// The app whose streams are rooms.
const ROOMS: &str = "live";
/// The stream of a room that is its program.
const PROGRAM: &str = "program";

/// `POST /rtc/v1/publish/`
pub(crate) async fn publish(State(services): State<Services>, request: Request) -> Response {
    let published = publish_stream(request, &services).await;
    published.unwrap_or_else(refuse)
}

/// `POST /rtc/v1/play/`
pub(crate) async fn play(State(services): State<Services>, request: Request) -> Response {
    let played = play_stream(request, &services).await;
    played.unwrap_or_else(refuse)
}

async fn publish_stream(request: Request, services: &Services) -> Result<Response, Refused> {
    let Asked { stream, bearer, sdp: offer } = Asked::read(request, services).await?;
    let room = find_room(stream.room.as_str(), services)?;
    let (member, until) = bearer.holder_of(room.room())?;
    if !stream.may_be_published_by(&member) {
        return Err(Refused::new(Code::Forbidden, "this stream is somebody else's"));
    }
    services.hooks.may_come(room.room(), &member, Coming::Publish).await?;
    let session = room.ask(|reply| RoomRequest::Publish { member, until, offer, reply }).await?;
    Ok(answer(room.room(), "whip", session, services))
}

async fn play_stream(request: Request, services: &Services) -> Result<Response, Refused> {
    let Asked { stream, bearer, sdp: offer } = Asked::read(request, services).await?;
    let room = find_room(stream.room.as_str(), services)?;
    let (member, until) = bearer.holder_of(room.room())?;
    let feed = stream.feed();
    services.hooks.may_come(room.room(), &member, Coming::Play).await?;
    let session = room.ask(|reply| RoomRequest::Play { member, until, feed, offer, reply }).await?;
    Ok(answer(room.room(), "whep", session, services))
}

/// Who asks for what.
struct Asked {
    stream: Stream,
    bearer: Bearer,
    sdp: String,
}

impl Asked {
    async fn read(request: Request, services: &Services) -> Result<Self, Refused> {
        let by_header = auth::token_in(request.headers()).map(str::to_owned);
        let body = body::read_any(request, SRS_BODY_MAX, services).await?;
        let SrsOffer { stream_url, sdp } = SrsOffer::decode(&body)?;
        let (stream, by_url) = Stream::parse(&stream_url).ok_or_else(|| {
            Refused::new(Code::BadRequest, "streamurl must be webrtc://host/app/stream")
        })?;
        let token = by_header.or(by_url);
        let bearer = Bearer::of(token.as_deref(), services)?;
        Ok(Self { stream, bearer, sdp })
    }
}

/// What `webrtc://host/app/stream` names here.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Stream {
    room: RoomId,
    /// `None`: the room itself.
    performer: Option<UserId>,
}

impl Stream {
    /// Reads an address; returns the token in it, too.
    fn parse(address: &str) -> Option<(Self, Option<String>)> {
        let url = Url::parse(address).ok()?;
        let mut names = url.path_segments()?.filter(|name| !name.is_empty());
        let (app, stream) = (names.next()?, names.next()?);
        if names.next().is_some() {
            return None;
        }
        let token = url.query_pairs().find(|(key, _)| key == "token");
        let token = token.map(|(_, token)| token.into_owned());
        let named = match (app, stream) {
            (ROOMS, room) | (room, PROGRAM) => Self { room: RoomId::parse(room)?, performer: None },
            (room, performer) => {
                Self { room: RoomId::parse(room)?, performer: Some(UserId::parse(performer)?) }
            }
        };
        Some((named, token))
    }

    /// Everyone publishes as themselves: a room's stream is whoever comes, a performer's is theirs.
    fn may_be_published_by(&self, member: &Member) -> bool {
        self.performer.as_ref().is_none_or(|performer| *performer == member.user)
    }

    fn feed(&self) -> Option<FeedId> {
        let performer = self.performer.as_ref()?;
        Some(FeedId::new(self.room.as_str(), performer.as_str()))
    }
}

/// The same session as WHIP's, headers included, in SRS's words.
fn answer(room: &RoomId, kind: &str, session: MediaSession, services: &Services) -> Response {
    let body = encode_srs_answer(&session.answer, &session.id.to_string());
    let (parts, _) = media::created(room, kind, session, services).into_parts();
    say(StatusCode::OK, parts.headers, body)
}

fn refuse(refused: Refused) -> Response {
    let body = encode_srs_error(refused.code, &refused.message);
    let (parts, _) = refused.into_response().into_parts();
    say(parts.status, parts.headers, body)
}

fn say(status: StatusCode, headers: HeaderMap, body: String) -> Response {
    let mut response = (status, Body::from(body)).into_response();
    response.headers_mut().extend(headers);
    response.headers_mut().remove(CONTENT_LENGTH);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_room_or_a_performer_and_may_bring_a_token() {
        let cases = [
            ("webrtc://h/live/a", "a", None, None),
            ("webrtc://h:1985/live/a?vhost=x&token=t.o.k", "a", None, Some("t.o.k")),
            ("webrtc://h/a/program", "a", None, None),
            ("webrtc://h/a/alice?token=x", "a", Some("alice"), Some("x")),
            ("http://h/a/alice/", "a", Some("alice"), None),
        ];
        for (address, room, performer, token) in cases {
            let (stream, found) = Stream::parse(address).unwrap();
            assert_eq!(stream.room.as_str(), room, "{address}");
            assert_eq!(stream.performer.as_ref().map(UserId::as_str), performer, "{address}");
            assert_eq!(found.as_deref(), token, "{address}");
        }
    }

    #[test]
    fn what_names_no_stream_is_none() {
        for address in [
            "",
            "live/a",
            "webrtc:",
            "webrtc://h",
            "webrtc://h/a",
            "webrtc://h/a/b/c",
            "webrtc://h/a/b%20c",
            "webrtc://h/a%2fb/c",
            "webrtc://h/../b",
            "data:live/a",
        ] {
            assert_eq!(Stream::parse(address), None, "{address}");
        }
    }
}
