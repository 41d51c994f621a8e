//! Metrics and health on a listener of its own, so that neither is ever on the public net.
//! `/readyz` says yes only between "every listener is up" and "shutting down"; `/healthz` says yes
//! as long as the process answers at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Whether new clients should be sent here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says that every listener is up.
    pub(crate) fn set_ready(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Says that the server is on its way out.
    pub(crate) fn set_draining(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Answers operators until it is cancelled.
#[derive(Clone)]
pub(crate) struct Ops {
    metrics: PrometheusHandle,
    readiness: Readiness,
}

impl Ops {
    /// Takes over this process's metrics.
    ///
    /// # Errors
    /// If something else in the process records metrics already.
    pub(crate) fn install(readiness: Readiness) -> Result<Self, BuildError> {
        let metrics = PrometheusBuilder::new().install_recorder()?;
        describe_gauges();
        Ok(Self { metrics, readiness })
    }

    /// Serves `listener` until `cancelled`.
    ///
    /// # Errors
    /// If the listener breaks.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        cancelled: CancellationToken,
    ) -> std::io::Result<()> {
        let app = Router::new()
            .route("/metrics", get(metrics_text))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .with_state(self);
        axum::serve(listener, app).with_graceful_shutdown(cancelled.cancelled_owned()).await
    }
}

async fn metrics_text(State(ops): State<Ops>) -> String {
    // Histograms are drained as they are read; nobody else needs a timer for that.
    ops.metrics.run_upkeep();
    ops.metrics.render()
}

async fn ready(State(ops): State<Ops>) -> (StatusCode, &'static str) {
    if ops.readiness.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

fn describe_gauges() {
    metrics::describe_gauge!("server_rooms", "Rooms that exist.");
    metrics::describe_gauge!("server_programs", "Programs being mixed.");
    metrics::describe_gauge!("server_targets", "RTMP push targets.");
    metrics::describe_gauge!("server_members", "Sessions joined to rooms.");
    metrics::describe_gauge!("sfu_peers", "WebRTC peers.");
    for gauge in
        ["server_rooms", "server_programs", "server_targets", "server_members", "sfu_peers"]
    {
        metrics::gauge!(gauge).set(0.0);
    }
}
