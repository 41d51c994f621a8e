//! How a room's program is laid out, over HTTP.

use axum::extract::{Request, State};
use axum::http::header::ETAG;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use room_rules::Capability;
use wire_format::{LayoutView, decode_layout, encode_layout};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{IfMatch, LayoutRequest, Refused, RoomRequest, Services, body, refused};

/// `GET /v1/rooms/{room}/layout`
pub(crate) async fn show(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_of(room.room())?;

    let view = room.ask(|reply| RoomRequest::Layout(LayoutRequest::Show { reply })).await?;
    Ok(answer(&view))
}

/// `PUT /v1/rooms/{room}/layout`
pub(crate) async fn set(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_who_may(Capability::DirectPicture, room.room())?;
    let condition = IfMatch::of(request.headers());
    let body = body::read_json(request, &services).await?;
    let choice = Box::new(decode_layout(&body)?);

    let view = room
        .ask(|reply| RoomRequest::Layout(LayoutRequest::Set { member, choice, condition, reply }))
        .await?;
    Ok(answer(&view))
}

/// The entity tag is the revision (RFC 9110 section 8.8.3).
fn answer(view: &LayoutView) -> Response {
    let mut answer = refused::json(StatusCode::OK, encode_layout(view));
    let tag = format!("\"{}\"", view.scene.revision);
    let tag = HeaderValue::from_str(&tag).expect("digits in quotes are a header's value");
    answer.headers_mut().insert(ETAG, tag);
    answer
}
