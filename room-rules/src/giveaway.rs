//! What a host gives away: red packets and lotteries, several of which may run at once.

pub(crate) mod command;
mod lottery;
mod red_packet;
mod shares;
pub(crate) mod view;

use std::time::Duration;

use crate::announcer::Announcer;
use crate::id::{Kind, Mint};
use crate::pace::Pace;
use crate::shelf::Shelf;
use crate::{
    Countdown, GiveawayCommand, GiveawayReply, LotteryId, LotteryRecord, LotteryView, Member,
    PacketId, PacketRecord, PacketView, Rejected, Reply, ServerTime,
};

use lottery::Lottery;
use red_packet::RedPacket;

const RUNNING_MAX: usize = 5;
/// Those that are over and still shown.
const OVER_KEPT: usize = 10;
const CLAIM_INTERVAL: Duration = Duration::from_millis(200);
const CLAIM_BURST: u32 = 10;

#[derive(Debug)]
pub(crate) struct Giveaways {
    packets: Shelf<RedPacket>,
    lotteries: Shelf<Lottery>,
    claim_pace: Pace,
    entry_pace: Pace,
}

impl Giveaways {
    pub(crate) fn new() -> Self {
        Self {
            packets: Shelf::new(RUNNING_MAX, OVER_KEPT),
            lotteries: Shelf::new(RUNNING_MAX, OVER_KEPT),
            claim_pace: Pace::new(CLAIM_INTERVAL, CLAIM_BURST),
            entry_pace: Pace::new(CLAIM_INTERVAL, CLAIM_BURST),
        }
    }

    pub(crate) fn handle_command(
        &mut self,
        member: &Member,
        command: &GiveawayCommand,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        const UNSEEDED: Rejected = Rejected::Conflict("the server put no seed in");
        let reply = match command {
            GiveawayCommand::PacketOpen(offer) => {
                self.packets.expect_room()?;
                let seed = offer.seed.ok_or(UNSEEDED)?;
                let id = PacketId::made(&mint.make(Kind::Packet, now));
                self.packets.push(RedPacket::open(id.clone(), offer, &seed, now, out));
                GiveawayReply::PacketOpened { packet: id, open_at: now + offer.lead }
            }
            GiveawayCommand::PacketClaim(claim) => {
                if !self.claim_pace.allow(&member.user, now) {
                    return Err(Rejected::RateLimited);
                }
                let packet = self.packets.find(&claim.packet, "red packet")?;
                GiveawayReply::Claimed(packet.handle_claim(member, claim, now, out)?)
            }
            GiveawayCommand::PacketCancel(id) => {
                self.packets.find(id, "red packet")?.cancel(now, out)?;
                return Ok(Reply::Done);
            }
            GiveawayCommand::LotteryOpen(offer) => {
                self.lotteries.expect_room()?;
                let seed = offer.seed.ok_or(UNSEEDED)?;
                let id = LotteryId::made(&mint.make(Kind::Lottery, now));
                let lottery = Lottery::open(id, offer, seed, now, out);
                let view = lottery.view().clone();
                self.lotteries.push(lottery);
                let LotteryView { lottery, close_at, draw_at, .. } = view;
                GiveawayReply::LotteryOpened { lottery, close_at, draw_at }
            }
            GiveawayCommand::LotteryEnter(entry) => {
                if !self.entry_pace.allow(&member.user, now) {
                    return Err(Rejected::RateLimited);
                }
                let lottery = self.lotteries.find(&entry.lottery, "lottery")?;
                let entries = lottery.handle_entry(member, entry, now)?;
                GiveawayReply::Entered { lottery: entry.lottery.clone(), entries }
            }
            GiveawayCommand::LotteryAbort(id) => {
                self.lotteries.find(id, "lottery")?.abort(now, out)?;
                return Ok(Reply::Done);
            }
        };
        Ok(Reply::Giveaway(reply))
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        self.packets.handle_end(now, out);
        self.lotteries.handle_end(now, out);
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.packets.handle_timeout(now, out);
        self.lotteries.handle_timeout(now, out);
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        [self.packets.poll_timeout(), self.lotteries.poll_timeout()].into_iter().flatten().min()
    }

    pub(crate) fn packets(&self) -> impl Iterator<Item = &PacketView> {
        self.packets.iter().map(RedPacket::view)
    }

    pub(crate) fn lotteries(&self) -> impl Iterator<Item = &LotteryView> {
        self.lotteries.iter().map(Lottery::view)
    }

    pub(crate) fn countdowns(&self) -> impl Iterator<Item = &Countdown> {
        self.packets.countdowns().chain(self.lotteries.countdowns())
    }

    /// Returns a red packet and who got what of it.
    pub(crate) fn packet(&self, id: &PacketId) -> Option<PacketRecord> {
        self.packets.iter().find(|packet| packet.view().packet == *id).map(RedPacket::record)
    }

    /// Returns a lottery and, once nobody can enter any more, who did.
    pub(crate) fn lottery(&self, id: &LotteryId) -> Option<LotteryRecord> {
        self.lotteries.iter().find(|lottery| lottery.view().lottery == *id).map(Lottery::record)
    }
}
