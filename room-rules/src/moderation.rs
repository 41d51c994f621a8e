//! Who may not talk here, who may not be here, and what may not be said.
//!
//! A mute or a ban binds whoever holds a token of a lower role than the one who spoke it out: what the
//! role of an absent user is, nobody knows. So a moderator's ban binds viewers and guests, the
//! platform's binds the host too.

mod command;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Member, Rejected, ServerTime, UserId};

pub use command::{ModerationCommand, ReasonCode, SlowMode, Ttl};
use words::BlockedWords;
pub use words::Word;

/// Lists go to those who keep order in one piece.
const MUTES_MAX: usize = 500;
const BANS_MAX: usize = 500;

/// What keeps order in a room.
#[derive(Debug, Default)]
pub(crate) struct Moderation {
    /// Full: one more is refused until one of them is over or taken back.
    mutes: Sanctions,
    /// Full: as above.
    bans: Sanctions,
    words: BlockedWords,
    slow_mode: Duration,
    is_all_muted: bool,
    /// When the first of them is over.
    due: Option<ServerTime>,
}

type Sanctions = BTreeMap<UserId, Sanction>;

/// That somebody may not talk, or not be here.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Sanction {
    /// Whom it concerns.
    pub user: UserId,
    /// When it is over, if ever.
    pub until: Option<ServerTime>,
    /// Who spoke it out.
    pub by: UserId,
    /// Why, if they said so.
    pub reason: Option<ReasonCode>,
    /// How high the role of who spoke it out stands: it binds lower ones.
    pub rank: u8,
}

impl Sanction {
    fn binds(&self, member: &Member) -> bool {
        self.rank > member.role.rank()
    }

    fn is_over(&self, now: ServerTime) -> bool {
        self.until.is_some_and(|until| now >= until)
    }
}

impl Moderation {
    /// Mutes a user.
    pub(crate) fn mute(
        &mut self,
        by: &Member,
        user: &UserId,
        ttl: Option<Ttl>,
        now: ServerTime,
    ) -> Result<Sanction, Rejected> {
        let spoken = speak_out(&mut self.mutes, MUTES_MAX, by, user, (ttl, None), now);
        self.due = self.next_due();
        spoken
    }

    pub(crate) fn unmute(&mut self, by: &Member, user: &UserId) -> Result<(), Rejected> {
        take_back(&mut self.mutes, by, user)
    }

    /// Bans a user.
    pub(crate) fn ban(
        &mut self,
        by: &Member,
        user: &UserId,
        terms: (Option<Ttl>, Option<ReasonCode>),
        now: ServerTime,
    ) -> Result<Sanction, Rejected> {
        let spoken = speak_out(&mut self.bans, BANS_MAX, by, user, terms, now);
        self.due = self.next_due();
        spoken
    }

    pub(crate) fn unban(&mut self, by: &Member, user: &UserId) -> Result<(), Rejected> {
        take_back(&mut self.bans, by, user)
    }

    /// Sets the time between two lines of one viewer; returns whether that is a change.
    pub(crate) fn set_slow_mode(&mut self, every: SlowMode) -> bool {
        std::mem::replace(&mut self.slow_mode, every.span()) != every.span()
    }

    /// Lets nobody talk who does not keep order; returns whether that is a change.
    pub(crate) const fn mute_all(&mut self, is_muted: bool) -> bool {
        std::mem::replace(&mut self.is_all_muted, is_muted) != is_muted
    }

    pub(crate) fn change_words(&mut self, add: &[Word], remove: &[Word]) -> Result<(), Rejected> {
        self.words.change(add, remove)
    }

    /// Says whether `member` may be here.
    pub(crate) fn expect_welcome(&self, member: &Member, now: ServerTime) -> Result<(), Rejected> {
        match self.bans.get(&member.user).filter(|ban| ban.binds(member) && !ban.is_over(now)) {
            Some(_) => Err(Rejected::Banned),
            None => Ok(()),
        }
    }

    /// Says whether `member` may talk.
    pub(crate) fn expect_voice(&self, member: &Member, now: ServerTime) -> Result<(), Rejected> {
        let is_muted = self.is_all_muted && member.role.rank() == 0
            || self
                .mutes
                .get(&member.user)
                .is_some_and(|mute| mute.binds(member) && !mute.is_over(now));
        if is_muted { Err(Rejected::Muted) } else { Ok(()) }
    }

    /// Says whether `text` may be said.
    pub(crate) fn expect_decent(&self, text: &str) -> Result<(), Rejected> {
        if self.words.are_in(text) { Err(Rejected::ContentRejected) } else { Ok(()) }
    }

    pub(crate) const fn slow_mode(&self) -> Duration {
        self.slow_mode
    }

    pub(crate) const fn is_all_muted(&self) -> bool {
        self.is_all_muted
    }

    /// Returns why `user` may not be here, if so.
    pub(crate) fn ban_of(&self, user: &UserId) -> Option<&Sanction> {
        self.bans.get(user)
    }

    /// Returns when the mute of `member` is over: `Some(None)` is never.
    pub(crate) fn mute_of(&self, member: &Member) -> Option<Option<ServerTime>> {
        self.mutes.get(&member.user).filter(|mute| mute.binds(member)).map(|mute| mute.until)
    }

    /// Forgets what is over, and returns it.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime) -> Vec<ModerationNews> {
        if self.due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        let mut over: Vec<_> = take_over(&mut self.mutes, now, ModerationNews::Unmuted);
        over.extend(take_over(&mut self.bans, now, ModerationNews::Unbanned));
        self.due = self.next_due();
        over
    }

    pub(crate) const fn poll_timeout(&self) -> Option<ServerTime> {
        self.due
    }

    fn next_due(&self) -> Option<ServerTime> {
        self.mutes.values().chain(self.bans.values()).filter_map(|sanction| sanction.until).min()
    }

    pub(crate) fn view(&self) -> ModerationView {
        ModerationView {
            mutes: self.mutes.values().cloned().collect(),
            bans: self.bans.values().cloned().collect(),
            words: self.words.list().to_vec(),
        }
    }

    pub(crate) fn check(&self) {
        assert!(self.mutes.len() <= MUTES_MAX && self.bans.len() <= BANS_MAX);
    }
}

fn speak_out(
    all: &mut Sanctions,
    max: usize,
    by: &Member,
    user: &UserId,
    (ttl, reason): (Option<Ttl>, Option<ReasonCode>),
    now: ServerTime,
) -> Result<Sanction, Rejected> {
    if by.user == *user {
        return Err(Rejected::Conflict("nobody does that to themselves"));
    }
    let rank = by.role.rank();
    match all.get(user) {
        Some(before) if before.rank > rank => return Err(Rejected::Forbidden),
        None if all.len() >= max => return Err(Rejected::QueueFull("users on this list")),
        Some(_) | None => {}
    }
    let until = ttl.map(|ttl| now + ttl.span());
    let sanction = Sanction { user: user.clone(), until, by: by.user.clone(), reason, rank };
    all.insert(user.clone(), sanction.clone());
    Ok(sanction)
}

fn take_over(
    all: &mut Sanctions,
    now: ServerTime,
    news: fn(UserId) -> ModerationNews,
) -> Vec<ModerationNews> {
    all.extract_if(.., |_, sanction| sanction.is_over(now)).map(|(user, _)| news(user)).collect()
}

fn take_back(all: &mut Sanctions, by: &Member, user: &UserId) -> Result<(), Rejected> {
    let before = all.get(user).ok_or(Rejected::NotFound("user on this list"))?;
    if before.rank > by.role.rank() {
        return Err(Rejected::Forbidden);
    }
    all.remove(user);
    Ok(())
}

/// Who may not talk, who may not be here, and what may not be said; for those who keep order.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ModerationView {
    /// Who may not talk.
    pub mutes: Vec<Sanction>,
    /// Who may not be here.
    pub bans: Vec<Sanction>,
    /// What may not be said.
    pub words: Vec<Word>,
}

/// What changed of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ModerationNews {
    /// A user may not talk from now on.
    Muted(Sanction),
    /// A user may talk again.
    Unmuted(UserId),
    /// A user may not be here from now on.
    Banned(Sanction),
    /// A user may be here again.
    Unbanned(UserId),
    /// Other words may not be said.
    Words(Vec<Word>),
}
