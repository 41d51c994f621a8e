//! What a room tells: its members, the other room of a battle, and its shell.

use std::sync::Arc;

use crate::{
    BattleView, ChatContent, ChatId, Contributor, Countdown, CountdownKind, EndReason, GiftId,
    GiveawayEvent, Giver, ModerationNews, PeerMessage, Performer, PkId, ReasonCode, Role, RoomId,
    RoomState, SaleView, Scores, SeatView, ServerTime, SettingsView, ShopEvent, Silence, TalkEvent,
    UserId, Whisper,
};

/// Something the shell must carry out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Tell every session of the room.
    Broadcast(Event),
    /// Tell one user, in every session they have; nobody else may hear it.
    ToUser {
        /// Whom.
        user: UserId,
        /// What; its sequence counts what this user was told.
        event: Event,
    },
    /// Tell another room; a room that does not exist answers [`PeerMessage::Unreachable`].
    ToRoom {
        /// Which.
        room: RoomId,
        /// What.
        message: PeerMessage,
    },
    /// Other people are on screen, or one of them was muted: draw [`Room::stage`] anew.
    ///
    /// [`Room::stage`]: crate::Room::stage
    StageChanged,
    /// This user lost the right to publish: close what they publish.
    Unpublish(UserId),
    /// Drop this of what the user publishes, where it comes in, and nothing else any more.
    Silence {
        /// Who publishes.
        user: UserId,
        /// What is dropped.
        silence: Silence,
    },
    /// This user was banned: end every session and connection of theirs that [`Room::is_banned`] names.
    ///
    /// [`Room::is_banned`]: crate::Room::is_banned
    Expel(UserId),
    /// Tell those who keep order; what they are told is not numbered.
    ToStaff(ModerationNews),
    /// Tell those who keep order, and whom it names; what they are told is not numbered.
    Whisper(Whisper),
    /// Hand in what [`Room::unkept`] returns: a crash would take it.
    ///
    /// [`Room::unkept`]: crate::Room::unkept
    Keep,
    /// The room is over; nothing further will come of it.
    Ended(EndReason),
}

/// Something every member hears about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// When it happened.
    pub at: ServerTime,
    /// Its place among the events of its stream in this room (of [`Stream::Me`]: of this user), from
    /// 1, without gaps.
    pub sequence: u64,
    /// What happened.
    pub body: EventBody,
}

/// What an [`Event`] says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EventBody {
    /// The room began, paused or ended.
    RoomState {
        /// What it is now.
        state: RoomState,
        /// Why it ended, once it has.
        reason: Option<EndReason>,
        /// What the platform calls the reason, if it ended the room.
        note: Option<ReasonCode>,
    },
    /// The room is set in another way.
    Settings(SettingsView),
    /// Who is on screen now, in drawing order.
    StageUpdated(Vec<Performer>),
    /// A seat changed.
    SeatUpdated(SeatView),
    /// Someone asked for a seat or was asked to take one, and what became of it.
    SeatRequest {
        /// Who would sit.
        user: UserId,
        /// What happened.
        kind: SeatRequestKind,
    },
    /// A battle changed.
    PkUpdated(BattleView),
    /// A battle's score changed.
    PkScore {
        /// Which battle.
        pk: PkId,
        /// The version of the battle that has this score, the same in both rooms.
        version: u64,
        /// The score.
        scores: Scores,
        /// Who gave most to each side now, if that is other than it was.
        top: Option<Vec<Vec<Giver>>>,
    },
    /// A countdown was announced, repeated, fired or called off.
    Countdown(Countdown),
    /// A sale changed.
    SaleUpdated(SaleView),
    /// A red packet or a lottery changed.
    Giveaway(GiveawayEvent),
    /// Something else that is for sale or to be won changed.
    Shop(ShopEvent),
    /// Gifts were given, or combos ended.
    Gifts(Vec<GiftItem>),
    /// Someone said something.
    Chat(ChatLine),
    /// What became of what was said, and what is asked.
    Talk(TalkEvent),
    /// Likes, coins and heads so far.
    React(Reactions),
    /// What concerns one user alone: whether they may talk and be here.
    Order(OrderKept),
}

impl EventBody {
    /// Returns the stream that counts this event.
    pub const fn stream(&self) -> Stream {
        match self {
            Self::RoomState { .. } | Self::Settings(_) | Self::StageUpdated(_) => Stream::Room,
            Self::SeatUpdated(_) | Self::SeatRequest { .. } => Stream::Seat,
            Self::PkUpdated(_) | Self::PkScore { .. } => Stream::Pk,
            Self::Countdown(countdown) => match countdown.kind {
                CountdownKind::SaleOpen
                | CountdownKind::PacketOpen
                | CountdownKind::CouponOpen
                | CountdownKind::LotteryDraw
                | CountdownKind::AuctionStart
                | CountdownKind::AuctionEnd
                | CountdownKind::QuizClose => Stream::Sale,
                CountdownKind::PkStart | CountdownKind::PkEnd | CountdownKind::Punish => Stream::Pk,
            },
            Self::SaleUpdated(_) | Self::Giveaway(_) => Stream::Sale,
            Self::Shop(event) => event.stream(),
            Self::Gifts(_) => Stream::Gift,
            Self::Chat(_) => Stream::Chat,
            // Nobody may miss that a line is gone.
            Self::Talk(_) => Stream::Room,
            Self::React(_) => Stream::React,
            Self::Order(_) => Stream::Me,
        }
    }
}

/// A numbered sequence of events.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Stream {
    /// The room and its stage.
    Room,
    /// Seats.
    Seat,
    /// Battles.
    Pk,
    /// Sales.
    Sale,
    /// Gifts.
    Gift,
    /// Chat.
    Chat,
    /// Likes, coins and heads.
    React,
    /// What concerns one user alone.
    Me,
}

impl Stream {
    /// Every stream.
    pub const ALL: [Self; 8] = [
        Self::Room,
        Self::Seat,
        Self::Pk,
        Self::Sale,
        Self::Gift,
        Self::Chat,
        Self::React,
        Self::Me,
    ];
}

/// The number of the last event of each stream.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watermarks {
    /// Of [`Stream::Room`].
    pub room: u64,
    /// Of [`Stream::Seat`].
    pub seat: u64,
    /// Of [`Stream::Pk`].
    pub pk: u64,
    /// Of [`Stream::Sale`].
    pub sale: u64,
    /// Of [`Stream::Gift`].
    pub gift: u64,
    /// Of [`Stream::Chat`].
    pub chat: u64,
    /// Of [`Stream::React`].
    pub react: u64,
}

impl Watermarks {
    /// Returns the number of the last event of `stream`.
    ///
    /// # Panics
    ///
    /// Panics for [`Stream::Me`], which is counted by user.
    pub const fn of(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Room => self.room,
            Stream::Seat => self.seat,
            Stream::Pk => self.pk,
            Stream::Sale => self.sale,
            Stream::Gift => self.gift,
            Stream::Chat => self.chat,
            Stream::React => self.react,
            Stream::Me => panic!("what concerns one user is counted by user"),
        }
    }

    /// Counts one more event of `stream` and returns its number.
    pub(crate) const fn advance(&mut self, stream: Stream) -> u64 {
        let last = match stream {
            Stream::Room => &mut self.room,
            Stream::Seat => &mut self.seat,
            Stream::Pk => &mut self.pk,
            Stream::Sale => &mut self.sale,
            Stream::Gift => &mut self.gift,
            Stream::Chat => &mut self.chat,
            Stream::React => &mut self.react,
            Stream::Me => panic!("what concerns one user is counted by user"),
        };
        *last += 1;
        *last
    }
}

/// What somebody who keeps order decided about the user who is told of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OrderKept {
    /// They may not talk.
    Muted {
        /// Until when, if not for good.
        until: Option<ServerTime>,
    },
    /// They may talk again.
    Unmuted,
    /// They may not be here; their sessions end.
    Banned {
        /// Until when, if not for good.
        until: Option<ServerTime>,
        /// Why, if that was said.
        reason: Option<ReasonCode>,
    },
}

/// What became of a wish for a seat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SeatRequestKind {
    /// The user asks for a seat.
    Apply,
    /// The host asks the user to take one.
    Invite,
    /// The host turned the user down.
    Reject,
    /// The user turned the host down, or took the wish back.
    Decline,
    /// Nobody answered in time.
    Timeout,
}

/// Gifts of one combo that are told together; a luxury gift is told by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GiftItem {
    /// Who gave it.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
    /// What.
    pub gift: GiftId,
    /// For which room.
    pub to: RoomId,
    /// When the first of them was given, or the combo ended.
    pub at: ServerTime,
    /// How many are new; none if all that is new is that the combo ended.
    pub count: u64,
    /// What those cost.
    pub coins: u64,
    /// The number of the combo, unique in the room.
    pub combo: u64,
    /// How many gifts the combo has so far; it makes up for lost and repeated messages.
    pub combo_count: u64,
    /// Whether the combo is over, so that this count is its last.
    pub combo_ended: bool,
}

/// One line of chat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChatLine {
    /// Its id.
    pub id: ChatId,
    /// Who said it.
    pub user: UserId,
    /// Their name.
    pub name: Arc<str>,
    /// Their role, for a badge.
    pub role: Role,
    /// What they said or showed.
    pub content: ChatContent,
}

/// Totals since the room was created; a later one makes an earlier one worthless.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reactions {
    /// Users in the room.
    pub online: u32,
    /// Likes.
    pub likes: u64,
    /// Gifts given in this room.
    pub gifts: u64,
    /// What they cost.
    pub coins: u64,
    /// Users who gave something.
    pub senders: u64,
    /// The three who gave most, best first.
    pub top: Vec<Contributor>,
}
