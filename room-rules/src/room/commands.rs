//! Carries out commands that the member's role allows.

use super::Room;
use crate::{BattleState, Command, EndReason, GiftOrder, Member, Rejected, Reply, ServerTime};

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
            Command::ChatSend(text) => {
                let id = self.chat.handle_line(member, text, now, &mut self.mint, out)?;
                Ok(Reply::Chat { id })
            }
            Command::Like(count) => self.crowd.handle_like(member, count, now).map(done),
            Command::GiftSend(order) => self.give(member, &order, now),
            Command::SeatApply
            | Command::SeatAccept(_)
            | Command::SeatReject(_)
            | Command::SeatInvite(_)
            | Command::SeatJoin
            | Command::SeatDecline
            | Command::SeatLeave
            | Command::SeatKick(_)
            | Command::SeatMute { .. } => self.arrange_seats(member, command, about, now),
            Command::PkInvite { room, terms } => {
                let pk = self.arena.invite(room, terms, now, &mut self.mint, out)?;
                Ok(Reply::Pk { pk })
            }
            Command::PkAccept(pk) => self.arena.accept(&pk, out).map(done),
            Command::PkReject(pk) => self.arena.reject(&pk, now, out).map(done),
            Command::PkCancel(pk) => self.arena.cancel(&pk, now, out).map(done),
            Command::PkEnd(pk) => self.arena.end(&pk, now, out).map(done),
            Command::SaleAnnounce(offer) => self.sales.announce(&offer, now, &mut self.mint, out),
            Command::SaleCancel(sale) => self.sales.cancel(&sale, now, out).map(done),
            Command::OrderPlace(order) => {
                self.sales.handle_order(member, &order, now, &mut self.mint, out).map(Reply::Order)
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
        command: Command,
        about: Option<&Member>,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        if !self.seat_pace.allow(&member.user, now) {
            return Err(Rejected::RateLimited);
        }
        let (seats, out) = (&mut self.seats, &mut self.out);
        let seat = |index| Reply::Seat { index };
        match command {
            Command::SeatApply => seats.apply(member, now, out).map(done),
            Command::SeatAccept(user) => seats.accept(&user, now, out).map(seat),
            Command::SeatReject(user) => seats.reject(&user, now, out).map(done),
            Command::SeatInvite(user) => {
                let guest = about.ok_or(Rejected::NotFound("user here"))?;
                assert_eq!(guest.user, user, "an input is about whom its command names");
                seats.invite(guest, now, out).map(seat)
            }
            Command::SeatJoin => seats.join(&member.user, now, out).map(seat),
            Command::SeatDecline => seats.decline(&member.user, now, out).map(done),
            Command::SeatLeave => seats.leave(&member.user, now, out).map(done),
            Command::SeatKick(user) => seats.kick(&user, now, out).map(done),
            Command::SeatMute { user, audio } => seats.mute(&user, audio, now, out).map(done),
            Command::ChatSend(_)
            | Command::Like(_)
            | Command::GiftSend(_)
            | Command::PkInvite { .. }
            | Command::PkAccept(_)
            | Command::PkReject(_)
            | Command::PkCancel(_)
            | Command::PkEnd(_)
            | Command::SaleAnnounce(_)
            | Command::SaleCancel(_)
            | Command::OrderPlace(_)
            | Command::Giveaway(_)
            | Command::RoomEnd => unreachable!("only seat commands come here"),
        }
    }

    fn give(
        &mut self,
        member: &Member,
        order: &GiftOrder,
        now: ServerTime,
    ) -> Result<Reply, Rejected> {
        let to = order.to.clone().unwrap_or_else(|| self.id.clone());
        // A room that was only asked has not agreed to be in a battle.
        let in_battle = self.arena.view().is_some_and(|battle| {
            battle.state != BattleState::Inviting && battle.rooms.contains(&to)
        });
        if to != self.id && !in_battle {
            return Err(Rejected::PkState);
        }
        let coins = self.gifts.handle_gift(member, order, &to, now, &mut self.out)?;
        self.crowd.touch(now);
        if let Some(pk) = self.arena.scoring(now) {
            self.battle_board.give(pk, &to, member, coins);
        }
        let score = self.arena.handle_gift(&to, coins, now, &mut self.out);
        Ok(Reply::Gift { coins, score })
    }
}

fn done((): ()) -> Reply {
    Reply::Done
}
