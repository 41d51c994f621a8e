//! The named parts of a request's path. What surprises: axum's own extractor answers a name that is
//! not UTF-8 with plain text, and clients were promised JSON for every error.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use wire_format::Code;

use crate::Refused;

/// What a path names, still as text.
pub(crate) struct Path<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(names)) => Ok(Self(names)),
            Err(error) => Err(Refused::new(Code::BadRequest, error.body_text())),
        }
    }
}
