//! Goal: the program reaches real RTMP servers, players and files, and no peer, however dead, slow or
//! hostile, disturbs another.
//! Method: H.264 and AAC made by FFmpeg go in real time into a hub; nginx-rtmp receives, ffprobe
//! and ffmpeg read; hostile peers are plain sockets. Every wait has a bound.

// In a test a panic is the report; clippy knows only test functions, not what they call.
#![allow(clippy::unwrap_used)]

mod cues;
mod hostile;
mod interop;
mod media;
mod nginx;
mod peer;
mod probe;
mod record;
mod slow;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use relay_cdn::{BoxFuture, Catalog, Hub, PullLimits, PullServer, Subscription};
use tokio::time::{Instant, sleep};

/// Knows one stream, `room`.
struct OneRoom(Hub);

impl Catalog for OneRoom {
    fn open<'a>(&'a self, stream: &'a str) -> BoxFuture<'a, Option<Subscription>> {
        let found = (stream == "room").then(|| self.0.subscribe());
        Box::pin(std::future::ready(found))
    }
}

const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn serve(hub: &Hub, limits: PullLimits) -> PullServer {
    PullServer::start_with(ANY_PORT, Arc::new(OneRoom(hub.clone())), limits).unwrap()
}

fn url_of(server: &PullServer, stream: &str) -> String {
    format!("rtmp://{}/live/{stream}", server.local_addr())
}

/// Waits until `condition` holds, or panics with `promise` after `limit`.
async fn until(promise: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {limit:?}: {promise}");
        sleep(Duration::from_millis(20)).await;
    }
}
