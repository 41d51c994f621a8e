//! Tokens for whoever develops: `GET /v1/dev/token?room=R&identity=U&role=host`.
//!
//! It proves nothing and gives everything, so it only answers programs on this machine, and only
//! under a name of this machine: a page that points its own domain at 127.0.0.1 gets nothing.

use std::time::Duration;

use axum::Extension;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use room_rules::{Areas, Member, Role, RoomId, UserId};
use serde::Deserialize;
use serde_json::json;
use wire_format::Code;

use crate::serve::PeerAddr;
use crate::{Claims, Refused, Services, token};

/// Everything under here is kept from pages of other origins.
pub(crate) const PREFIX: &str = "/v1/dev/";

/// Where the tokens are.
pub(crate) const PATH: &str = "/v1/dev/token";

const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What a token is wanted for.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    room: String,
    identity: String,
    role: String,
    name: Option<String>,
}

/// Answers with a token if the question comes from this machine.
pub(crate) async fn issue(
    State(services): State<Services>,
    peer: Option<Extension<PeerAddr>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refused> {
    let is_local = peer.is_some_and(|Extension(PeerAddr(address))| address.ip().is_loopback());
    if !is_local || !names_this_machine(&headers) {
        return Err(Refused::new(Code::Forbidden, "only this machine gets development tokens"));
    }
    let Query(wish) = Query::<Wish>::try_from_uri(&uri)
        .map_err(|error| Refused::new(Code::BadRequest, error.to_string()))?;

    let claims = claims(&wish, &services)
        .ok_or_else(|| Refused::new(Code::BadRequest, "room, identity, role or name is not one"))?;
    let token = services.tokens.sign(&claims);
    Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "token": token }))).into_response())
}

fn claims(wish: &Wish, services: &Services) -> Option<Claims> {
    let room = RoomId::parse(&wish.room)?;
    let user = UserId::parse(&wish.identity)?;
    let role = Role::parse(&wish.role)?;
    let name = token::display_name(wish.name.as_deref().unwrap_or(&wish.identity))?.into();
    Some(Claims::new(
        room,
        Member { user, name, role, caps: Areas::ALL },
        services.clock.now(),
        LIFETIME,
    ))
}

fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    matches!(name, "localhost" | "[::1]")
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}
