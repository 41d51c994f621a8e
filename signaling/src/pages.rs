//! The pages that people open, straight from the binary.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use wire_format::Code;

use crate::Refused;

/// The page that shops put into pages of their own.
const EMBEDDED_PAGE: &str = "/watch";

/// What the page for embedding may do: nothing but its own files, its own server and live media.
/// Who frames it is left open.
const EMBEDDED_PAGE_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; \
    media-src 'self' blob:; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
    form-action 'self'";

/// The same for every other page. Only pages of this server frame them: a click in the studio
/// sells and kicks, so nobody else may lay it under a button of theirs.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; \
    img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'self'";

/// Answers every path that is not the API's.
pub(crate) async fn page(method: Method, uri: Uri) -> Response {
    let is_read = method == Method::GET || method == Method::HEAD;
    let policy = if uri.path() == EMBEDDED_PAGE { EMBEDDED_PAGE_POLICY } else { POLICY };
    match web_demo::asset(uri.path()) {
        Some(asset) if is_read => (
            [
                (CONTENT_TYPE, asset.content_type),
                // The next version of the binary has other pages under the same names.
                (CACHE_CONTROL, "no-cache"),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (CONTENT_SECURITY_POLICY, policy),
                // A page's address may hold its token, which is nobody else's business.
                (REFERRER_POLICY, "no-referrer"),
            ],
            asset.body,
        )
            .into_response(),
        Some(_) | None => Refused::new(Code::NotFound, "there is nothing here").into_response(),
    }
}
