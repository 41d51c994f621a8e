//! The auctions of a room.

use std::time::Duration;

use crate::announcer::Announcer;
use crate::auction::Auction;
use crate::id::{Kind, Mint};
use crate::pace::Pace;
use crate::shelf::Shelf;
use crate::shop::ShopReply;
use crate::{
    Amount, AuctionCommand, AuctionId, AuctionLog, AuctionReply, AuctionView, Countdown, LogPage,
    Member, OrderId, Rejected, Reply, ServerTime, UserId,
};

const RUNNING_MAX: usize = 5;
/// Auctions that are over and still shown; their bids are still answered the same way.
const OVER_KEPT: usize = 10;
const BID_INTERVAL: Duration = Duration::from_millis(200);
const BID_BURST: u32 = 10;

#[derive(Debug)]
pub(crate) struct Auctions {
    auctions: Shelf<Auction>,
    bid_pace: Pace,
}

impl Auctions {
    pub(crate) fn new() -> Self {
        Self {
            auctions: Shelf::new(RUNNING_MAX, OVER_KEPT),
            bid_pace: Pace::new(BID_INTERVAL, BID_BURST),
        }
    }

    pub(crate) fn handle_command(
        &mut self,
        member: &Member,
        command: &AuctionCommand,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        let reply = match command {
            AuctionCommand::Open(offer) => {
                self.auctions.expect_room()?;
                let id = AuctionId::made(&mint.make(Kind::Auction, now));
                let order = OrderId::made(&mint.make(Kind::Order, now));
                let auction = Auction::open(id.clone(), order, offer, now, out)?;
                let (start_at, end_at) = (auction.view().start_at, auction.view().price.end_at);
                self.auctions.push(auction);
                AuctionReply::Opened { auction: id, start_at, end_at }
            }
            AuctionCommand::Bid(bid) => {
                if !self.bid_pace.allow(&member.user, now) {
                    return Err(Rejected::RateLimited);
                }
                let auction = self.auctions.find(&bid.auction, "auction")?;
                AuctionReply::Bid(auction.handle_bid(member, bid, now, out)?)
            }
            AuctionCommand::Cancel(id) => {
                self.auctions.find(id, "auction")?.cancel(member, now, out)?;
                return Ok(Reply::Done);
            }
        };
        Ok(Reply::Shop(ShopReply::Auction(reply)))
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        self.auctions.handle_end(now, out);
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.auctions.handle_timeout(now, out);
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.auctions.poll_timeout()
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = &AuctionView> {
        self.auctions.iter().map(Auction::view)
    }

    pub(crate) fn countdowns(&self) -> impl Iterator<Item = &Countdown> {
        self.auctions.countdowns()
    }

    pub(crate) fn log(&self, id: &AuctionId, page: LogPage) -> Option<AuctionLog> {
        let auction = self.auctions.iter().find(|auction| auction.view().price.auction == *id)?;
        // The oldest may be forgotten; a page goes on where the last one ended all the same.
        let forgotten = auction.log().next().map_or(0, |bid| bid.bid.saturating_sub(1));
        let forgotten = usize::try_from(forgotten).unwrap_or(usize::MAX);
        let page = LogPage { skip: page.skip.saturating_sub(forgotten) };
        Some(AuctionLog { auction: auction.view().clone(), bids: page.of(auction.log()) })
    }

    /// Returns which auctions `user` leads, and how far the room would bid on their behalf.
    pub(crate) fn led_by<'a>(
        &'a self,
        user: &'a UserId,
    ) -> impl Iterator<Item = (&'a AuctionId, Amount)> {
        let lead =
            |auction: &'a Auction| Some((&auction.view().price.auction, auction.lead_of(user)?));
        self.auctions.iter().filter_map(lead)
    }
}
