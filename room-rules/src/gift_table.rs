//! Gifts given in this room: each once, however often it is sent, and counted into combos.

use std::collections::HashMap;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::answered::Answered;
use crate::pace::Pace;
use crate::{
    EventBody, GiftGiven, GiftKind, GiftOrder, Member, Rejected, Reply, RoomId, ServerTime, UserId,
};

/// A combo goes on as long as no pause is longer than this.
const COMBO_PAUSE: Duration = Duration::from_secs(3);
const COMBOS_MAX: usize = 4_096;
/// Half an hour of a room that gets ten gifts a second.
const ANSWERS_KEPT: usize = 20_000;
const INTERVAL: Duration = Duration::from_millis(50);
const BURST: u32 = 40;

#[derive(Debug)]
pub(crate) struct GiftTable {
    answered: Answered<GiftOrder, Reply>,
    pace: Pace,
    /// Full: combos that are over are forgotten, then all of them; the next gift starts at its own count.
    combos: HashMap<(UserId, GiftKind, RoomId), Combo>,
}

#[derive(Debug)]
struct Combo {
    count: u64,
    until: ServerTime,
}

impl GiftTable {
    pub(crate) fn new() -> Self {
        Self {
            answered: Answered::new(ANSWERS_KEPT),
            pace: Pace::new(INTERVAL, BURST),
            combos: HashMap::new(),
        }
    }

    /// Returns the answer a repeated gift got the first time.
    pub(crate) fn find(
        &self,
        member: &Member,
        order: &GiftOrder,
    ) -> Result<Option<Reply>, Rejected> {
        self.answered.find(&member.user, &order.idem, order)
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
        if !self.pace.allow(&member.user, now) {
            return Err(Rejected::RateLimited);
        }
        let coins = order.gift.coins() * u64::from(order.count.number());
        let combo = self.combo(member, order, to, now);
        out.broadcast(
            EventBody::Gift(GiftGiven {
                user: member.user.clone(),
                name: member.name.clone(),
                gift: order.gift,
                count: order.count.number(),
                to: to.clone(),
                coins,
                combo,
            }),
            now,
        );
        Ok(coins)
    }

    /// Remembers how a gift was answered.
    pub(crate) fn remember(&mut self, member: &Member, order: GiftOrder, reply: Reply) {
        let key = order.idem.clone();
        self.answered.insert(&member.user, &key, order, reply);
    }

    fn combo(&mut self, member: &Member, order: &GiftOrder, to: &RoomId, now: ServerTime) -> u64 {
        if self.combos.len() >= COMBOS_MAX {
            self.combos.retain(|_, combo| now <= combo.until);
            if self.combos.len() >= COMBOS_MAX {
                self.combos.clear();
            }
        }
        let id = (member.user.clone(), order.gift, to.clone());
        let combo = self.combos.entry(id).or_insert(Combo { count: 0, until: now });
        if now > combo.until {
            combo.count = 0;
        }
        combo.count += u64::from(order.count.number());
        combo.until = now + COMBO_PAUSE;
        combo.count
    }
}
