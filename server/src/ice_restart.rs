//! Restarts ICE beside the room's task, because the media worker that has the peer must say that it
//! is still there. The outcome comes back as mail: the room alone says which ICE session is the one.

use sfu::{IceRestart, RestartError, Sfu};
use signaling::{Answer, IceCredentials, MediaId, Patched};

use crate::mail::{Mail, Mailbox};

/// A restart to be carried out.
#[derive(Debug)]
pub(crate) struct Restart {
    /// Whose ICE it is, by the name that the owner uses.
    pub id: MediaId,
    /// The client's new credentials.
    pub remote: IceCredentials,
    /// What the client sent.
    pub fragment: String,
    /// Where the answer goes.
    pub reply: Answer<Patched>,
}

/// A restart that is over, well or not.
#[derive(Debug)]
pub(crate) struct Restarted {
    /// Whose ICE it is.
    pub id: MediaId,
    /// The client's new credentials.
    pub remote: IceCredentials,
    /// Our side of the new ICE session.
    pub result: Result<IceRestart, RestartError>,
    /// Where the answer goes.
    pub reply: Answer<Patched>,
}

impl Restart {
    /// Restarts the ICE of `peer` and reports to `mailbox`.
    pub(crate) async fn run(self, peer: sfu::PeerId, sfu: Sfu, mailbox: Mailbox) {
        let Self { id, remote, fragment, reply } = self;
        let result = sfu.restart_ice(peer, &fragment).await;
        // A room that is gone needs no news; whoever waits hears so by the dropped reply.
        let _ = mailbox.send(Mail::Restarted(Box::new(Restarted { id, remote, result, reply })));
    }
}
