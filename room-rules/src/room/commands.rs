//! Carries out commands that the member's role allows.

use super::Room;
use crate::{
    ChatContent, Command, EndReason, GiftOrder, Member, Rejected, Reply, SeatCommand, SeatMode,
    ServerTime,
};

impl Room {
    pub(super) fn carry_out(
        &mut self,
        member: &Member,
        command: Command,
        about: Option<&Member>,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        let out = &mut self.out;
        match command {
            Command::ChatSend(text) => self.say(member, ChatContent::Text(text), now),
            Command::Talk(command) => self.talk(member, command, now),
            Command::Like(count) => self.crowd.handle_like(member, count, now).map(done),
            Command::GiftSend(order) => self.give(member, &order, now),
            Command::Seat(command) => self.arrange_seats(member, command, about, now),
            Command::Moderation(command) => self.keep_order(member, command, now),
            Command::Room(command) => self.steer(command, now),
            Command::Pk(command) => {
                self.arena.handle_command(member, command, now, &mut self.mint, out)
            }
            Command::SaleAnnounce(offer) => self.shop.announce(&offer, now, &mut self.mint, out),
            Command::SaleCancel(sale) => self.shop.cancel(&sale, now, out).map(done),
            Command::OrderPlace(order) => {
                self.shop.handle_order(member, &order, now, &mut self.mint, out)
            }
            Command::Shop(command) => {
                self.shop.handle_command(member, command, now, &mut self.mint, out)
            }
            Command::Giveaway(command) => {
                let (giveaways, mint) = (&mut self.giveaways, &mut self.mint);
                giveaways.handle_command(member, &command, now, mint, out)
            }
            Command::RoomEnd => {
                self.end(EndReason::Closed, now);
                Ok(Reply::Done)
            }
        }
    }

    fn arrange_seats(
        &mut self,
        member: &Member,
        command: SeatCommand,
        about: Option<&Member>,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        if !self.seat_pace.allow(&member.user, now) {
            return Err(Rejected::RateLimited);
        }
        let (seats, out) = (&mut self.seats, &mut self.out);
        let seat = |index| Reply::Seat { index };
        match command {
            SeatCommand::Apply(pick) => {
                Ok(seats.apply(member, pick, now, out)?.map_or(Reply::Done, seat))
            }
            SeatCommand::Accept { user, pick } => seats.accept(&user, pick, now, out).map(seat),
            SeatCommand::Reject(user) => seats.reject(&user, now, out).map(done),
            SeatCommand::Invite { user, pick } => {
                let guest = about.ok_or(Rejected::NotFound("user here"))?;
                assert_eq!(guest.user, user, "an input is about whom its command names");
                self.moderation.expect_welcome(guest, now)?;
                seats.invite(guest, pick, now, out).map(seat)
            }
            SeatCommand::Join => seats.join(&member.user, now, out).map(seat),
            SeatCommand::Decline => seats.decline(&member.user, now, out).map(done),
            SeatCommand::Leave => seats.leave(&member.user, now, out).map(done),
            SeatCommand::Kick(user) => seats.kick(&user, now, out).map(done),
            SeatCommand::Mute { user, audio, video } => {
                seats.mute(&user, (audio, video), now, out).map(done)
            }
            SeatCommand::Lock(lock) => seats.lock(lock, now, out).map(done),
            SeatCommand::Move { user, pick, swap } => {
                let is_own = user.is_none() && self.config.seat_mode == SeatMode::Apply;
                if is_own || user.is_none() && swap {
                    return Err(Rejected::Forbidden);
                }
                let user = user.unwrap_or_else(|| member.user.clone());
                seats.move_to(&user, pick, swap, now, out).map(seat)
            }
            SeatCommand::Switch { mic, cam } => {
                seats.switch(&member.user, (mic, cam), now, out).map(done)
            }
        }
    }

    fn give(
        &mut self,
        member: &Member,
        order: &GiftOrder,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        let to = order.to.clone().unwrap_or_else(|| self.id.clone());
        if to != self.id && !self.arena.is_linked_with(&to) {
            return Err(Rejected::PkState);
        }
        let coins = self.gifts.handle_gift(member, order, &to, now, &mut self.out)?;
        self.crowd.touch(now);
        let score = self.arena.handle_gift(member, &to, coins, now);
        Ok(Reply::Gift { coins, score })
    }
}

pub(super) fn done((): ()) -> Reply {
    Reply::Done
}
