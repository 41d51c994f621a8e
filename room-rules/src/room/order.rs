//! Steers the room itself, and keeps order in it.

use super::commands::done;
use super::{Room, RoomCommand};
use crate::{
    Effect, EndReason, EventBody, Member, ModerationCommand, ModerationNews, OrderKept, Rejected,
    Reply, RoomState, ServerTime, SettingsView, UserId,
};

impl Room {
    pub(super) fn steer(
        &mut self,
        command: RoomCommand,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        match command {
            RoomCommand::Open => match self.state {
                RoomState::Created => self.enter(RoomState::Waiting, now),
                RoomState::Waiting => {}
                RoomState::Live | RoomState::Interrupted | RoomState::Ended => {
                    return Err(Rejected::Conflict("the host has been on air already"));
                }
            },
            RoomCommand::Configure(change) => {
                let next = change.apply_to(&self.config);
                if next != self.config {
                    self.seats.set_rules(next.seat_mode, next.seats);
                    self.config = next;
                    self.tell_settings(now);
                }
            }
            RoomCommand::Hide(is_hidden) => {
                if self.config.hidden != is_hidden {
                    self.config.hidden = is_hidden;
                    self.tell_settings(now);
                }
            }
            RoomCommand::ForceEnd(code) => {
                self.end_note = Some(code);
                self.end(EndReason::Forced, now);
            }
        }
        Ok(Reply::Done)
    }

    pub(super) fn keep_order(
        &mut self,
        by: &Member,
        command: ModerationCommand,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        let moderation = &mut self.moderation;
        match command {
            ModerationCommand::Mute { user, ttl } => {
                let mute = moderation.mute(by, &user, ttl, now)?;
                let told = OrderKept::Muted { until: mute.until };
                self.out.tell(&user, EventBody::Order(told), now);
                self.out.effect(Effect::ToStaff(ModerationNews::Muted(mute)));
            }
            ModerationCommand::Unmute(user) => {
                moderation.unmute(by, &user)?;
                self.tell_order(ModerationNews::Unmuted(user), now);
            }
            ModerationCommand::Ban { user, ttl, reason, wipe } => {
                let ban = moderation.ban(by, &user, (ttl, reason), now)?;
                if wipe {
                    self.chat.wipe(&user, now, &mut self.out);
                }
                self.expel(&user, now);
                self.out.effect(Effect::ToStaff(ModerationNews::Banned(ban)));
            }
            ModerationCommand::Unban(user) => {
                moderation.unban(by, &user)?;
                self.tell_order(ModerationNews::Unbanned(user), now);
            }
            ModerationCommand::SlowMode(every) => {
                if moderation.set_slow_mode(every) {
                    self.tell_settings(now);
                }
            }
            ModerationCommand::MuteAll(is_muted) => {
                if moderation.mute_all(is_muted) {
                    self.tell_settings(now);
                }
            }
            ModerationCommand::Words { add, remove } => {
                moderation.change_words(&add, &remove)?;
                let words = moderation.view().words;
                self.out.effect(Effect::ToStaff(ModerationNews::Words(words)));
            }
            ModerationCommand::List => {
                return Ok(Reply::Moderation(Box::new(moderation.view())));
            }
        }
        Ok(done(()))
    }

    /// Lets a user who was just banned go, with all that they have here. A host whom the platform
    /// bans takes the room along.
    fn expel(&mut self, user: &UserId, now: ServerTime) {
        let Some(ban) = self.moderation.ban_of(user).cloned() else { return };
        let told = OrderKept::Banned { until: ban.until, reason: ban.reason.clone() };
        self.out.tell(user, EventBody::Order(told), now);
        let host = self.host.clone().filter(|host| host.user == *user);
        if host.as_ref().is_none_or(|host| self.is_banned(host, now)) {
            self.seats.expel(user, now, &mut self.out);
        }
        self.out.effect(Effect::Expel(user.clone()));
        if host.is_some_and(|host| self.is_banned(&host, now)) {
            self.end_note = ban.reason;
            self.end(EndReason::Banned, now);
        }
    }

    /// Forgets mutes and bans whose time is up.
    pub(super) fn tell_order_over(&mut self, now: ServerTime) {
        for news in self.moderation.handle_timeout(now) {
            self.tell_order(news, now);
        }
    }

    fn tell_order(&mut self, news: ModerationNews, now: ServerTime) {
        if let ModerationNews::Unmuted(user) = &news {
            self.out.tell(user, EventBody::Order(OrderKept::Unmuted), now);
        }
        self.out.effect(Effect::ToStaff(news));
    }

    fn tell_settings(&mut self, now: ServerTime) {
        let settings = self.settings();
        self.out.broadcast(EventBody::Settings(settings), now);
    }

    pub(super) fn settings(&self) -> SettingsView {
        SettingsView {
            config: self.config.clone(),
            slow_mode: self.moderation.slow_mode(),
            all_muted: self.moderation.is_all_muted(),
        }
    }
}
