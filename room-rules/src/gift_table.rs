//! Gifts given in this room: counted into combos, totals and the leaderboard at once, and told in
//! batches.

use std::sync::Arc;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::combo::{Combos, Giving};
use crate::gift_batch::GiftBatch;
use crate::leaderboard::Leaderboard;
use crate::pace::Pace;
use crate::{Contributor, GiftCatalog, GiftOrder, Member, Rejected, RoomId, ServerTime, UserId};

const INTERVAL: Duration = Duration::from_millis(50);
const BURST: u32 = 40;

#[derive(Debug)]
pub(crate) struct GiftTable {
    catalog: GiftCatalog,
    pace: Pace,
    combos: Combos,
    batch: GiftBatch,
    totals: GiftTotals,
    leaderboard: Leaderboard,
    /// Counts gifts, so that it is known who got where first.
    turn: u64,
}

/// What was given since the room was created.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GiftTotals {
    pub(crate) gifts: u64,
    pub(crate) coins: u64,
}

impl GiftTable {
    pub(crate) fn new(catalog: GiftCatalog) -> Self {
        Self {
            catalog,
            pace: Pace::new(INTERVAL, BURST),
            combos: Combos::default(),
            batch: GiftBatch::new(),
            totals: GiftTotals::default(),
            leaderboard: Leaderboard::default(),
            turn: 0,
        }
    }

    /// Gives the gift to `to`; returns what it costs.
    pub(crate) fn handle_gift(
        &mut self,
        member: &Member,
        order: &GiftOrder,
        to: &RoomId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<u64, Rejected> {
        let gift = self.catalog.find(&order.gift).ok_or(Rejected::NotFound("gift"))?;
        let (coins, level) = (gift.coins * u64::from(order.count.number()), gift.level);
        if !self.pace.allow(&member.user, now) {
            return Err(Rejected::RateLimited);
        }
        let count = order.count.number();
        let giving = Giving { user: member.user.clone(), gift: order.gift.clone(), to: to.clone() };
        let (combo, crowded_out) = self.combos.give(giving, member, count, now);
        if let Some(crowded_out) = crowded_out {
            self.batch.end(&crowded_out, now, out);
        }
        self.batch.give(&combo, level, count, coins, now, out);
        self.totals.gifts += u64::from(count);
        self.totals.coins += coins;
        self.turn += 1;
        self.leaderboard.give(&member.user, &member.name, coins, self.turn);
        Ok(coins)
    }

    /// Ends combos and tells batches one after another, each at the moment it was due.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        while let Some(due) = self.poll_timeout()
            && due <= now
        {
            while let Some(over) = self.combos.take_ended(due) {
                self.batch.end(&over, due, out);
            }
            self.batch.handle_timeout(due, out);
        }
        self.check();
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        [self.combos.poll_timeout(), self.batch.poll_timeout()].into_iter().flatten().min()
    }

    /// Tells what is left to tell, because the room ends.
    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        while let Some(due) = self.combos.poll_timeout() {
            let over = self.combos.take_ended(due).expect("it is due then");
            self.batch.end(&over, now, out);
        }
        self.batch.handle_end(now, out);
    }

    pub(crate) const fn totals(&self) -> GiftTotals {
        self.totals
    }

    /// Returns how many users gave something, as far as they are ranked.
    pub(crate) fn senders(&self) -> usize {
        self.leaderboard.len()
    }

    /// Returns the `count` users who gave most, best first.
    pub(crate) fn top(&self, count: usize) -> Vec<Contributor> {
        let contributor = |(user, name, coins): (&UserId, &Arc<str>, u64)| Contributor {
            user: user.clone(),
            name: name.clone(),
            coins,
        };
        self.leaderboard.top(count).map(contributor).collect()
    }

    fn check(&self) {
        self.combos.check();
        self.leaderboard.check();
        assert!(self.totals.gifts <= self.totals.coins, "no gift is free");
    }
}
