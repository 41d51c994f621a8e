//! The media side of one room: who publishes, who watches, what is mixed and where it goes. It holds
//! no rules; whether somebody may publish or who is on stage it is told.

mod extras;
mod recording;

use media_rules::FeedId;
use media_rules::layer::Pin;
use mixer::Rendition;
use relay_cdn::{Hub, Subscription};
use room_rules::{
    EventBody, Member, Performer, Role, RoomId, ServerTime, SessionId, Silence, UserId,
};
use sfu::{IceRestart, NegotiateError, PeerId, RestartError};
use signaling::{
    Answer, IceFragment, IceSession, IceStep, IfMatch, LayoutRequest, MediaId, MediaSession,
    Patched, Refused,
};
use tokio::task::JoinHandle;
use tracing::info;
use wire_format::{Code, Target};

use crate::album::Album;
use crate::cues::CueSheet;
use crate::demand::Demand;
use crate::ice_restart::{Restart, Restarted};
use crate::mail::Mailbox;
use crate::media_pace::MediaPace;
use crate::negotiation::{Holder, Negotiated, Negotiation};
use crate::peers::{Peer, Peers, Purpose};
use crate::played_in::PlayedIn;
use crate::program::{Outputs, ProgramControl, ProgramTask, RoomMail};
use crate::recordings::Recordings;
use crate::room_layout::{LayoutWatch, RoomLayout};
use crate::room_parts::RoomParts;
use crate::targets::Targets;

/// Offers of one room being answered at once. Full: `BUSY`.
const MAX_NEGOTIATIONS: usize = 64;

/// WHEP sessions of one user in one room: a studio plays eight others, and what a reload leaves
/// behind lasts half a minute. One token must not use up the media workers; the platform's own users
/// are not counted. Those still being negotiated are not either, they have a bound of their own.
const MAX_PLAYERS_PER_USER: usize = 32;

/// What a room publishes, plays, mixes and pushes.
pub(crate) struct RoomMedia {
    room: RoomId,
    parts: RoomParts,
    mailbox: Mailbox,
    negotiating: usize,
    peers: Peers,
    stage: Vec<FeedId>,
    layout: RoomLayout,
    demand: Demand,
    program: ProgramControl,
    program_task: JoinHandle<()>,
    cues: CueSheet,
    hub: Hub,
    /// By the renditions' names.
    renditions: Vec<(&'static str, Hub)>,
    targets: Targets,
    recordings: Recordings,
    pace: MediaPace,
    played_in: PlayedIn,
    /// Whether anybody was ever on stage.
    was_live: bool,
    /// Who is on stage, as the room last said, and whether in a battle.
    performers: (Vec<Performer>, bool),
    /// Those of them of whom nothing comes.
    gone: Vec<FeedId>,
    /// Whether something stands in for all of them.
    is_away: bool,
    album: Album,
    /// When a frame is next looked at, if anybody looks at all.
    inspect_at: ServerTime,
}

impl RoomMedia {
    /// Prepares the media of `room`; news of it goes to `mailbox`.
    pub(crate) fn new(room: RoomId, parts: &RoomParts, mailbox: Mailbox) -> Self {
        let feed = FeedId::program(room.as_str());
        let hub = Hub::new();
        let recipe = parts.program_of(&room);
        let applied = LayoutWatch::new(mailbox.clone(), parts.clock);
        let (cues, writer) = CueSheet::new(parts.cues, parts.clock, applied);
        let program = &parts.program;
        let layout = RoomLayout::new(program.canvas, program.images_dir.clone(), parts.clock);
        let hub_of = |rendition: &Rendition| (rendition.name.as_str(), Hub::new());
        let renditions: Vec<_> = recipe.config.quality.renditions.iter().map(hub_of).collect();
        let outputs = Outputs {
            viewers: parts.sfu.local_feed(feed),
            relay: hub.clone(),
            renditions: renditions.iter().map(|(_, hub)| hub.clone()).collect(),
            room: RoomMail::new(mailbox.clone(), parts.clock),
        };
        let played_in = PlayedIn::new(room.as_str(), program.canvas, parts.films.longest());
        let (program, task) = ProgramTask::new(recipe, parts.sfu.clone(), outputs, writer);
        let recordings = Recordings::new(
            room.clone(),
            parts.recordings.clone(),
            parts.clock,
            parts.tasks.clone(),
        );
        Self {
            room,
            parts: parts.clone(),
            mailbox,
            negotiating: 0,
            peers: Peers::default(),
            stage: Vec::new(),
            layout,
            demand: Demand::new(parts.linger),
            program,
            program_task: parts.tasks.spawn(task.run()),
            cues,
            hub,
            renditions,
            targets: Targets::default(),
            recordings,
            pace: MediaPace::default(),
            played_in,
            was_live: false,
            performers: (Vec::new(), false),
            gone: Vec::new(),
            is_away: false,
            album: Album::default(),
            inspect_at: ServerTime::from_unix_millis(0),
        }
    }

    /// Returns who publishes and who plays.
    pub(crate) const fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Returns where news of this room goes.
    pub(crate) const fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

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

    /// Draws those who are on stage. Whoever plays the other room's host after the battle has no
    /// token for that: their media session is over, and the sessions on its channels are returned.
    pub(crate) fn draw(
        &mut self,
        stage: &[Performer],
        is_battle: bool,
        now: ServerTime,
    ) -> Vec<SessionId> {
        self.stage = stage.iter().map(feed_of).collect();
        self.was_live |= !self.stage.is_empty();
        let (room, on_stage) = (&self.room, &self.stage);
        let gone = self.peers.take_players(|feed| is_open_to(room, on_stage, feed));
        for peer in &gone {
            self.parts.close_peer(peer.peer);
        }
        self.performers = (stage.to_vec(), is_battle);
        self.lay_out();
        self.weigh_demand(now);
        gone.into_iter().filter_map(|peer| peer.session).map(|session| session.id).collect()
    }

    /// Takes what the room has told its members, which its pictures may tell, too.
    pub(crate) fn handle_event(&mut self, event: &EventBody) {
        self.cues.handle_event(event);
        if self.layout.handle_event(event) {
            self.show();
        }
    }

    /// Returns how the program's picture is laid out.
    pub(crate) const fn layout(&self) -> &RoomLayout {
        &self.layout
    }

    /// Shows or changes how the program's picture is laid out. Whoever asked may have left.
    pub(crate) fn handle_layout(&mut self, request: LayoutRequest, now: ServerTime) {
        match request {
            LayoutRequest::Show { reply } => drop(reply.send(Ok(self.layout.view()))),
            LayoutRequest::Set { member, choice, condition, reply } => {
                let chosen = self
                    .admit(&member, now)
                    .and_then(|()| self.layout.choose(*choice, &condition))
                    .map(|()| self.layout.view());
                self.show();
                let _ = reply.send(chosen);
            }
        }
    }

    /// Looks whether the program is worth running, and starts or stops it.
    pub(crate) fn weigh_demand(&mut self, now: ServerTime) {
        let is_taken = !self.targets.is_empty()
            || self.peers.is_played(&self.program_feed())
            || self.is_relayed()
            || self.played_in.is_playing();
        self.demand.handle_change(self.shows(), is_taken, now);
        self.show();
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        let played_in = [self.played_in.poll_timeout(), self.poll_album()];
        let rules = [self.demand.poll_timeout(), self.peers.next_end()];
        rules.into_iter().chain(played_in).flatten().min()
    }

    /// Stops a program that has lingered long enough, and lets peers go whose token has ended. Returns
    /// the sessions on their channels.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime) -> Vec<SessionId> {
        let mut sessions = Vec::new();
        while let Some(peer) = self.peers.take_ended(now) {
            self.parts.close_peer(peer.peer);
            sessions.extend(peer.session.map(|session| session.id));
        }
        self.played_in.handle_timeout(now);
        self.weigh_demand(now);
        self.demand.handle_timeout(now);
        self.show();
        self.look_at_album(now);
        sessions
    }

    fn show(&mut self) {
        self.draw_played_in();
        self.program.set_clips(self.played_in.clips());
        let scene = self.layout.scene();
        self.cues.handle_scene(scene, self.parts.program.canvas);
        self.program.want(self.demand.is_wanted().then_some(scene));
    }

    /// Asks the program's encoder for a keyframe.
    pub(crate) fn request_keyframe(&self) {
        self.program.request_keyframe();
    }

    /// Begins a pull of the program or of one of its renditions, which counts as a taker while it
    /// lasts. Returns `None` for a rendition that is not made.
    pub(crate) fn open_pull(
        &mut self,
        rendition: Option<&str>,
        now: ServerTime,
    ) -> Option<Subscription> {
        let hub = match rendition {
            None => &self.hub,
            Some(wanted) => &self.renditions.iter().find(|(name, _)| *name == wanted)?.1,
        };
        let subscription = hub.subscribe();
        self.weigh_demand(now);
        Some(subscription)
    }

    fn is_relayed(&self) -> bool {
        self.hub.outputs() > 0 || self.renditions.iter().any(|(_, hub)| hub.outputs() > 0)
    }

    /// Begins to push the program to `url`.
    pub(crate) fn add_target(&mut self, url: &str, now: ServerTime) -> Result<Target, Refused> {
        let target = self
            .targets
            .add(&self.hub, url)
            .map_err(|error| Refused::new(error.code(), error.to_string()))?;
        info!(room = %self.room, target = target.id, "Target added.");
        self.weigh_demand(now);
        Ok(target)
    }

    /// Returns how the targets are doing.
    pub(crate) fn targets(&self) -> Vec<Target> {
        self.targets.list()
    }

    /// Returns the targets that went live or failed since this was asked last.
    pub(crate) fn changed_targets(&mut self) -> Vec<Target> {
        self.targets.changed()
    }

    /// Stops pushing to the target `id`.
    pub(crate) fn remove_target(&mut self, id: &str, now: ServerTime) -> Result<(), Refused> {
        let target = self
            .targets
            .remove(id)
            .ok_or_else(|| Refused::new(Code::NotFound, "there is no such target"))?;
        info!(room = %self.room, target = id, "Target removed.");
        self.parts.tasks.spawn(target.stop());
        self.weigh_demand(now);
        Ok(())
    }

    /// Returns whether nobody publishes, watches or takes anything.
    pub(crate) fn is_idle(&self) -> bool {
        self.peers.is_empty()
            && self.negotiating == 0
            && self.targets.is_empty()
            && !self.is_relayed()
    }

    /// Ends everything: the mixer finishes, then its takers do, then the peers are let go.
    pub(crate) async fn close(mut self) {
        self.program.want(None);
        drop(self.program);
        // The task bounds its own stopping.
        let _ = self.program_task.await;
        self.hub.close();
        self.renditions.iter().for_each(|(_, hub)| hub.close());
        for target in self.targets.drain() {
            self.parts.tasks.spawn(target.stop());
        }
        for peer in self.peers.drain() {
            self.parts.close_peer(peer.peer);
        }
    }

    fn program_feed(&self) -> FeedId {
        FeedId::program(self.room.as_str())
    }
}

/// Returns whether members of `room` may go on playing `feed`: the other room's host only while both
/// share the stage; their own guest may come back to it.
fn is_open_to(room: &RoomId, stage: &[FeedId], feed: &FeedId) -> bool {
    feed.room() == room.as_str() || stage.contains(feed)
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

pub(crate) fn feed_of(performer: &Performer) -> FeedId {
    FeedId::new(performer.room.as_str(), performer.user.as_str())
}

fn refuse_offer(error: &NegotiateError) -> Refused {
    let code = match error {
        NegotiateError::Malformed(_) => Code::BadRequest,
        NegotiateError::Unsupported(_) => Code::OfferRefused,
        NegotiateError::Busy => Code::Busy,
    };
    Refused::new(code, error.to_string())
}
