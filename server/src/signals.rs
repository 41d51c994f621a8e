//! Tells when the operator wants the server to stop: Ctrl-C or SIGTERM, whichever is first.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for requests to stop, from its making on.
#[derive(Debug)]
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Starts listening, in place of the signals' own effect, which is death without goodbye.
    ///
    /// # Errors
    /// If the process may not listen to signals.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next request to stop and returns the signal's name.
    pub(crate) async fn requested(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
