//! Reads a request's body within a limit of bytes and of time.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use wire_format::{Code, JSON_BODY_MAX};

use crate::{Refused, Services};

/// Returns the body of `request` if it is of `content_type` and holds at most `max_bytes`.
pub(crate) async fn read(
    request: Request,
    content_type: &str,
    max_bytes: usize,
    services: &Services,
) -> Result<Bytes, Refused> {
    if !is_of_type(request.headers(), content_type) {
        return Err(Refused::new(
            Code::UnsupportedMediaType,
            format!("the body must be of type {content_type}"),
        ));
    }
    read_any(request, max_bytes, services).await
}

/// Returns the body of `request`, whatever its type, if it holds at most `max_bytes`.
pub(crate) async fn read_any(
    request: Request,
    max_bytes: usize,
    services: &Services,
) -> Result<Bytes, Refused> {
    // A body that says it is too large is not even begun.
    if declared_length(request.headers()).is_some_and(|length| length > max_bytes) {
        return Err(too_large(max_bytes));
    }
    let reading = collect(request.into_body(), max_bytes);
    match tokio::time::timeout(services.limits.request_timeout, reading).await {
        Ok(result) => result,
        Err(_) => Err(Refused::new(Code::BadRequest, "the body did not arrive in time")),
    }
}

/// Returns the body of `request`, which must be JSON.
pub(crate) async fn read_json(request: Request, services: &Services) -> Result<Bytes, Refused> {
    read(request, "application/json", JSON_BODY_MAX, services).await
}

async fn collect(body: Body, max_bytes: usize) -> Result<Bytes, Refused> {
    match Limited::new(body, max_bytes).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(max_bytes)),
        Err(_) => Err(Refused::new(Code::BadRequest, "the body broke off")),
    }
}

fn too_large(max_bytes: usize) -> Refused {
    Refused::new(Code::TooLarge, format!("the body may hold {max_bytes} bytes"))
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Compares the type and leaves parameters such as `charset` aside.
fn is_of_type(headers: &HeaderMap, content_type: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case(content_type))
}
