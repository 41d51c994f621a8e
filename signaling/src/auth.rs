//! Who asks over HTTP: the bearer token of a request (RFC 6750 section 2.1).

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use metrics::counter;
use room_rules::{Capability, Member, Role, RoomId, ServerTime};
use wire_format::Code;

use crate::token::Claims;
use crate::{Refused, RoomHandle, Services};

/// The claims of a request whose token is good; it may still be for another room.
#[derive(Debug)]
pub(crate) struct Bearer(Claims);

impl Bearer {
    /// Returns who holds `token`, however it came.
    pub(crate) fn of(token: Option<&str>, services: &Services) -> Result<Self, Refused> {
        let token = token.ok_or_else(|| {
            count_refusal("missing");
            Refused::new(Code::Unauthenticated, "a bearer token is needed")
        })?;
        check(token, services).map(Self)
    }

    /// Returns who asks if their token is good for `room`.
    pub(crate) fn member_of(self, room: &RoomId) -> Result<Member, Refused> {
        self.0.member_of(room).inspect_err(|_| count_refusal("other_room"))
    }

    /// Returns who asks, and when their token ends, if it is good for `room`.
    pub(crate) fn holder_of(self, room: &RoomId) -> Result<(Member, ServerTime), Refused> {
        let until = self.0.ends_at();
        Ok((self.member_of(room)?, until))
    }

    /// Takes only the token of an admin that is good for every room.
    pub(crate) fn expect_admin_of_all(&self) -> Result<(), Refused> {
        if self.0.member.role == Role::Admin && self.0.room.is_none() {
            return Ok(());
        }
        Err(Refused::new(Code::Forbidden, "only an admin of all rooms may do this"))
    }

    /// Returns who asks if their token is good for `room` and grants `capability`.
    pub(crate) fn member_who_may(
        self,
        capability: Capability,
        room: &RoomId,
    ) -> Result<Member, Refused> {
        let member = self.member_of(room)?;
        if member.may(capability) {
            Ok(member)
        } else {
            Err(Refused::new(Code::Forbidden, "your role or token does not allow this"))
        }
    }
}

impl FromRequestParts<Services> for Bearer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Refused> {
        Self::of(token_in(&parts.headers), services)
    }
}

/// Returns the bearer token of a request.
pub(crate) fn token_in(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok().and_then(bearer)
}

/// Returns the claims of `token` if it is good now.
pub(crate) fn check(token: &str, services: &Services) -> Result<Claims, Refused> {
    services.tokens.verify(token, services.clock.now()).map_err(|error| {
        count_refusal("not_valid");
        error.into()
    })
}

/// Returns the room that a path names.
pub(crate) fn find_room(name: &str, services: &Services) -> Result<RoomHandle, Refused> {
    let room = RoomId::parse(name).ok_or_else(Refused::room_not_found)?;
    services.directory.find(&room).ok_or_else(Refused::room_not_found)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn count_refusal(reason: &'static str) {
    counter!("signaling_tokens_refused_total", "reason" => reason).increment(1);
}
