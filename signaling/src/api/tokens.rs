//! Tokens for back ends that do not sign their own.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use room_rules::{Member, Role};
use wire_format::{Code, MintToken, encode_token};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Claims, Refused, Services, body, refused, token};

/// `POST /v1/rooms/{room}/tokens`
pub(crate) async fn mint(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let asker = bearer.member_of(room.room())?;
    if asker.role != Role::Admin {
        return Err(Refused::new(Code::Forbidden, "only an admin makes tokens"));
    }
    let body = body::read_json(request, &services).await?;
    let MintToken { user, name, role, ttl_s } = MintToken::decode(&body)?;
    let name = token::display_name(name.as_deref().unwrap_or(user.as_str()))
        .ok_or_else(|| Refused::new(Code::BadRequest, "name is too long or empty"))?
        .into();

    let lifetime = Duration::from_secs(ttl_s.into());
    let now = services.clock.now();
    let member = Member { user, name, role, caps: asker.caps };
    let claims = Claims::new(room.room().clone(), member, now, lifetime);
    let token = services.tokens.sign(&claims);
    let mut answer = refused::json(StatusCode::CREATED, encode_token(&token, now + lifetime));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}
