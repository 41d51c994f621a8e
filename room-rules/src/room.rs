//! A live room: the one owner of everything that happens in it.
//!
//! The room itself decides who may ask for what, when it is on air and who is on screen; the rest
//! is in the parts it owns. Whatever it is told, it first moves to `now`, so no part ever acts on a
//! state whose time is up.
//!
//! ```text
//! Created ──open──▶ Waiting ──host on air──▶ Live ◀──────▶ Interrupted
//!    │ └──────────────host on air──────────────▲│  host lost     │ 60 s
//!    └──────────────── end ────────────────────┴┴───────────────▶ Ended
//! ```

mod command;
mod commands;
mod inputs;
mod looks;
mod order;
mod talk;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::announcer::Announcer;
use crate::arena::Arena;
use crate::chat::Chat;
use crate::crowd::Crowd;
use crate::gift_table::GiftTable;
use crate::giveaway::Giveaways;
use crate::id::{Kind, Mint};
use crate::idempotence::Idempotence;
use crate::moderation::Moderation;
use crate::pace::Pace;
use crate::seats::Seats;
use crate::shop::Shop;
use crate::{
    Capability, Effect, EndReason, Event, EventBody, GiftCatalog, Input, LifeId, Member, Performer,
    ReasonCode, Rejected, RoomConfig, RoomId, RoomState, ServerTime, SessionId, Silence, Snapshot,
    Title, UserId, Watermarks,
};

pub use command::RoomCommand;

/// How long the room waits for a host who is lost.
const GRACE: Duration = Duration::from_secs(60);
const SEAT_INTERVAL: Duration = Duration::from_millis(500);
const SEAT_BURST: u32 = 10;

/// What a room is set up with, for as long as it lasts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RoomSettings {
    /// Sessions the room holds.
    pub sessions_max: usize,
    /// Tells the room's ids from those of others: 40 random bits, the same again in a replay.
    pub salt: u64,
    /// The gifts that can be given in it.
    pub gifts: GiftCatalog,
    /// What it has at first.
    pub config: RoomConfig,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            sessions_max: 10_000,
            salt: 0,
            gifts: GiftCatalog::default(),
            config: RoomConfig::default(),
        }
    }
}

/// What a user's connection to the media server did.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaChange {
    /// The first media of a publisher arrived, or it came back.
    Started,
    /// The publisher is silent or gone.
    Stopped,
}

/// A live room.
#[derive(Debug)]
pub struct Room {
    id: RoomId,
    life: LifeId,
    title: Arc<str>,
    state: RoomState,
    end_reason: Option<EndReason>,
    end_note: Option<ReasonCode>,
    config: RoomConfig,
    /// When the room gives up waiting for its host.
    grace_until: Option<ServerTime>,
    /// Who published as the host last.
    host: Option<Member>,
    /// A host who came and has not published yet. Presence does not survive a restart.
    host_seen: Option<UserId>,
    mint: Mint,
    idempotence: Idempotence,
    crowd: Crowd,
    seats: Seats,
    seat_pace: Pace,
    moderation: Moderation,
    chat: Chat,
    gifts: GiftTable,
    shop: Shop,
    giveaways: Giveaways,
    arena: Arena,
    /// Who was on screen when the shell was last told.
    stage_told: Vec<Performer>,
    out: Announcer,
}

impl Room {
    /// Creates a room at `now`.
    pub fn new(id: RoomId, title: &Title, settings: RoomSettings, now: ServerTime) -> Self {
        let mut mint = Mint::new(&id, settings.salt);
        Self {
            life: LifeId::made(&mint.make(Kind::Life, now)),
            mint,
            arena: Arena::new(id.clone()),
            id,
            title: title.as_str().into(),
            state: RoomState::Created,
            end_reason: None,
            end_note: None,
            grace_until: None,
            host: None,
            host_seen: None,
            idempotence: Idempotence::default(),
            crowd: Crowd::new(settings.sessions_max),
            seats: Seats::new(settings.config.seat_mode, settings.config.seats),
            config: settings.config,
            seat_pace: Pace::new(SEAT_INTERVAL, SEAT_BURST),
            moderation: Moderation::default(),
            chat: Chat::new(),
            gifts: GiftTable::new(settings.gifts),
            shop: Shop::new(),
            giveaways: Giveaways::new(),
            stage_told: Vec::new(),
            out: Announcer::default(),
        }
    }

    /// Adds a session. The snapshot is true up to its watermarks, so the session must hear every
    /// event that is polled from here on; a session that joins again just gets a new snapshot.
    ///
    /// # Errors
    ///
    /// The room is over or full, or the member is banned from it.
    pub fn handle_join(
        &mut self,
        session: SessionId,
        member: Member,
        now: ServerTime,
    ) -> Result<Snapshot, Rejected> {
        self.advance(now);
        self.expect_open()?;
        self.moderation.expect_welcome(&member, now)?;
        self.crowd.join(session, &member, now)?;
        if self.host_seen.is_none() && member.may(Capability::PublishAsHost) {
            self.host_seen = Some(member.user.clone());
        }
        self.settle(now);
        Ok(self.snapshot(member, now))
    }

    /// Removes a session; an unknown one is ignored. With a user's last session goes what they have
    /// asked for and not taken: that is the input which is returned, to be handed in at once. Who is
    /// on air stays.
    #[must_use = "the seat would stay reserved"]
    pub fn handle_leave(&mut self, session: SessionId, now: ServerTime) -> Option<Input> {
        self.advance(now);
        let left = self.crowd.leave(session, now);
        self.settle(now);
        left.filter(|user| self.seats.waits_for(user)).map(|user| Input::Absent { user })
    }

    /// Returns whether `member` may neither be here nor watch.
    pub fn is_banned(&self, member: &Member, now: ServerTime) -> bool {
        self.moderation.expect_welcome(member, now).is_err()
    }

    /// Returns what of the user's media is to be dropped where it comes in.
    pub fn silence_of(&self, user: &UserId) -> Silence {
        self.seats.silence_of(user)
    }

    /// Returns everything that `member` is told at joining, without letting them in.
    pub fn look(&mut self, member: Member, now: ServerTime) -> Snapshot {
        self.advance(now);
        self.snapshot(member, now)
    }

    /// Moves the room to where it must be at `now`.
    pub fn handle_timeout(&mut self, now: ServerTime) {
        self.advance(now);
    }

    /// Returns when `handle_timeout` is next due, or `None` while nothing is waited for.
    pub fn poll_timeout(&self) -> Option<ServerTime> {
        let parts = [
            self.grace_until,
            self.crowd.poll_timeout(),
            self.gifts.poll_timeout(),
            self.seats.poll_timeout(),
            self.moderation.poll_timeout(),
            self.shop.poll_timeout(),
            self.giveaways.poll_timeout(),
            self.arena.poll_timeout(),
        ];
        if self.state == RoomState::Ended {
            return None;
        }
        parts.into_iter().flatten().min()
    }

    /// Returns the next thing to carry out, oldest first.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.out.poll_effect()
    }

    /// Returns what `user` was told alone in the last ten minutes after number `after`, oldest first,
    /// without what they have acknowledged.
    pub fn personal(
        &self,
        user: &UserId,
        after: u64,
        now: ServerTime,
    ) -> impl Iterator<Item = &Event> {
        self.out.personal(user, after, now)
    }

    /// Takes that what `user` was told alone has arrived, up to number `up_to`.
    pub fn handle_personal_ack(&mut self, user: &UserId, up_to: u64) {
        self.out.handle_personal_ack(user, up_to);
    }

    /// Returns the number of the last event of each stream.
    pub const fn watermarks(&self) -> Watermarks {
        self.out.watermarks()
    }

    /// Returns the room's name.
    pub const fn id(&self) -> &RoomId {
        &self.id
    }

    /// Returns which life of its name this is.
    pub const fn life(&self) -> &LifeId {
        &self.life
    }

    /// Returns whether the room is on air.
    pub const fn state(&self) -> RoomState {
        self.state
    }

    /// Returns why the room ended, once it has.
    pub const fn end_reason(&self) -> Option<EndReason> {
        self.end_reason
    }

    /// Lets everything happen that is due by `now`, each thing at its own time. So it makes no
    /// difference when and how often the room is called, and a journal that is read again gives the
    /// same events.
    fn advance(&mut self, now: ServerTime) {
        while let Some(due) = self.poll_timeout().filter(|due| *due <= now) {
            self.step(due);
        }
        self.check();
    }

    /// Lets everything happen that follows at once from what was done at `now`.
    fn settle(&mut self, now: ServerTime) {
        if self.state != RoomState::Ended {
            self.tell_stage(now);
        }
        while self.poll_timeout().is_some_and(|due| due <= now) {
            self.step(now);
        }
        self.check();
    }

    fn step(&mut self, now: ServerTime) {
        if self.grace_until.is_some_and(|until| now >= until) {
            self.end(EndReason::HostLeft, now);
        } else {
            self.tell_order_over(now);
            self.seats.handle_timeout(now, &mut self.out);
            self.shop.handle_timeout(now, &mut self.out);
            self.giveaways.handle_timeout(now, &mut self.out);
            self.arena.handle_timeout(now, &mut self.out);
            self.gifts.handle_timeout(now, &mut self.out);
            if self.crowd.take_keep_due(now) {
                self.out.effect(Effect::Keep);
            }
            if self.crowd.take_due(now) {
                self.out.broadcast(EventBody::React(self.reactions()), now);
            }
            self.tell_stage(now);
        }
        assert!(self.poll_timeout().is_none_or(|next| next > now), "what is due was not done");
    }

    fn tell_stage(&mut self, now: ServerTime) {
        self.seats.tell_silence(&mut self.out);
        let stage = self.stage();
        if stage != self.stage_told {
            self.stage_told.clone_from(&stage);
            self.out.broadcast(EventBody::StageUpdated(stage), now);
            self.out.effect(Effect::StageChanged);
        }
    }

    fn end(&mut self, reason: EndReason, now: ServerTime) {
        self.shop.handle_end(now, &mut self.out);
        self.giveaways.handle_end(now, &mut self.out);
        self.arena.handle_end(now, &mut self.out);
        self.arena.handle_media(false, now, &mut self.out);
        self.seats.handle_end(now, &mut self.out);
        self.gifts.handle_end(now, &mut self.out);
        if self.crowd.has_news() {
            self.out.broadcast(EventBody::React(self.reactions()), now);
        }
        self.grace_until = None;
        self.end_reason = Some(reason);
        self.tell_stage(now);
        self.enter(RoomState::Ended, now);
        self.out.effect(Effect::Ended(reason));
    }

    fn enter(&mut self, state: RoomState, now: ServerTime) {
        assert!(self.state != RoomState::Ended, "a room ends once");
        self.state = state;
        let (reason, note) = (self.end_reason, self.end_note.clone());
        self.out.broadcast(EventBody::RoomState { state, reason, note }, now);
    }

    fn set_host(&mut self, member: &Member) {
        self.host = Some(member.clone());
        self.arena.set_host(member);
    }

    const fn expect_open(&self) -> Result<(), Rejected> {
        match self.state {
            RoomState::Created | RoomState::Waiting | RoomState::Live | RoomState::Interrupted => {
                Ok(())
            }
            RoomState::Ended => Err(Rejected::Closed("room")),
        }
    }

    fn check(&self) {
        self.seats.check();
        self.crowd.check();
        self.moderation.check();
        self.shop.check();
        assert_eq!(self.grace_until.is_some(), self.state == RoomState::Interrupted);
        assert_eq!(self.end_reason.is_some(), self.state == RoomState::Ended);
        if self.state == RoomState::Ended {
            assert!(self.stage_told.is_empty() && self.arena.view().is_none());
        }
    }
}
