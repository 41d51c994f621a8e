//! The WebRTC peers of one room: who they belong to and what they are for. Clients name them by a
//! number of the room's own; the SFU's ids never leave the server.

use std::collections::HashMap;

use media_rules::FeedId;
use room_rules::{Member, SessionId, UserId};
use sfu::PeerId;
use signaling::{MediaId, RateLimit};

/// The peers of one room.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    last_id: u64,
    by_id: HashMap<MediaId, Peer>,
    ids: HashMap<PeerId, MediaId>,
}

/// One peer.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Its name towards the SFU.
    pub peer: PeerId,
    /// Whose it is.
    pub member: Member,
    /// What it does.
    pub purpose: Purpose,
    /// The member's session on its data channels, once they are open.
    pub session: Option<DataSession>,
}

/// A member's session on the data channels of a peer.
#[derive(Debug)]
pub(crate) struct DataSession {
    /// Its number.
    pub id: SessionId,
    /// How fast it may speak.
    pub limit: RateLimit,
}

/// What a peer does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// Sends this feed.
    Publish(FeedId),
    /// Receives this feed.
    Play(FeedId),
}

impl Peers {
    /// Enters a peer and returns the name that its owner will use.
    pub(crate) fn insert(&mut self, peer: PeerId, member: Member, purpose: Purpose) -> MediaId {
        self.last_id += 1;
        let id = MediaId(self.last_id);
        self.ids.insert(peer, id);
        self.by_id.insert(id, Peer { peer, member, purpose, session: None });
        id
    }

    /// Takes out the peer that the SFU calls `peer`.
    pub(crate) fn remove(&mut self, peer: PeerId) -> Option<Peer> {
        let id = self.ids.remove(&peer)?;
        self.by_id.remove(&id)
    }

    /// Returns the peer that its owner calls `id`.
    pub(crate) fn named(&self, id: MediaId) -> Option<&Peer> {
        self.by_id.get(&id)
    }

    /// Returns the peer that the SFU calls `peer`.
    pub(crate) fn find(&mut self, peer: PeerId) -> Option<&mut Peer> {
        let id = self.ids.get(&peer)?;
        self.by_id.get_mut(id)
    }

    /// Returns the peer with which `user` publishes.
    pub(crate) fn publisher(&self, user: &UserId) -> Option<PeerId> {
        let publishes =
            |peer: &&Peer| matches!(peer.purpose, Purpose::Publish(_)) && peer.member.user == *user;
        self.by_id.values().find(publishes).map(|peer| peer.peer)
    }

    /// Returns with how many peers `user` plays.
    pub(crate) fn players_of(&self, user: &UserId) -> usize {
        let plays =
            |peer: &&Peer| matches!(peer.purpose, Purpose::Play(_)) && peer.member.user == *user;
        self.by_id.values().filter(plays).count()
    }

    /// Takes out the peers that receive a feed for which `may_go_on` is false.
    pub(crate) fn take_players(&mut self, may_go_on: impl Fn(&FeedId) -> bool) -> Vec<Peer> {
        let taken: Vec<Peer> = self
            .by_id
            .extract_if(|_, peer| matches!(&peer.purpose, Purpose::Play(feed) if !may_go_on(feed)))
            .map(|(_, peer)| peer)
            .collect();
        for peer in &taken {
            self.ids.remove(&peer.peer);
        }
        taken
    }

    /// Returns whether anyone receives `feed`.
    pub(crate) fn is_played(&self, feed: &FeedId) -> bool {
        self.by_id
            .values()
            .any(|peer| matches!(&peer.purpose, Purpose::Play(played) if played == feed))
    }

    /// Returns whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Takes out all.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Peer> {
        self.ids.clear();
        self.by_id.drain().map(|(_, peer)| peer)
    }
}
