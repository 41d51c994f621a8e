//! How much is made of a room's picture, over HTTP.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use room_rules::{Capability, Member};
use wire_format::{QualityChoice, QualityView, encode_quality};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Answer, Refused, RoomRequest, Services, body, refused};

/// What somebody has to do with the quality of a program's picture.
#[derive(Debug)]
pub enum QualityRequest {
    /// They look at it.
    Show {
        /// Receives what applies.
        reply: Answer<QualityView>,
    },
    /// They choose another.
    Set {
        /// Who; the role is checked before.
        member: Member,
        /// What they choose.
        choice: QualityChoice,
        /// Receives what applies from now on.
        reply: Answer<QualityView>,
    },
}

/// `GET /v1/rooms/{room}/quality`
pub(crate) async fn show(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_of(room.room())?;

    let view = room.ask(|reply| RoomRequest::Quality(QualityRequest::Show { reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_quality(&view)))
}

/// `PUT /v1/rooms/{room}/quality`
pub(crate) async fn set(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_who_may(Capability::DirectPicture, room.room())?;
    let choice = QualityChoice::decode(&body::read_json(request, &services).await?)?;

    let set = |reply| RoomRequest::Quality(QualityRequest::Set { member, choice, reply });
    let view = room.ask(set).await?;
    Ok(refused::json(StatusCode::OK, encode_quality(&view)))
}
