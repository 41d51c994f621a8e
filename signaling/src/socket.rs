//! Lets a WebSocket in: token, limit of sockets, sizes. What is said on it is `session`'s.

use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::Semaphore;
use wire_format::{Code, FRAME_MAX};

use crate::session::Session;
use crate::{Refused, Services, auth};

/// A message that does not fit in here is written in several goes.
const BUFFER_BYTES: usize = 8 * 1024;

/// The query of `GET /v1/ws`. A browser cannot put a header on a WebSocket.
#[derive(Deserialize)]
pub(crate) struct Entry {
    token: Option<String>,
}

/// `GET /v1/ws?token=..`
pub(crate) async fn upgrade(
    State(services): State<Services>,
    Extension(places): Extension<Arc<Semaphore>>,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let entry = Query::<Entry>::try_from_uri(&uri);
    let Some(token) = entry.ok().and_then(|Query(entry)| entry.token) else {
        return Err(Refused::new(Code::Unauthenticated, "a token is needed"));
    };
    let claims = auth::check(&token, &services)?;
    let upgrade = upgrade.map_err(|error| Refused::new(Code::BadRequest, error.body_text()))?;
    if services.shutdown.is_cancelled() {
        return Err(Refused::new(Code::Draining, "this server is shutting down"));
    }
    let place = places.try_acquire_owned().map_err(|_| Refused::busy())?;

    let session = Session::new(services, claims);
    Ok(upgrade
        .max_message_size(FRAME_MAX)
        .max_frame_size(FRAME_MAX)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .on_upgrade(async move |socket| {
            session.run(socket).await;
            drop(place);
        })
        .into_response())
}
