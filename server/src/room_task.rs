//! Runs one room. This task is the only owner of the room's rules, sessions and peers, so none of
//! them needs a lock, and it never waits for anyone: members have outboxes, other rooms have
//! inboxes, negotiations and mixers have tasks of their own. Its one await is for news.

mod requests;

use std::time::Duration;

use media_rules::FeedId;
use room_rules::{
    Areas, Capability, Command, Effect, Event, Input, MediaChange, Member, PeerMessage, Rejected,
    Role, Room, RoomId, ServerTime, UserId, Whisper,
};
use signaling::{Ending, Refused, RoomHandle, RoomRequest};
use tokio::sync::mpsc;
use tracing::{debug, info};
use wire_format::{Code, Lane, encode_event, encode_layers, encode_staff, encode_whisper};

use crate::gauge::Counted;
use crate::mail::{Mail, Mailbox};
use crate::media_news::BadUplinks;
use crate::restore::{Made, Origin};
use crate::room_journal::{Released, RoomJournal};
use crate::room_layout::applied_news;
use crate::room_media::{RoomMedia, feed_of};
use crate::room_parts::RoomParts;
use crate::series::Series;
use crate::sessions::Sessions;
use crate::sids::Sids;
use crate::stage_voice::StageVoice;

/// How often the room looks for what nothing announces: a puller that went away, and idleness.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(1);

/// How long a room that closes waits for the disk.
const FINISH_WITHIN: Duration = Duration::from_secs(3);

/// Feeds a room what happened and carries out what follows.
pub(crate) struct RoomTask {
    pub(crate) room: Room,
    pub(crate) parts: RoomParts,
    pub(crate) record: RoomJournal,
    handle: RoomHandle,
    /// Full: whoever asks is told `BUSY`.
    requests: mpsc::Receiver<RoomRequest>,
    /// Full: see [`Mailbox`].
    mail: mpsc::Receiver<Mail>,
    pub(crate) sessions: Sessions,
    pub(crate) media: RoomMedia,
    pub(crate) voice: StageVoice,
    pub(crate) bad_uplinks: BadUplinks,
    pub(crate) series: Series,
    empty_since: Option<ServerTime>,
    _counted: Counted,
}

impl RoomTask {
    /// Creates the task; nothing happens before [`run`](Self::run).
    pub(crate) fn new(
        made: Made,
        parts: RoomParts,
        handle: RoomHandle,
        requests: mpsc::Receiver<RoomRequest>,
    ) -> Self {
        let Made { room, record, told, origin } = made;
        let (mailbox, mail) = Mailbox::new();
        let sids = match origin {
            Origin::New => Sids::default(),
            Origin::Journal => Sids::after_crash(parts.clock.now()),
        };
        let media = RoomMedia::new(room.id().clone(), &parts, mailbox);
        Self {
            room,
            record,
            parts,
            handle,
            requests,
            mail,
            sessions: Sessions::new(told, sids),
            media,
            voice: StageVoice::new(),
            bad_uplinks: BadUplinks::default(),
            series: Series::default(),
            empty_since: None,
            _counted: Counted::new("server_rooms"),
        }
    }

    /// Runs until the room is over or the server shuts down.
    pub(crate) async fn run(mut self) {
        self.parts.switchboard.add_room(self.room.id(), self.media.mailbox().clone()).await;
        info!(room = %self.room.id(), "Room opened.");
        let mut housekeeping = tokio::time::interval(HOUSEKEEPING_EVERY);
        housekeeping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);

        let ending = loop {
            match self.release() {
                Released::Goes => {}
                Released::Ended => break Ending::RoomEnded,
                Released::Broken => break Ending::RoomFailed,
            }
            self.tell_played_in();
            let timeout = self.poll_timeout();
            tokio::select! {
                // The room's own deadlines first: an order that arrives with the opening of its
                // sale must find it open, whatever else is waiting.
                biased;
                () = self.parts.draining.cancelled() => break Ending::Draining,
                () = self.parts.clock.sleep_until(timeout) => self.handle_timeout(),
                () = self.record.changed(), if self.record.is_waiting() => {}
                _ = housekeeping.tick() => self.keep_house(),
                news = news(&mut self.mail, &mut self.requests) => match news {
                    News::Mail(mail) => self.handle_mail(mail),
                    News::Request(request) => self.handle_request(request),
                },
            }
        };
        self.close(ending).await;
    }

    fn poll_timeout(&self) -> Option<ServerTime> {
        let rules = [
            self.room.poll_timeout(),
            self.media.poll_timeout(),
            self.voice.poll_timeout(),
            self.sessions.poll_timeout(),
        ];
        rules.into_iter().flatten().min()
    }

    fn handle_timeout(&mut self) {
        let now = self.parts.clock.now();
        self.room.handle_timeout(now);
        self.voice.handle_timeout(now);
        self.sessions.handle_timeout(now);
        self.tell_speaker(now);
        for session in self.media.handle_timeout(now) {
            self.leave(session, now);
        }
    }

    /// Carries out what the rules decided; true once the room is over.
    pub(crate) fn carry_out(&mut self, effect: Effect) -> bool {
        self.series.handle_effect(&effect);
        match effect {
            Effect::Broadcast(event) => self.broadcast(&event),
            Effect::ToUser { user, event } => self.tell_user(&user, &event),
            Effect::ToRoom { room, message } => self.tell_room(&room, message),
            Effect::Keep => self.keep(),
            Effect::StageChanged => self.draw_stage(),
            Effect::Unpublish(user) => self.media.unpublish(&user),
            Effect::Silence { user, silence } => self.media.silence(&user, silence),
            Effect::Expel(user) => self.expel(&user),
            Effect::ToStaff(news) => {
                let text = encode_staff(&news, self.parts.clock.now());
                let keeps_order = |member: &Member| member.may(Capability::Moderate);
                self.sessions.push_to(Lane::Control, &text.into(), keeps_order);
            }
            Effect::Whisper(whisper) => {
                let text = encode_whisper(&whisper, self.parts.clock.now());
                let Whisper { line, to } = &whisper;
                self.sessions.push_to(Lane::Chat, &text.into(), |member| {
                    let is_named = line.user == member.user || to.as_ref() == Some(&member.user);
                    is_named || member.may(Capability::Moderate)
                });
            }
            Effect::Ended(reason) => {
                info!(room = %self.room.id(), ?reason, "Room ended.");
                return true;
            }
        }
        false
    }

    /// Tells everybody which films began and which are over.
    fn tell_played_in(&mut self) {
        let now = self.parts.clock.now();
        while let Some(text) = self.media.poll_told(now) {
            self.sessions.push_all(Lane::Control, &text.into());
        }
    }

    fn broadcast(&mut self, event: &Event) {
        self.media.handle_event(&event.body);
        self.sessions.tell(event, self.parts.clock.now());
    }

    /// Lets a banned user go: their sessions, what they publish and what they play.
    fn expel(&mut self, user: &UserId) {
        let (room, now) = (&self.room, self.parts.clock.now());
        let is_theirs = |member: &Member| member.user == *user && room.is_banned(member, now);
        self.sessions.end_those(Ending::Banned, is_theirs);
        let sessions = self.media.expel(is_theirs, now);
        info!(room = %self.room.id(), "A user was banned.");
        for session in sessions {
            self.leave(session, now);
        }
    }

    fn tell_user(&self, user: &UserId, event: &Event) {
        let lane = Lane::of(event.body.stream());
        self.sessions.push_user(lane, user, &encode_event(event).into());
    }

    /// Tells another room without waiting for it. One that is busy loses the message, which the
    /// rules make up for; one that is not there is answered for.
    fn tell_room(&mut self, room: &RoomId, message: PeerMessage) {
        let from = self.room.id().clone();
        let told = match self.parts.directory.find(room) {
            Some(handle) => handle.tell(RoomRequest::Peer { from, message }),
            None => Err(Refused::new(Code::RoomNotFound, "no such room")),
        };
        match told {
            Ok(()) => {}
            Err(refused) if refused.code == Code::RoomNotFound => {
                let now = self.parts.clock.now();
                self.read(room.clone(), PeerMessage::Unreachable, now);
            }
            Err(_) => {
                metrics::counter!("server_room_messages_dropped_total", "reason" => "room_busy")
                    .increment(1);
            }
        }
    }

    fn draw_stage(&mut self) {
        let (stage, now) = (self.room.stage(), self.parts.clock.now());
        let heard = stage.iter().filter(|performer| !performer.muted);
        self.voice.handle_stage(heard.map(feed_of).collect(), now);
        self.tell_speaker(now);
        for session in self.media.draw(&stage, self.room.is_in_battle(), now) {
            self.leave(session, now);
        }
    }

    fn read(&mut self, from: RoomId, message: PeerMessage, now: ServerTime) {
        self.take(&Input::Letter { from, message }, now);
    }

    fn handle_mail(&mut self, mail: Mail) {
        let now = self.parts.clock.now();
        match mail {
            Mail::Sfu(event) => self.handle_sfu_event(event, now),
            Mail::Negotiated(negotiated) => {
                let user = negotiated.holder.member.user.clone();
                if self.room.is_banned(&negotiated.holder.member, now) {
                    self.media.refuse_negotiated(*negotiated, Rejected::Banned.into());
                    return;
                }
                let replaced = self.media.handle_negotiated(*negotiated, now);
                self.media.silence(&user, self.room.silence_of(&user));
                if let Some(session) = replaced {
                    self.leave(session, now);
                }
            }
            Mail::Restarted(restarted) => self.media.handle_restarted(*restarted),
            Mail::LayoutApplied { revision, at } => {
                self.media.handle_applied(revision, at);
                self.tell_layout(revision, at, now);
            }
            Mail::Fetched { number, fetched } => self.media.handle_fetched(number, fetched, now),
            Mail::Clip { feed, news } => self.media.handle_clip(&feed, news, now),
            Mail::MixerEnded { has_died } => {
                self.media.handle_mixer_ended(has_died, now);
                if has_died {
                    self.tell_back_ends("mixer.restarted", || serde_json::json!({}));
                }
            }
            Mail::Snapshot { number, picture } => self.media.handle_snapshot(number, picture),
            Mail::OpenPull { rendition, reply } => {
                // Dropping the reply says that there is no such stream.
                if let Some(pull) = self.media.open_pull(rendition.as_deref(), now) {
                    let _ = reply.send(pull);
                }
            }
        }
    }

    fn handle_sfu_event(&mut self, event: sfu::Event, now: ServerTime) {
        match event {
            sfu::Event::Connected { peer } => {
                debug!(room = %self.room.id(), %peer, "Peer connected.")
            }
            sfu::Event::Closed { peer, reason } => {
                debug!(room = %self.room.id(), %peer, reason = reason.as_str(), "Peer closed.");
                if let Some(session) = self.media.handle_closed(peer, now) {
                    self.leave(session, now);
                }
            }
            sfu::Event::MediaStarted { feed } => {
                self.media_changed(&feed, MediaChange::Started, now)
            }
            sfu::Event::MediaStopped { feed } => {
                self.media_changed(&feed, MediaChange::Stopped, now)
            }
            sfu::Event::Voice { feed, voice } => self.handle_voice(feed, voice, now),
            sfu::Event::Uplink { peer: _, feed, health } => self.handle_uplink(&feed, &health, now),
            sfu::Event::MediaClock { peer, rtp_timestamp, at } => {
                self.handle_media_clock(peer, rtp_timestamp, at, now);
            }
            sfu::Event::KeyframeWanted { feed: _ } => self.media.request_keyframe(),
            sfu::Event::LayersWanted { peer: _, feed, layers } => {
                let text = encode_layers(&layers, now);
                let is_theirs = |member: &Member| member.user.as_str() == feed.identity();
                self.sessions.push_to(Lane::Control, &text.into(), is_theirs);
            }
            sfu::Event::EncodingsTaken { feed: _, taken } => self.media.handle_encodings(taken),
            sfu::Event::DataOpen { peer, channel } => self.open_data_session(peer, channel, now),
            sfu::Event::Data { peer, channel: _, text } => self.handle_data(peer, &text, now),
        }
    }

    /// Tells everybody that viewers see another layout, and what to call its first picture.
    fn tell_layout(&self, revision: u64, at: ServerTime, now: ServerTime) {
        if let Some(text) = applied_news(self.media.layout(), revision, at, now) {
            self.sessions.push_all(Lane::Control, &text.into());
        }
    }

    fn media_changed(&mut self, feed: &FeedId, change: MediaChange, now: ServerTime) {
        // The program is a feed as well, but nobody's.
        if let Some(user) = UserId::parse(feed.identity()) {
            self.bad_uplinks.forget(&user);
            self.take(&Input::Media { user, change }, now);
            self.media.handle_media(feed, change, now);
        }
    }

    /// Sees to what nothing announces.
    fn keep_house(&mut self) {
        let now = self.parts.clock.now();
        self.tell_targets();
        self.tell_recordings();
        self.series.handle_timeout(now);
        self.media.weigh_demand(now);
        if !self.sessions.is_empty() || !self.media.is_idle() {
            self.empty_since = None;
            return;
        }
        let empty_since = *self.empty_since.get_or_insert(now);
        if now.since(empty_since) >= self.parts.idle {
            let platform = Member {
                user: UserId::parse("lianmai").expect("it is a short word"),
                name: "lianmai".into(),
                role: Role::Admin,
                caps: Areas::ALL,
            };
            // A room that is over already says no, which is as good.
            let _ = self.command_by(platform, Command::RoomEnd, now);
        }
    }

    /// Tells what is decided, as far as the disk keeps up.
    async fn finish(&mut self) {
        let until = tokio::time::Instant::now() + FINISH_WITHIN;
        self.keep();
        // So that the last row is waited for, too.
        self.once_durable(|_, _| {});
        let mut released = self.release();
        while released == Released::Goes && self.record.is_waiting() {
            if tokio::time::timeout_at(until, self.record.changed()).await.is_err() {
                break;
            }
            released = self.release();
        }
        if released == Released::Ended {
            self.record.end(self.parts.clock.now());
        }
        self.give_up_waiting();
    }

    /// Ends what is being recorded, while back ends can still be told.
    async fn finish_recording(&mut self) {
        // A disk that takes longer writes on without the room.
        let _ = tokio::time::timeout(FINISH_WITHIN, self.media.finish_recording()).await;
        self.tell_recordings();
    }

    async fn close(mut self, ending: Ending) {
        self.finish_recording().await;
        match ending {
            Ending::RoomEnded => self.record.end(self.parts.clock.now()),
            Ending::RoomFailed => self.give_up(),
            Ending::Draining => self.finish().await,
            Ending::TooSlow | Ending::Superseded | Ending::Banned | Ending::Left => {
                unreachable!("sessions end so, rooms do not")
            }
        }
        self.sessions.end_all(ending);
        self.media.close().await;
        // Before the name is free: the next room of this name must not lose its entry.
        self.parts.switchboard.remove_room(self.room.id()).await;
        self.parts.directory.leave(&self.handle);
        info!(room = %self.room.id(), ?ending, "Room closed.");
    }
}

enum News {
    Mail(Mail),
    Request(RoomRequest),
}

/// Waits for what comes next. Neither side goes first: members who flood their data channels must
/// not keep an order waiting, nor a rush of orders the news of the media.
async fn news(mail: &mut mpsc::Receiver<Mail>, requests: &mut mpsc::Receiver<RoomRequest>) -> News {
    tokio::select! {
        Some(mail) = mail.recv() => News::Mail(mail),
        Some(request) = requests.recv() => News::Request(request),
        else => unreachable!("the task itself holds the other end of both"),
    }
}
