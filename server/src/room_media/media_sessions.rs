//! The media sessions of a room: who publishes and who plays, from their offer until they are gone.

use media_rules::FeedId;
use media_rules::layer::Pin;
use room_rules::{Member, Role, RoomId, ServerTime, SessionId, Silence, UserId};
use sfu::{IceRestart, NegotiateError, PeerId, RestartError};
use signaling::{
    Answer, IceFragment, IceSession, IceStep, IfMatch, MediaId, MediaSession, Patched, Refused,
};
use tracing::info;
use wire_format::Code;

use super::{RoomMedia, is_open_to};
use crate::ice_restart::{Restart, Restarted};
use crate::negotiation::{Holder, Negotiated, Negotiation};
use crate::peers::{Peer, Purpose};

/// Offers of one room being answered at once. Full: `BUSY`.
const MAX_NEGOTIATIONS: usize = 64;

/// WHEP sessions of one user in one room: a studio plays eight others, and what a reload leaves
/// behind lasts half a minute. One token must not use up the media workers; the platform's own users
/// are not counted. Those still being negotiated are not either, they have a bound of their own.
const MAX_PLAYERS_PER_USER: usize = 32;

impl RoomMedia {
    /// Takes from the allowance of who asks about media sessions; the platform's own users have no bound.
    ///
    /// # Errors
    /// `RATE_LIMITED` if nothing is left of it.
    pub(crate) fn admit(&mut self, member: &Member, now: ServerTime) -> Result<(), Refused> {
        if member.role == Role::Admin || self.pace.allows(&member.user, now) {
            Ok(())
        } else {
            Err(Refused::new(Code::RateLimited, "too many requests for media, slow down"))
        }
    }

    /// Answers the offer of a member who may publish.
    pub(crate) fn publish(&mut self, holder: Holder, offer: String, reply: Answer<MediaSession>) {
        let feed = FeedId::new(self.room.as_str(), holder.member.user.as_str());
        self.negotiate(Negotiation { holder, purpose: Purpose::Publish(feed), offer, reply });
    }

    /// Answers the offer of a member who wants `feed`, or the program.
    pub(crate) fn play(
        &mut self,
        holder: Holder,
        feed: Option<FeedId>,
        offer: String,
        reply: Answer<MediaSession>,
    ) {
        let feed = feed.unwrap_or_else(|| self.program_feed());
        if feed != self.program_feed() && !self.stage.contains(&feed) {
            let _ = reply.send(Err(not_live(&self.room, &feed)));
            return;
        }
        let is_counted = holder.member.role != Role::Admin;
        if is_counted && self.peers.players_of(&holder.member.user) >= MAX_PLAYERS_PER_USER {
            let refused = Refused::new(Code::RateLimited, "this user plays too much at once");
            let _ = reply.send(Err(refused));
            return;
        }
        self.negotiate(Negotiation { holder, purpose: Purpose::Play(feed), offer, reply });
    }

    fn negotiate(&mut self, negotiation: Negotiation) {
        if self.negotiating >= MAX_NEGOTIATIONS {
            let busy = Refused::new(Code::Busy, "too many offers at once, try again");
            let _ = negotiation.reply.send(Err(busy));
            return;
        }
        self.negotiating += 1;
        let (sfu, switchboard) = (self.parts.sfu.clone(), self.parts.switchboard.clone());
        self.parts.tasks.spawn(negotiation.run(sfu, switchboard, self.mailbox.clone()));
    }

    /// Takes in an answered offer. Returns the session of a peer that this one replaces, if any.
    pub(crate) fn handle_negotiated(
        &mut self,
        negotiated: Negotiated,
        now: ServerTime,
    ) -> Option<SessionId> {
        self.negotiating -= 1;
        let Negotiated { holder, purpose, offer, result, reply } = negotiated;
        let session = match result {
            Ok(session) => session,
            Err(error) => {
                let _ = reply.send(Err(refuse_offer(&error)));
                return None;
            }
        };
        let replaced = match &purpose {
            // The newest connection of a publisher wins; the older one may be a dead browser's.
            Purpose::Publish(_) => self.take_publisher(&holder.member.user),
            Purpose::Play(feed) if !is_open_to(&self.room, &self.stage, feed) => {
                self.parts.close_peer(session.peer);
                let _ = reply.send(Err(not_live(&self.room, feed)));
                return None;
            }
            Purpose::Play(_) => None,
        };
        let Holder { member, until } = holder;
        let owner = member.user.clone();
        let ice = IceSession::new(&session.etag, &offer);
        let peer = session.peer;
        let since = now;
        let id =
            self.peers.insert(Peer { peer, member, purpose, since, until, ice, session: None });
        let answer = MediaSession { id, owner, answer: session.answer, etag: session.etag };
        if reply.send(Ok(answer)).is_err() {
            // Whoever offered is gone and will never connect.
            self.parts.close_peer(session.peer);
            self.peers.remove(session.peer);
        }
        self.weigh_demand(now);
        replaced.and_then(|peer| peer.session).map(|session| session.id)
    }

    /// Closes what `user` publishes, because they may not any more.
    pub(crate) fn unpublish(&mut self, user: &UserId) {
        if self.take_publisher(user).is_some() {
            info!(room = %self.room, "A publisher lost the stage.");
        }
    }

    /// Drops this of what `user` publishes, for whoever takes it.
    pub(crate) fn silence(&self, user: &UserId, silence: Silence) {
        if let Some(peer) = self.peers.publisher(user) {
            let Silence { audio, video } = silence;
            self.parts.silence(peer, sfu::Silence { audio, video });
        }
    }

    /// Lets go everybody whom it concerns, whatever they publish or play. Returns the sessions on
    /// their channels.
    pub(crate) fn expel(
        &mut self,
        concerns: impl Fn(&Member) -> bool,
        now: ServerTime,
    ) -> Vec<SessionId> {
        let gone = self.peers.take_those(|peer| concerns(&peer.member));
        for peer in &gone {
            self.parts.close_peer(peer.peer);
        }
        self.weigh_demand(now);
        gone.into_iter().filter_map(|peer| peer.session).map(|session| session.id).collect()
    }

    /// Turns down an offer that was answered already.
    pub(crate) fn refuse_negotiated(&mut self, negotiated: Negotiated, refused: Refused) {
        self.negotiating -= 1;
        if let Ok(session) = &negotiated.result {
            self.parts.close_peer(session.peer);
        }
        let _ = negotiated.reply.send(Err(refused));
    }

    fn take_publisher(&mut self, user: &UserId) -> Option<Peer> {
        let peer = self.peers.publisher(user)?;
        self.parts.close_peer(peer);
        self.peers.remove(peer)
    }

    /// Takes what the owner of a peer patches: candidates, which an ICE-lite agent has no use for,
    /// because it answers whoever proves to know the password; or a restart of ICE.
    pub(crate) fn patch(
        &mut self,
        holder: &Holder,
        id: MediaId,
        condition: &IfMatch,
        fragment: &IceFragment,
        reply: Answer<Patched>,
    ) {
        let weighed = self
            .owned(&holder.member, id)
            .and_then(|peer| Ok((peer.ice.weigh(condition, fragment)?, peer)));
        match weighed {
            Ok((IceStep::Trickle, _)) => drop(reply.send(Ok(Patched::Trickled))),
            Ok((IceStep::Restart(remote), entry)) => {
                entry.ice.begin_restart();
                let peer = entry.peer;
                let restart = Restart { id, remote, fragment: fragment.text().to_owned(), reply };
                let (sfu, mailbox) = (self.parts.sfu.clone(), self.mailbox.clone());
                self.parts.tasks.spawn(restart.run(peer, sfu, mailbox));
            }
            Err(refused) => {
                let _ = reply.send(Err(refused));
                return;
            }
        }
        // A newer token proves that its holder may go on.
        self.peers.prolong(id, holder.until);
    }

    /// Takes in how a restart of ICE ended; the session goes on in any case.
    pub(crate) fn handle_restarted(&mut self, restarted: Restarted) {
        let Restarted { id, remote, result, reply } = restarted;
        let Some(peer) = self.peers.named(id) else {
            let _ = reply.send(Err(no_such_session()));
            return;
        };
        peer.ice.end_restart(result.as_ref().ok().map(|ice| (ice.etag.as_str(), remote)));
        let patched =
            result.map(|IceRestart { etag, fragment }| Patched::Restarted { etag, fragment });
        let _ = reply.send(patched.map_err(refuse_restart));
    }

    /// Says whether there is a peer `id` that `member` owns.
    pub(crate) fn find_owned(&mut self, member: &Member, id: MediaId) -> Result<(), Refused> {
        self.owned(member, id).map(|_| ())
    }

    /// Lets a viewer that `member` owns choose the size of its picture.
    pub(crate) fn pick_layer(
        &mut self,
        member: &Member,
        id: MediaId,
        pin: Option<Pin>,
    ) -> Result<(), Refused> {
        let peer = self.owned(member, id)?.peer;
        self.parts.pin(peer, pin);
        Ok(())
    }

    /// Closes a peer that `member` owns. Returns its session, if it had one.
    pub(crate) fn close_owned(
        &mut self,
        member: &Member,
        id: MediaId,
    ) -> Result<Option<SessionId>, Refused> {
        let peer = self.owned(member, id)?.peer;
        self.parts.close_peer(peer);
        Ok(self.peers.remove(peer).and_then(|peer| peer.session).map(|session| session.id))
    }

    fn owned(&mut self, member: &Member, id: MediaId) -> Result<&mut Peer, Refused> {
        let peer = self.peers.named(id).ok_or_else(no_such_session)?;
        if peer.member.user == member.user {
            Ok(peer)
        } else {
            Err(Refused::new(Code::Forbidden, "this media session is somebody else's"))
        }
    }

    /// Takes in that the SFU has closed a peer. Returns its session, if it had one.
    pub(crate) fn handle_closed(&mut self, peer: PeerId, now: ServerTime) -> Option<SessionId> {
        let session =
            self.peers.remove(peer).and_then(|peer| peer.session).map(|session| session.id);
        self.weigh_demand(now);
        session
    }

    /// Returns the peer that the SFU calls `peer`, unless it was taken out already.
    pub(crate) fn peer(&mut self, peer: PeerId) -> Option<&mut Peer> {
        self.peers.find(peer)
    }

    /// Returns what the owner of the peer that the SFU calls `peer` calls it, and the peer.
    pub(crate) fn named_peer(&self, peer: PeerId) -> Option<(MediaId, &Peer)> {
        self.peers.entry(peer)
    }
}

fn no_such_session() -> Refused {
    Refused::new(Code::NotFound, "there is no such media session")
}

fn refuse_restart(error: RestartError) -> Refused {
    let code = match error {
        RestartError::Malformed => Code::BadRequest,
        RestartError::Gone => Code::NotFound,
        RestartError::Busy => Code::Busy,
    };
    Refused::new(code, error.to_string())
}

/// Says why `feed` cannot be played now. One of this room's own may be there soon
/// (draft-ietf-wish-whep section 4.3.7); another room's is none of its business.
fn not_live(room: &RoomId, feed: &FeedId) -> Refused {
    let code = if feed.room() == room.as_str() { Code::NotLive } else { Code::NotFound };
    Refused::new(code, "this feed is not on the stage")
}

fn refuse_offer(error: &NegotiateError) -> Refused {
    let code = match error {
        NegotiateError::Malformed(_) => Code::BadRequest,
        NegotiateError::Unsupported(_) => Code::OfferRefused,
        NegotiateError::Busy => Code::Busy,
    };
    Refused::new(code, error.to_string())
}
