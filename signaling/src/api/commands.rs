//! What a message asks of a room, asked over HTTP: any message by its name, and the usual ones by
//! paths of their own. Both read the same bodies as WebSocket does.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use room_rules::Command;
use serde::Deserialize;
use serde_json::{Map, Value};
use wire_format::{Code, decode_command, encode_reply};

use super::idempotency::{Idempotency, Key};
use super::route::{Gives, Operation, Route, Takes};
use super::twins::{Method, Twin};
use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{BackEndRequest, Refused, RoomRequest, Services, body, refused};

/// Returns the route of a twin.
pub(crate) fn route(twin: &'static Twin) -> Route {
    let says = Operation::new(twin.id, twin.t)
        .takes(Takes::Message(twin.t, twin.fields))
        .gives(200, Gives::Json("Reply"))
        .idempotent_by_key();
    let handler = move |State(services): State<Services>,
                        Path(named): Path<HashMap<String, String>>,
                        Extension(memory): Extension<Arc<Idempotency>>,
                        bearer: Bearer,
                        request: Request| async move {
        let key = Key::of(request.headers())?;
        let mut d: Map<String, Value> = body_or_nothing(request, &services).await?;
        for field in twin.fields {
            let value = named.get(*field).cloned().unwrap_or_default();
            d.insert((*field).to_owned(), value.into());
        }
        let room = named.get("room").map_or("", String::as_str);
        give(twin.t, d, room, key, bearer, &memory, &services).await
    };
    let route = Route::new(twin.path);
    match twin.method {
        Method::Get => route.get(handler, says.takes(Takes::Nothing)),
        Method::Post => route.post(handler, says),
        Method::Put => route.put(handler, says),
        Method::Patch => route.patch(handler, says),
        Method::Delete => route.delete(handler, says),
    }
}

/// `POST /v1/rooms/{room}/commands`
pub(crate) async fn any(
    State(services): State<Services>,
    Path(room): Path<String>,
    Extension(memory): Extension<Arc<Idempotency>>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let key = Key::of(request.headers())?;
    let body = body::read_json(request, &services).await?;
    let Message { t, d } = read(&body)?;
    give(&t, d.unwrap_or_default(), &room, key, bearer, &memory, &services).await
}

#[derive(Deserialize)]
struct Message {
    t: String,
    d: Option<Map<String, Value>>,
}

async fn give(
    t: &str,
    mut d: Map<String, Value>,
    room: &str,
    key: Option<Key>,
    bearer: Bearer,
    memory: &Arc<Idempotency>,
    services: &Services,
) -> Result<Response, Refused> {
    let room = find_room(room, services)?;
    let member = bearer.member_of(room.room())?;
    room.expect_pace(&member)?;
    if let Some(key) = &key {
        key.fill(&mut d);
    }
    let body = Value::Object(d).to_string();
    let command: Command = decode_command(t, &body)?;
    let user = member.user.clone();
    let kept_as = key.as_ref().map(Key::for_the_room).transpose()?;
    let request = format!("{} {t} {body}", room.room());
    let hooks = Arc::clone(&services.hooks);
    let carry_out = async move {
        let command = if hooks.concerns(&command) {
            hooks.look(room.room(), &member, command).await?
        } else {
            command
        };
        let (is_kept, key) = (kept_as.is_some(), kept_as);
        let wish =
            |reply| RoomRequest::BackEnd(BackEndRequest::Ask { member, command, key, reply });
        // Whoever has a key may come back for the answer.
        let reply = if is_kept { room.ask_to_the_end(wish).await } else { room.ask(wish).await };
        reply.map(|reply| encode_reply(&reply))
    };
    let answer = match key {
        Some(key) => memory.once(key, &user, &request, carry_out).await?,
        None => carry_out.await?,
    };
    Ok(refused::json(StatusCode::OK, answer))
}

/// Reads a body that may be left out where there is nothing to say.
async fn body_or_nothing(
    request: Request,
    services: &Services,
) -> Result<Map<String, Value>, Refused> {
    if !request.headers().contains_key(CONTENT_TYPE) {
        let body = body::read_any(request, 0, services).await;
        return body.map(|_| Map::new()).map_err(|_| {
            Refused::new(Code::UnsupportedMediaType, "a body must be of type application/json")
        });
    }
    let body = body::read_json(request, services).await?;
    if body.is_empty() { Ok(Map::new()) } else { read(&body) }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|e| Refused::new(Code::BadRequest, e.to_string()))
}
