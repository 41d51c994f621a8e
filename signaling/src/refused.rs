//! Why a request was turned down, on its way to whoever asked.

use std::borrow::Cow;
use std::fmt;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use metrics::counter;
use room_rules::Rejected;
use wire_format::{Code, DecodeError};

/// RFC 9457.
const PROBLEM: &str = "application/problem+json";

/// A code of the protocol and a sentence for people. The client acts on the code alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// What the client acts on; also decides the HTTP status.
    pub code: Code,
    /// What a developer reads.
    pub message: Cow<'static, str>,
    /// After how many milliseconds it is worth to try again, if time changes anything.
    pub retry_ms: Option<u64>,
}

impl Refused {
    /// Turns a request down with `code`.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_ms: code.retry_ms() }
    }

    /// Returns the same with another time to try again.
    #[must_use]
    pub fn retry_after(self, retry_ms: u64) -> Self {
        Self { retry_ms: Some(retry_ms), ..self }
    }

    pub(crate) fn room_not_found() -> Self {
        Self::new(Code::RoomNotFound, "there is no such room")
    }

    pub(crate) fn too_fast() -> Self {
        Self::new(Code::RateLimited, "too many messages, slow down")
    }

    pub(crate) fn busy() -> Self {
        Self::new(Code::Busy, "too much is going on, try again")
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
        let body = wire_format::encode_problem(self.code, &self.message, self.retry_ms);
        let mut response = (status, [(CONTENT_TYPE, PROBLEM)], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2 wants to know how one may authenticate.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(retry_ms) = self.retry_ms {
            // The header holds whole seconds; less than one would not be a wait.
            let seconds = HeaderValue::from(retry_ms.div_ceil(1000).max(1));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few refusals say when")]
impl From<Rejected> for Refused {
    fn from(rejected: Rejected) -> Self {
        let refused = Self::new(Code::from(&rejected), rejected.to_string());
        match rejected {
            Rejected::NotOpen { opens_in_ms } => refused.retry_after(opens_in_ms),
            _ => refused,
        }
    }
}

impl From<DecodeError> for Refused {
    fn from(error: DecodeError) -> Self {
        Self::new(error.code, error.message)
    }
}

/// Answers with JSON that is already text.
pub(crate) fn json(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
