//! What is known of one peer, told to whoever asks.

use super::{Part, Peer, Worker};
use crate::event::PeerId;
use crate::peer_stats::{PeerStats, TransportStats};

impl Worker {
    /// Returns what is known of a peer.
    pub(super) fn inspect(&mut self, id: PeerId) -> Option<PeerStats> {
        let now = self.now.media;
        let Peer { link, part, .. } = self.peers.get_mut(&id)?;
        let (received, sent, (rtt, available_outgoing_bps)) = match part {
            Part::Publisher(publisher, _) => {
                (publisher.stats(now), Vec::new(), (publisher.rtt(), None))
            }
            Part::Viewer(viewer) => (Vec::new(), viewer.stats(now), viewer.path(now)),
        };
        let transport = TransportStats { rtt, available_outgoing_bps, ..link.stats() };
        Some(PeerStats { transport, received, sent })
    }
}
