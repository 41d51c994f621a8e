//! Rooms over HTTP: look, open, end.

use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use room_rules::{Capability, RoomView, Tag};
use serde::Deserialize;
use wire_format::{Code, CreateRoom, encode_room, encode_rooms, encode_snapshot, room_state_name};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{BackEndRequest, Created, Refused, RoomHandle, RoomRequest, Services, body, refused};

/// The list of rooms is for people to choose from; nobody reads further.
const LISTED_MAX: usize = 200;

/// Which rooms, in which order, and which page of them.
#[derive(Deserialize)]
pub(crate) struct Wish {
    state: Option<String>,
    tag: Option<String>,
    sort: Option<String>,
    limit: Option<usize>,
    cursor: Option<usize>,
}

/// `GET /v1/rooms`
pub(crate) async fn list(
    State(services): State<Services>,
    wish: Result<Query<Wish>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let bad = |message: String| Refused::new(Code::BadRequest, message);
    let Query(Wish { state, tag, sort, limit, cursor }) = wish.map_err(|e| bad(e.body_text()))?;
    let no_tag = || bad("tag must hold 1 to 24 characters".to_owned());
    let tag = tag.map(|tag| Tag::parse(&tag).ok_or_else(no_tag)).transpose()?;
    let sort = sort.as_deref().unwrap_or("name");
    let (limit, from) = (limit.unwrap_or(LISTED_MAX).clamp(1, LISTED_MAX), cursor.unwrap_or(0));
    let mut rooms = services.directory.list();
    match sort {
        "name" | "hot" => {}
        "new" => rooms.sort_by_key(|room| Reverse(room.opened_at())),
        _ => return Err(bad("sort must be name, hot or new".to_owned())),
    }
    // Every room is asked only where the answer depends on all of them.
    let is_by_answer = sort == "hot" || state.is_some() || tag.is_some();
    let mut has_more = !is_by_answer && rooms.len() > from.saturating_add(limit);
    if !is_by_answer {
        rooms = rooms.into_iter().skip(from).take(limit).collect();
    }
    // A room that ends or is too busy at this moment is left out.
    let views = join_all(rooms.iter().map(look)).await;
    let mut views: Vec<RoomView> =
        views.into_iter().filter_map(Result::ok).filter(|room| !room.hidden).collect();
    if is_by_answer {
        let is_wanted = |name| state.as_deref().is_none_or(|state| state == name);
        views.retain(|view| is_wanted(room_state_name(view.state)));
        views.retain(|view| tag.as_ref().is_none_or(|tag| view.tags.has(tag)));
        if sort == "hot" {
            views.sort_by_key(|view| Reverse(view.online));
        }
        has_more = views.len() > from.saturating_add(limit);
        views = views.into_iter().skip(from).take(limit).collect();
    }
    let next = from.saturating_add(limit).to_string();
    let cursor = has_more.then_some(next.as_str());
    Ok(tagged(&headers, encode_rooms(&views, cursor, &services.rtmp_base)))
}

/// `GET /v1/rooms/{room}/snapshot`
pub(crate) async fn snapshot(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;
    room.expect_pace(&member)?;
    let snapshot =
        room.ask(|reply| RoomRequest::BackEnd(BackEndRequest::Look { member, reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_snapshot(&snapshot)))
}

/// Answers with an entity tag, and with nothing else if the client has this already (RFC 9110
/// section 13.1.2).
fn tagged(headers: &HeaderMap, body: String) -> Response {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|known| known.contains(&tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        refused::json(StatusCode::OK, body)
    };
    let tag = HeaderValue::from_str(&tag).expect("digits in quotes are a header's value");
    response.headers_mut().insert(ETAG, tag);
    response
}

/// `GET /v1/rooms/{room}`
pub(crate) async fn describe(
    State(services): State<Services>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    Ok(tagged(&headers, encode_room(&look(&room).await?, &services.rtmp_base)))
}

/// `POST /v1/rooms`
pub(crate) async fn create(
    State(services): State<Services>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let body = body::read_json(request, &services).await?;
    let wanted = CreateRoom::decode(&body)?;
    let member = bearer.member_who_may(Capability::CreateRoom, &wanted.room)?;

    let (status, room) = match services.lobby.create(wanted.room, wanted.title, member).await? {
        Created::New(room) => (StatusCode::CREATED, room),
        Created::Existing(room) => (StatusCode::OK, room),
    };
    Ok(refused::json(status, encode_room(&view(&room).await?, &services.rtmp_base)))
}

/// `DELETE /v1/rooms/{room}`
pub(crate) async fn end(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<StatusCode, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_who_may(Capability::EndRoom, room.room())?;

    room.ask(|reply| RoomRequest::End { member, reply }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the room as those see it who need no token for that.
async fn look(room: &RoomHandle) -> Result<RoomView, Refused> {
    if room.is_crowded() {
        return Err(Refused::busy());
    }
    view(room).await
}

async fn view(room: &RoomHandle) -> Result<RoomView, Refused> {
    room.ask(|reply| RoomRequest::Describe { reply }).await
}
