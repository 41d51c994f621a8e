//! The pages that people open, straight from the binary.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use wire_format::Code;

use crate::Refused;

/// Answers every path that is not the API's.
pub(crate) async fn page(method: Method, uri: Uri) -> Response {
    let is_read = method == Method::GET || method == Method::HEAD;
    match web_demo::asset(uri.path()) {
        Some(asset) if is_read => (
            [
                (CONTENT_TYPE, asset.content_type),
                // The next version of the binary has other pages under the same names.
                (CACHE_CONTROL, "no-cache"),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ],
            asset.body,
        )
            .into_response(),
        Some(_) | None => Refused::new(Code::NotFound, "there is nothing here").into_response(),
    }
}
