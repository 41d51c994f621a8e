//! Playing over HTTP: WHEP (draft-ietf-wish-whep), the program or one performer's own feed.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::response::Response;
use media_rules::FeedId;
use serde::Deserialize;
use wire_format::Code;

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Refused, RoomRequest, Services, media};

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
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;
    let Query(choice) =
        choice.map_err(|error| Refused::new(Code::BadRequest, error.body_text()))?;
    let feed = choice.feed.as_deref().map(parse_feed).transpose()?;
    let offer = media::read_offer(request, &services).await?;

    let session = room.ask(|reply| RoomRequest::Play { member, feed, offer, reply }).await?;
    Ok(media::created(room.room(), "whep", session))
}

fn parse_feed(name: &str) -> Result<FeedId, Refused> {
    FeedId::parse(name).ok_or_else(|| Refused::new(Code::BadRequest, "feed must be room/identity"))
}
