//! The letters to back ends that were given up: whoever holds an admin's token looks at them and has
//! them delivered again.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire_format::Code;

use crate::auth::Bearer;
use crate::path::Path;
use crate::{Refused, Services, refused};

const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;

/// A letter that was given up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeadLetter {
    /// Its name in this server.
    pub id: String,
    /// Who did not take it.
    pub endpoint: String,
    /// The room that it is about.
    pub room: String,
    /// Its place among the letters about the room to this endpoint.
    pub seq: u64,
    /// What it is about.
    pub event: String,
    /// When that happened, in Unix milliseconds.
    pub at: u64,
    /// How often it was tried.
    pub tries: u32,
    /// Why it was not taken the last time.
    pub error: Option<String>,
    /// What it says.
    pub data: Value,
}

/// Whoever keeps letters that were given up.
pub trait DeadLetters: Send + Sync + 'static {
    /// Returns those whose id is higher than `after`, oldest first, at most `count`.
    fn list(&self, after: u64, count: usize) -> BoxFuture<'_, Result<Vec<DeadLetter>, Refused>>;

    /// Has one delivered again, before those about its room that wait; false if there is none such.
    fn replay(&self, id: u64) -> BoxFuture<'_, Result<bool, Refused>>;
}

/// Which page.
#[derive(Deserialize)]
pub(crate) struct Page {
    limit: Option<usize>,
    cursor: Option<u64>,
}

/// `GET /v1/webhooks/dead`
pub(crate) async fn list(
    State(services): State<Services>,
    page: Result<Query<Page>, QueryRejection>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    bearer.expect_admin_of_all()?;
    let Query(Page { limit, cursor }) =
        page.map_err(|e| Refused::new(Code::BadRequest, e.body_text()))?;
    let count = limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);

    let mut letters = services.dead_letters.list(cursor.unwrap_or(0), count + 1).await?;
    let has_more = letters.len() > count;
    letters.truncate(count);
    let cursor = letters.last().filter(|_| has_more).map(|last| last.id.clone());
    let body = json!({"letters": letters, "cursor": cursor});
    Ok(refused::json(StatusCode::OK, body.to_string()))
}

/// `POST /v1/webhooks/dead/{id}/replay`
pub(crate) async fn replay(
    State(services): State<Services>,
    Path(id): Path<String>,
    bearer: Bearer,
) -> Result<StatusCode, Refused> {
    bearer.expect_admin_of_all()?;
    let is_there = match id.parse() {
        Ok(id) => services.dead_letters.replay(id).await?,
        Err(_) => false,
    };
    let is_none = || Refused::new(Code::NotFound, "there is no such letter");
    is_there.then_some(StatusCode::ACCEPTED).ok_or_else(is_none)
}
