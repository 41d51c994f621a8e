//! What a bid must be answered, worked out from all that was ever bid.

use std::collections::BTreeMap;

use room_rules::{AuctionId, Rejected, Reply};

/// Everything that was ever bid: who, how high at most, and what was bid at once.
pub(crate) struct AuctionModel {
    pub(crate) id: AuctionId,
    pub(crate) start_at: u64,
    pub(crate) end_at: u64,
    pub(crate) soft: Option<(u64, u64, u32, Option<u64>)>,
    pub(crate) extensions: u32,
    pub(crate) reserve: Option<u64>,
    pub(crate) bids: Vec<(&'static str, u64)>,
    pub(crate) price: u64,
    pub(crate) count: u64,
    pub(crate) keys: BTreeMap<(&'static str, u8), Reply>,
    pub(crate) is_void: bool,
}

const STEP: u64 = 100;

impl AuctionModel {
    /// The highest highest bid; of equal ones the earliest.
    pub(crate) fn leader(&self) -> Option<(&'static str, u64)> {
        let best = self.bids.iter().map(|(_, max)| *max).max()?;
        self.bids.iter().find(|(_, max)| *max == best).copied()
    }

    fn best_of_others(&self, leader: &str) -> Option<u64> {
        self.bids.iter().filter(|(user, _)| *user != leader).map(|(_, max)| *max).max()
    }

    pub(crate) fn next(&self) -> u64 {
        if self.bids.is_empty() { 100 } else { self.price + STEP }
    }

    pub(crate) fn expect(
        &self,
        user: &str,
        bid: u64,
        max: Option<u64>,
        now: u64,
    ) -> Option<Rejected> {
        if self.is_void || now >= self.end_at {
            return Some(Rejected::Closed("auction"));
        }
        if now < self.start_at {
            return Some(Rejected::NotOpen { opens_in_ms: self.start_at - now });
        }
        if let Some((leader, best)) = self.leader()
            && leader == user
        {
            return max.is_none_or(|max| max <= best).then_some(Rejected::SelfOutbid);
        }
        (bid < self.next()).then_some(Rejected::BidTooLow { min: self.next() })
    }

    /// Takes a bid; returns what the test counts it as.
    pub(crate) fn take(&mut self, user: &'static str, bid: u64, max: Option<u64>) -> &'static str {
        let before = self.leader();
        let max = max.unwrap_or(bid).max(bid);
        self.bids.push((user, max));
        self.count += 1;
        let (leader, best) = self.leader().unwrap();
        let raised = before.is_some_and(|(before, _)| before == user);
        if !raised {
            // The least that keeps the leader in the lead, and no less than anybody has bid.
            let to_beat = self.best_of_others(leader).map_or(0, |others| others + STEP);
            self.price = self.price.max(bid).max(to_beat.min(best));
        }
        if self.reserve.is_some_and(|reserve| best >= reserve) {
            self.price = self.price.max(self.reserve.unwrap());
        }
        match (raised, leader == user) {
            (true, _) => "raised",
            (false, true) => "leads",
            (false, false) if best == max => "tie",
            (false, false) => "beaten",
        }
    }

    /// Puts the end off as announced; returns what the test counts it as.
    pub(crate) fn put_off(&mut self, now: u64) -> Option<&'static str> {
        let (window, extension, most, hard_end) = self.soft?;
        if self.end_at - now > window {
            return None;
        }
        if self.extensions >= most {
            return Some("no extension left");
        }
        let end = (now + extension).min(hard_end.unwrap_or(u64::MAX));
        if end <= self.end_at {
            return (hard_end == Some(self.end_at)).then_some("at the hard end");
        }
        self.end_at = end;
        self.extensions += 1;
        Some("extended")
    }
}
