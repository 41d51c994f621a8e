//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{MethodRouter, any, delete, get, post, put};
use tokio::sync::Semaphore;
use wire_format::Code;

use crate::{Refused, Services};
use crate::{
    cors, dev_token, gifts, giveaways, ice_servers, inserts, layout, media, orders, pages, peers,
    rooms, snapshot, socket, srs, targets, whep, whip,
};

/// Builds everything this crate serves.
pub fn router(services: Services) -> Router {
    // Full: a new WebSocket is answered `BUSY` before it is upgraded.
    let sockets = Arc::new(Semaphore::new(services.limits.sockets));
    let mut router = Router::new()
        .route("/v1/rooms", get(rooms::list).post(rooms::create))
        .route("/v1/rooms/{room}", get(rooms::describe).delete(rooms::end))
        .route("/v1/rooms/{room}/whip", get(whip::look).post(whip::publish))
        .route("/v1/rooms/{room}/whip/{id}", session())
        .route("/v1/rooms/{room}/whep", get(whep::look).post(whep::play))
        .route("/v1/rooms/{room}/whep/{id}", session())
        .route("/v1/rooms/{room}/whep/{id}/layer", put(whep::pick_layer))
        .route("/v1/rooms/{room}/peers", get(peers::list))
        .route("/v1/rooms/{room}/peers/{id}/stats", get(peers::report))
        .route("/v1/rooms/{room}/ice-servers", get(ice_servers::list))
        .route("/v1/rooms/{room}/layout", get(layout::show).put(layout::set))
        .route("/v1/rooms/{room}/inserts", get(inserts::list).post(inserts::add))
        .route("/v1/rooms/{room}/inserts/{id}", delete(inserts::remove))
        .route("/v1/rooms/{room}/warmup", get(inserts::warmup).put(inserts::set_warmup))
        .route("/v1/rooms/{room}/slate", get(inserts::slate).put(inserts::set_slate))
        .route("/v1/rooms/{room}/snapshot.jpg", get(snapshot::take))
        .route("/v1/rooms/{room}/targets", get(targets::list).post(targets::add))
        .route("/v1/rooms/{room}/targets/{id}", delete(targets::remove))
        .route("/v1/gifts", get(gifts::catalog))
        .route("/v1/rooms/{room}/leaderboard", get(gifts::leaderboard))
        .route("/v1/rooms/{room}/packets/{packet}", get(giveaways::packet))
        .route("/v1/rooms/{room}/lotteries/{lottery}", get(giveaways::lottery))
        .route("/v1/rooms/{room}/orders", post(orders::place))
        .route("/rtc/v1/publish/", post(srs::publish))
        .route("/rtc/v1/publish", post(srs::publish))
        .route("/rtc/v1/play/", post(srs::play))
        .route("/rtc/v1/play", post(srs::play))
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

fn session() -> MethodRouter<Services> {
    get(media::look).patch(media::patch).delete(media::close)
}

async fn method_not_allowed() -> Refused {
    Refused::new(Code::MethodNotAllowed, "this path does not take this method")
}
