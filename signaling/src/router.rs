//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{any, get};
use tokio::sync::Semaphore;
use wire_format::Code;

use crate::api::{Idempotency, routes};
use crate::{Refused, Services, cors, dev_token, pages, socket};

/// Builds everything this crate serves.
pub fn router(services: Services) -> Router {
    // Full: a new WebSocket is answered `BUSY` before it is upgraded.
    let sockets = Arc::new(Semaphore::new(services.limits.sockets));
    let memory = Arc::new(Idempotency::default());
    let mut router = Router::new();
    for route in routes() {
        router = router.route(route.path, route.methods);
    }
    let mut router = router
        .layer(axum::Extension(memory))
        .route("/v1/ws", any(socket::upgrade).layer(axum::Extension(sockets)));
    if services.dev_tokens {
        router = router.route(dev_token::PATH, get(dev_token::issue));
    }
    router
        .fallback(pages::page)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(cors::allow_other_origins))
        .with_state(services)
}

async fn method_not_allowed() -> Refused {
    Refused::new(Code::MethodNotAllowed, "this path does not take this method")
}
