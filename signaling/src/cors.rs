//! Lets pages of other origins use the API: a WHIP client may be a page from anywhere.
//!
//! That is safe because a request proves itself by its bearer token and never by a cookie. The
//! surprise is the exception: the development endpoint hands out tokens without proof, so pages of
//! other origins must not reach it.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::media;

/// Answers every `OPTIONS` request and adds what browsers ask for to every other answer.
pub(crate) async fn allow_other_origins(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(crate::dev_token::PREFIX) {
        return next.run(request).await;
    }
    let is_question = request.method() == Method::OPTIONS;
    let taken = taken_at(request.uri().path());
    let mut response = if is_question { options() } else { next.run(request).await };
    let is_wrong_type = response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let headers = response.headers_mut();
    if let Some((name, content_type)) = taken.filter(|_| is_question || is_wrong_type) {
        headers.insert(name, HeaderValue::from_static(content_type));
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Location, ETag, Link, Accept-Patch, Accept-Post, Retry-After"),
    );
    response
}

/// 200 and not 204, because RFC 9725 section 4.2 says so. It tells nothing about what is behind the
/// path: a question without a token gets the same answer for a room that is not there.
fn options() -> Response {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match",
        ),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}

/// Returns which header tells what `path` takes (RFC 9725 section 4.2, RFC 5789 section 2.2).
fn taken_at(path: &str) -> Option<(HeaderName, &'static str)> {
    if path.ends_with("/whip") || path.ends_with("/whep") {
        Some((media::ACCEPT_POST, media::SDP))
    } else if path.starts_with("/rtc/v1/") {
        Some((media::ACCEPT_POST, "application/json"))
    } else if path.ends_with("/layer") {
        None
    } else if path.contains("/whip/") || path.contains("/whep/") {
        Some((media::ACCEPT_PATCH, media::SDP_FRAGMENT))
    } else {
        None
    }
}
