//! Why a request was turned down, on its way to whoever asked.

use std::borrow::Cow;
use std::fmt;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use metrics::counter;
use room_rules::Rejected;
use wire_format::{Code, DecodeError};

/// A code of the protocol and a sentence for people. The client acts on the code alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// What the client acts on; also decides the HTTP status.
    pub code: Code,
    /// What a developer reads.
    pub message: Cow<'static, str>,
}

impl Refused {
    /// Turns a request down with `code`.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) const fn room_not_found() -> Self {
        Self { code: Code::RoomNotFound, message: Cow::Borrowed("there is no such room") }
    }

    pub(crate) const fn too_fast() -> Self {
        Self { code: Code::RateLimited, message: Cow::Borrowed("too many messages, slow down") }
    }

    pub(crate) const fn busy() -> Self {
        Self { code: Code::Busy, message: Cow::Borrowed("too much is going on, try again") }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Refused {}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.http_status())
            .expect("every code's status is a valid HTTP status");
        counter!("signaling_requests_refused_total", "code" => self.code.as_str()).increment(1);
        let mut response = json(status, wire_format::encode_error_body(self.code, &self.message));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2 wants to know how one may authenticate.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after(self.code) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }
}

impl From<Rejected> for Refused {
    fn from(rejected: Rejected) -> Self {
        Self::new(Code::from(&rejected), rejected.to_string())
    }
}

impl From<DecodeError> for Refused {
    fn from(error: DecodeError) -> Self {
        Self::new(error.code, error.message)
    }
}

/// Returns after how many seconds it is worth to try again (RFC 9725 section 4.5, and
/// draft-ietf-wish-whep for a feed that is not live); `None` where time alone changes nothing.
#[expect(clippy::wildcard_enum_match_arm, reason = "most codes are final")]
const fn retry_after(code: Code) -> Option<&'static str> {
    match code {
        Code::RateLimited => Some("1"),
        Code::Busy | Code::NotLive => Some("2"),
        Code::RoomFull | Code::Draining => Some("5"),
        _ => None,
    }
}

/// Answers with JSON that is already text.
pub(crate) fn json(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
