//! The WebRTC peers of one room: who they belong to and what they are for. Clients name them by a
//! number of the room's own; the SFU's ids never leave the server. What surprises: a peer outlives no token.
//! Its end is kept here, in order, because a room with thousands of peers asks for the next one often.

use std::collections::{BTreeSet, HashMap};

use media_rules::FeedId;
use room_rules::{Member, ServerTime, SessionId, UserId};
use sfu::PeerId;
use signaling::{IceSession, MediaId, RateLimit};

/// The peers of one room.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    by_id: HashMap<MediaId, Peer>,
    ids: HashMap<PeerId, MediaId>,
    /// When each has to go.
    ends: BTreeSet<(ServerTime, MediaId)>,
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
    /// Since when it is there.
    pub since: ServerTime,
    /// When the token that it lives by ends.
    pub until: ServerTime,
    /// Its ICE session, as HTTP knows it.
    pub ice: IceSession,
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
    pub(crate) fn insert(&mut self, peer: Peer) -> MediaId {
        let id = MediaId::random();
        self.ids.insert(peer.peer, id);
        self.ends.insert((peer.until, id));
        self.by_id.insert(id, peer);
        id
    }

    /// Takes out the peer that the SFU calls `peer`.
    pub(crate) fn remove(&mut self, peer: PeerId) -> Option<Peer> {
        let id = self.ids.remove(&peer)?;
        let peer = self.by_id.remove(&id)?;
        self.ends.remove(&(peer.until, id));
        Some(peer)
    }

    /// Lets the peer that its owner calls `id` live until `until`, if that is longer.
    pub(crate) fn prolong(&mut self, id: MediaId, until: ServerTime) {
        if let Some(peer) = self.by_id.get_mut(&id).filter(|peer| peer.until < until) {
            self.ends.remove(&(peer.until, id));
            self.ends.insert((until, id));
            peer.until = until;
        }
    }

    /// Returns when the next token ends.
    pub(crate) fn next_end(&self) -> Option<ServerTime> {
        self.ends.first().map(|(until, _)| *until)
    }

    /// Takes out a peer whose token has ended.
    pub(crate) fn take_ended(&mut self, now: ServerTime) -> Option<Peer> {
        let (_, id) = self.ends.first().filter(|(until, _)| *until <= now)?;
        let peer = self.by_id.get(id)?.peer;
        self.remove(peer)
    }

    /// Returns all, by the names that their owners use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (MediaId, &Peer)> {
        self.by_id.iter().map(|(id, peer)| (*id, peer))
    }

    /// Returns the peer that its owner calls `id`, only to look at it.
    pub(crate) fn look(&self, id: MediaId) -> Option<&Peer> {
        self.by_id.get(&id)
    }

    /// Returns the peer that its owner calls `id`.
    pub(crate) fn named(&mut self, id: MediaId) -> Option<&mut Peer> {
        self.by_id.get_mut(&id)
    }

    /// Returns the peer that the SFU calls `peer`.
    pub(crate) fn find(&mut self, peer: PeerId) -> Option<&mut Peer> {
        let id = self.ids.get(&peer)?;
        self.by_id.get_mut(id)
    }

    /// Returns the peer that the SFU calls `peer` with the name that its owner uses.
    pub(crate) fn entry(&self, peer: PeerId) -> Option<(MediaId, &Peer)> {
        let id = *self.ids.get(&peer)?;
        self.by_id.get(&id).map(|peer| (id, peer))
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
        self.take_those(|peer| matches!(&peer.purpose, Purpose::Play(feed) if !may_go_on(feed)))
    }

    /// Takes out the peers whom it concerns.
    pub(crate) fn take_those(&mut self, concerns: impl Fn(&Peer) -> bool) -> Vec<Peer> {
        let taken: Vec<Peer> =
            self.by_id.extract_if(|_, peer| concerns(peer)).map(|(_, peer)| peer).collect();
        for peer in &taken {
            if let Some(id) = self.ids.remove(&peer.peer) {
                self.ends.remove(&(peer.until, id));
            }
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
        self.ends.clear();
        self.by_id.drain().map(|(_, peer)| peer)
    }
}
