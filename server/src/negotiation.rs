//! Answers SDP offers beside the room's task: a negotiation makes keys and waits for a media worker,
//! and a room must not stand still for that. The outcome comes back as mail, so that the room alone
//! decides what becomes of it.

use room_rules::{Member, ServerTime};
use sfu::{NegotiateError, Session, Sfu};
use signaling::{Answer, MediaSession};

use crate::mail::{Mail, Mailbox};
use crate::peers::Purpose;
use crate::switchboard::Switchboard;

/// Who asks for a peer.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    /// Whose peer it is.
    pub member: Member,
    /// When their token ends.
    pub until: ServerTime,
}

/// An offer to be answered.
#[derive(Debug)]
pub(crate) struct Negotiation {
    /// Whose peer it will be.
    pub holder: Holder,
    /// What the peer will do.
    pub purpose: Purpose,
    /// The SDP offer.
    pub offer: String,
    /// Where the answer goes in the end.
    pub reply: Answer<MediaSession>,
}

/// An answered offer, or one that could not be.
#[derive(Debug)]
pub(crate) struct Negotiated {
    /// Whose peer it is.
    pub holder: Holder,
    /// What the peer does.
    pub purpose: Purpose,
    /// The SDP offer.
    pub offer: String,
    /// The peer with the SDP answer.
    pub result: Result<Session, NegotiateError>,
    /// Where the answer goes.
    pub reply: Answer<MediaSession>,
}

impl Negotiation {
    /// Negotiates and reports to `mailbox`.
    pub(crate) async fn run(self, sfu: Sfu, switchboard: Switchboard, mailbox: Mailbox) {
        let Self { holder, purpose, offer, reply } = self;
        let result = match &purpose {
            Purpose::Publish(feed) => sfu.publish(feed.clone(), &offer).await,
            Purpose::Play(feed) => sfu.play(feed.clone(), &offer).await,
        };
        let peer = result.as_ref().map(|session| session.peer).ok();
        if let Some(peer) = peer {
            // Before the answer leaves: the peer's first event must find its room.
            switchboard.add_peer(peer, mailbox.clone()).await;
        }
        let negotiated = Negotiated { holder, purpose, offer, result, reply };
        let delivered = mailbox.send(Mail::Negotiated(Box::new(negotiated)));
        if let (Err(_), Some(peer)) = (delivered, peer) {
            sfu.close(peer).await;
        }
    }
}
