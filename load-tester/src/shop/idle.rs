//! What a shopper costs who says nothing.

use anyhow::Result;
use serde::Serialize;

use super::crowd::{Crowd, Plan};
use crate::swarm::Usage;

/// What idle sockets cost the server.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Idle {
    pub(crate) sockets: usize,
    pub(crate) kb_per_connection: f64,
    /// Processor time of the server while nothing was said, in percent of a core.
    pub(crate) core_percent: f64,
}

/// Opens `sockets` and looks at the server, process `pid`.
pub(crate) async fn measure(plan: &Plan, sockets: usize, pid: u32) -> Result<Idle> {
    let before = Usage::of(pid)?;
    let crowd = Crowd::join(plan, sockets).await?;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let settled = Usage::of(pid)?;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let after = Usage::of(pid)?;
    crowd.leave().await;
    let grown = after.resident.saturating_sub(before.resident) as f64;
    Ok(Idle {
        sockets,
        kb_per_connection: grown / 1_024.0 / sockets as f64,
        core_percent: 20.0 * (after.cpu - settled.cpu).as_secs_f64(),
    })
}
