//! The media side of one room: who publishes, who watches, what is mixed and where it goes. It holds
//! no rules; whether somebody may publish or who is on stage it is told.

mod extras;
mod media_sessions;
mod quality;
mod recording;

use media_rules::FeedId;
use mixer::{Rendition, media_now};
use relay_cdn::{Hub, Subscription};
use room_rules::{EventBody, Performer, RoomId, ServerTime, SessionId};
use signaling::{LayoutRequest, Refused};
use tokio::task::JoinHandle;
use tracing::info;
use wire_format::{Code, Target};

use crate::album::Album;
use crate::cues::CueSheet;
use crate::demand::Demand;
use crate::mail::Mailbox;
use crate::media_pace::MediaPace;
use crate::peers::Peers;
use crate::played_in::PlayedIn;
use crate::program::{Outputs, ProgramControl, ProgramTask, RenditionHubs, RoomMail};
use crate::recordings::Recordings;
use crate::room_layout::{LayoutWatch, RoomLayout};
use crate::room_parts::RoomParts;
use crate::room_quality::RoomQuality;
use crate::targets::Targets;

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
    quality: RoomQuality,
    /// Whether somebody has chosen another quality since this was told.
    has_other_quality: bool,
    renditions: RenditionHubs,
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
        let quality = RoomQuality::new(&program.quality, program.canvas, parts.max_video_kbps);
        let renditions = RenditionHubs::default();
        renditions.follow(quality.renditions());
        let outputs = Outputs {
            viewers: parts.sfu.local_feed(feed),
            relay: hub.clone(),
            renditions: renditions.clone(),
            room: RoomMail::new(mailbox.clone(), parts.clock),
        };
        let played_in = PlayedIn::new(room.as_str(), program.canvas, parts.films.longest());
        let making = quality.making(media_now());
        let (program, task) = ProgramTask::new(recipe, parts.sfu.clone(), outputs, writer, making);
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
            quality,
            has_other_quality: false,
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
        self.weigh_renditions();
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
            None => self.hub.clone(),
            Some(wanted) => {
                let is_it = |it: &&Rendition| it.name.as_str() == wanted;
                self.renditions.find(self.quality.renditions().iter().find(is_it)?.name)?
            }
        };
        let subscription = hub.subscribe();
        self.weigh_demand(now);
        Some(subscription)
    }

    fn is_relayed(&self) -> bool {
        self.hub.outputs() > 0 || self.renditions.is_any_taken()
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

    /// Returns whether nobody publishes, watches or takes anything. A recording is nobody: one that was
    /// forgotten would keep its room for ever.
    pub(crate) fn is_idle(&self) -> bool {
        // Renditions are not recorded.
        let is_played = self.hub.is_played() || self.renditions.is_any_taken();
        self.peers.is_empty() && self.negotiating == 0 && self.targets.is_empty() && !is_played
    }

    /// Ends everything: the mixer finishes, then its takers do, then the peers are let go.
    pub(crate) async fn close(mut self) {
        self.program.want(None);
        drop(self.program);
        // The task bounds its own stopping.
        let _ = self.program_task.await;
        self.hub.close();
        self.renditions.follow(&[]);
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

pub(crate) fn feed_of(performer: &Performer) -> FeedId {
    FeedId::new(performer.room.as_str(), performer.user.as_str())
}
