//! Accepts connections and feeds them to the router.
//!
//! `axum::serve` would do, but it has no limit on connections and waits forever for a client that
//! opens a connection and says half a sentence.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::linger::Connection;
use crate::{Services, router};

/// How long the last connections may take to end once the server shuts down.
const DRAIN: Duration = Duration::from_secs(5);

/// After a failed accept, mostly for want of file descriptors, some time for others to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The address a request came from, in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerAddr(pub(crate) SocketAddr);

/// Serves HTTP and WebSocket on `listener` until `services.shutdown` is cancelled, then waits a few
/// seconds for the last connections.
pub async fn serve(listener: TcpListener, services: Services) {
    let shutdown = services.shutdown.clone();
    let most = services.limits.connections;
    let header_timeout = services.limits.request_timeout;
    // Full: the next connection waits in the kernel's backlog until one ends.
    let places = Arc::new(Semaphore::new(most));
    let router = router(services);

    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, address, permit)) => {
                counter!("signaling_connections_total").increment(1);
                let connection = Connection::new(stream, permit);
                let router = router.clone();
                tokio::spawn(run(connection, address, router, header_timeout, shutdown.clone()));
            }
            Err(error) => {
                warn!(%error, "Cannot accept a connection.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    let all = u32::try_from(most).unwrap_or(u32::MAX);
    if tokio::time::timeout(DRAIN, places.acquire_many(all)).await.is_err() {
        warn!("Connections are still open after the time to drain.");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = places.clone().acquire_owned().await.expect("the semaphore is never closed");
    let (stream, address) = listener.accept().await?;
    // Events are small and must not wait for the answer to the one before. It only fails for a
    // client that is gone again, which the first read will tell.
    let _ = stream.set_nodelay(true);
    Ok((stream, address, permit))
}

async fn run(
    connection: Connection,
    address: SocketAddr,
    router: Router,
    header_timeout: Duration,
    shutdown: CancellationToken,
) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(PeerAddr(address));
        router.clone().oneshot(request)
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(32 * 1024)
        .serve_connection(TokioIo::new(connection), service)
        .with_upgrades();
    tokio::pin!(http);

    let result = tokio::select! {
        result = http.as_mut() => result,
        () = shutdown.cancelled() => {
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
    if let Err(error) = result {
        debug!(%error, "A connection ended in the middle.");
    }
}
