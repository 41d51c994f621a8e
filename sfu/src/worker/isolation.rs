//! One peer's misfortune is not the others'.
//!
//! A bug that one peer's packets or timers set off ends in a panic. It is caught where that peer's
//! turn ends, the peer is closed, and the worker goes on with everybody else. What it was in the
//! middle of belongs to that peer and goes with it; whatever is shared is changed in one step, by
//! code that does not look at what peers sent.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Worker;
use crate::event::{CloseReason, PeerId};

/// Runs something that may turn out to be a bug; `None` if it panicked.
pub(super) fn guard<R>(run: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

impl Worker {
    /// Runs what somebody set off; `run` notes in `suspect` who it was, as soon as that is known.
    pub(super) fn shielded(&mut self, run: impl FnOnce(&mut Self)) {
        self.suspect = None;
        if guard(|| run(self)).is_none() {
            let suspect = self.suspect.take();
            self.handle_panic(suspect);
        }
    }

    /// Lets go of a peer whose turn ended in a panic. Whoever is not known loses one packet.
    pub(super) fn handle_panic(&mut self, suspect: Option<PeerId>) {
        metrics::counter!("sfu_peer_panics_total").increment(1);
        if let Some(peer) = suspect {
            tracing::error!(%peer, "A peer set off a bug and is closed.");
            self.close(peer, CloseReason::Internal);
        } else {
            tracing::error!("Somebody set off a bug.");
        }
    }
}

/// Where a test wants a bug.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Haunt {
    Datagram,
    Command,
    Feedback,
    Sweep,
    Serve,
}

/// Does what a bug would do, where a test asked for it.
#[cfg(test)]
pub(super) fn haunt(haunted: &[(PeerId, Haunt)], peer: PeerId, here: Haunt) {
    assert!(!haunted.contains(&(peer, here)), "asked to, at {here:?}");
}

#[cfg(test)]
mod tests;
