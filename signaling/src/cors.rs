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

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// Answers every `OPTIONS` request and adds what browsers ask for to every other answer.
pub(crate) async fn allow_other_origins(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(crate::dev_token::PREFIX) {
        return next.run(request).await;
    }
    let mut response = if request.method() == Method::OPTIONS {
        options(request.uri().path())
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Location, ETag, Link, Accept-Patch"),
    );
    response
}

fn options(path: &str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PATCH, DELETE, OPTIONS"),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Authorization, Content-Type, If-Match"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    // A WHIP client may ask what it may post before it does (RFC 9725 section 4.2).
    if path.ends_with("/whip") || path.ends_with("/whep") {
        headers.insert(ACCEPT_POST, HeaderValue::from_static("application/sdp"));
    }
    response
}
