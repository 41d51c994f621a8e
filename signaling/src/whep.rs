//! Playing over HTTP: WHEP (draft-ietf-wish-whep), the program or one performer's own feed.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use media_rules::FeedId;
use media_rules::layer::Pin;
use serde::Deserialize;
use wire_format::{Code, PickLayer, PictureSize};

use crate::auth::{Bearer, find_room};
use crate::named::Named;
use crate::path::Path;
use crate::{Coming, Refused, RoomHandle, RoomRequest, Services, body, media};

/// What is to be played.
#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    feed: Option<String>,
}

/// `POST /v1/rooms/{room}/whep[?feed=room/identity]`
pub(crate) async fn play(
    State(services): State<Services>,
    Path(room): Path<String>,
    choice: Result<Query<Choice>, QueryRejection>,
    uri: Uri,
    bearer: Bearer,
    request: Request,
) -> Response {
    let room = match find_room(&room, &services) {
        Ok(room) => room,
        Err(refused) => return media::no_room(refused, &uri, &services),
    };
    play_in(&room, choice, bearer, request, &services).await.into_response()
}

async fn play_in(
    room: &RoomHandle,
    choice: Result<Query<Choice>, QueryRejection>,
    bearer: Bearer,
    request: Request,
    services: &Services,
) -> Result<Response, Refused> {
    let (member, until) = bearer.holder_of(room.room())?;
    let Query(choice) =
        choice.map_err(|error| Refused::new(Code::BadRequest, error.body_text()))?;
    let feed = choice.feed.as_deref().map(parse_feed).transpose()?;
    let offer = media::read_offer(request, services).await?;
    services.hooks.may_come(room.room(), &member, Coming::Play).await?;

    let session = room.ask(|reply| RoomRequest::Play { member, until, feed, offer, reply }).await?;
    Ok(media::created(room.room(), "whep", session, services))
}

/// `GET` and `HEAD` on `/v1/rooms/{room}/whep`: nothing to show, but its type tells a player that it
/// found a WHEP endpoint (draft-ietf-wish-whep section 4.2).
pub(crate) async fn look(
    State(services): State<Services>,
    Path(room): Path<String>,
) -> Result<Response, Refused> {
    find_room(&room, &services)?;
    Ok([(CONTENT_TYPE, media::SDP)].into_response())
}

/// `PUT /v1/rooms/{room}/whep/{id}/layer`: the viewer chooses the size of its picture.
pub(crate) async fn pick_layer(
    State(services): State<Services>,
    named: Named,
    request: Request,
) -> Result<StatusCode, Refused> {
    let Named { room, member, id, .. } = named;
    let body = body::read_json(request, &services).await?;
    let pin = match PickLayer::decode(&body)?.picture {
        PictureSize::Auto => None,
        PictureSize::Low => Some(Pin::Low),
        PictureSize::Medium => Some(Pin::Medium),
        PictureSize::High => Some(Pin::High),
    };

    room.ask(|reply| RoomRequest::PickLayer { member, id, pin, reply }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse_feed(name: &str) -> Result<FeedId, Refused> {
    FeedId::parse(name).ok_or_else(|| Refused::new(Code::BadRequest, "feed must be room/identity"))
}
