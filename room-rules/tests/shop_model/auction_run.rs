//! Auctioneers, bidders and crashes at random, and what each was answered.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use room_rules::{
    AuctionCommand, AuctionDuration, AuctionEnding, AuctionReply, AuctionState, Command, LogPage,
    Rejected, Reply, Role, ShopCommand, ShopReply, SoftClose,
};

use crate::USERS;
use crate::auction_model::AuctionModel;
use crate::world::{DAWN, World, amount, auction_offer, bid};

pub(crate) struct AuctionRun {
    seed: u64,
    rng: Rng,
    world: World,
    auctions: Vec<AuctionModel>,
    reached: BTreeMap<&'static str, u64>,
}

impl AuctionRun {
    pub(crate) fn new(seed: u64) -> Self {
        let world = World::new(&["a"]);
        let rng = Rng::with_seed(seed);
        Self { seed, rng, world, auctions: Vec::new(), reached: BTreeMap::new() }
    }

    fn count(&mut self, outcome: &'static str) {
        *self.reached.entry(outcome).or_default() += 1;
    }

    pub(crate) fn step(&mut self) {
        self.pass_time();
        match self.rng.u8(0..60) {
            0..=1 => self.open(),
            2 if self.rng.bool() => self.cancel(),
            3 if self.rng.bool() => {
                self.world.crash("a", &mut self.rng);
                self.count("crash");
            }
            _ => self.bid(),
        }
    }

    fn pass_time(&mut self) {
        let now = self.world.now;
        let edges = self.auctions.iter().flat_map(|auction| {
            let window = auction.soft.map_or(0, |(window, ..)| window);
            [auction.start_at, auction.end_at - window, auction.end_at]
        });
        let near: Vec<u64> = edges.filter(|edge| (now..now + 12_000).contains(edge)).collect();
        let span = match (self.rng.u8(0..12), near.is_empty()) {
            (0..=5, _) => self.rng.u64(0..60),
            (6..=8, _) | (_, true) => self.rng.u64(0..900),
            (_, false) => {
                let edge = near[self.rng.usize(0..near.len())] + self.rng.u64(0..3);
                edge.saturating_sub(1).max(now) - now
            }
        };
        if self.rng.bool() {
            self.world.run_for(span);
        } else {
            self.world.now += span;
        }
    }

    fn open(&mut self) {
        let now = self.world.now;
        let running = |auction: &&AuctionModel| !auction.is_void && now < auction.end_at;
        if self.auctions.iter().filter(running).count() >= 2 || self.auctions.len() >= 9 {
            return;
        }
        let mut offer = auction_offer();
        let lead = [0, self.rng.u64(2_000..4_000)][self.rng.usize(0..2)];
        let long = self.rng.u32(5_000..20_000);
        let reserve = self.rng.bool().then(|| self.rng.u64(100..3_000));
        let millis = Duration::from_millis;
        let soft = (self.rng.u8(0..4) > 0).then(|| {
            let limit = self.rng.bool().then(|| self.rng.u64(5_000..30_000));
            (self.rng.u64(1_000..8_000), self.rng.u64(1_000..8_000), self.rng.u32(1..5), limit)
        });
        offer.lead = millis(lead);
        offer.open_for = AuctionDuration::new(long).unwrap();
        offer.reserve = reserve.map(amount);
        offer.ending =
            soft.map_or(AuctionEnding::SuddenDeath, |(window, extension, most, limit)| {
                let limit = limit.map(millis);
                AuctionEnding::Soft(
                    SoftClose::new(millis(window), millis(extension), most, limit).unwrap(),
                )
            });
        let open = of_auction(AuctionCommand::Open(Box::new(offer)));
        let reply = self.world.command_by("a", "host", Role::Host, open);
        let Ok(Reply::Shop(ShopReply::Auction(AuctionReply::Opened { auction: id, .. }))) = reply
        else {
            return;
        };
        let start_at = now + lead;
        let soft = soft.map(|(window, extension, most, limit)| {
            (window, extension, most, limit.map(|limit| start_at + limit))
        });
        let hard_end = soft.and_then(|(.., hard_end)| hard_end).unwrap_or(u64::MAX);
        self.auctions.push(AuctionModel {
            id,
            start_at,
            end_at: (start_at + u64::from(long)).min(hard_end),
            soft,
            extensions: 0,
            reserve,
            bids: Vec::new(),
            price: 0,
            count: 0,
            keys: BTreeMap::new(),
            is_void: false,
        });
    }

    fn bid(&mut self) {
        let Some(index) = self.auctions.len().checked_sub(1) else { return };
        let index = index - self.rng.usize(0..=index.min(1));
        let user = USERS[self.rng.usize(0..USERS.len())];
        let (key, now) = (self.rng.u8(0..30), self.world.now);
        let auction = &mut self.auctions[index];
        let best = auction.leader().map_or(100, |(_, best)| best);
        let offered = match self.rng.u8(0..8) {
            0 => auction.next().saturating_sub(1),
            1..=4 => auction.next(),
            _ => auction.next() + self.rng.u64(0..500),
        };
        let max = match self.rng.u8(0..6) {
            0 | 1 => None,
            2 | 3 => Some(best.max(offered)),
            _ => Some(offered + self.rng.u64(0..900)),
        };
        let place = bid(&auction.id, offered, max, &format!("a{index}-{key}"));
        let reply = self.world.command_by("a", user, Role::Viewer, place);
        let context = format!(
            "seed {}, auction {index}, {user} bids {offered} {max:?} at {}",
            self.seed,
            now - DAWN
        );
        if let Some(before) = auction.keys.get(&(user, key)) {
            assert!(
                reply.as_ref() == Ok(before) || reply == Err(Rejected::IdempotencyMismatch),
                "{context}"
            );
            self.count("repeat");
            return;
        }
        if reply == Err(Rejected::RateLimited) {
            return;
        }
        if let Some(rejected) = auction.expect(user, offered, max, now) {
            assert_eq!(reply, Err(rejected), "{context}");
            self.count(match rejected {
                Rejected::SelfOutbid => "self",
                Rejected::BidTooLow { .. } => "low",
                Rejected::NotOpen { .. } => "early",
                _ => "closed",
            });
            return;
        }
        assert!(now >= auction.start_at && now < auction.end_at, "{context}: out of time");
        let answer = reply.unwrap_or_else(|error| panic!("{context}: {error}"));
        let Reply::Shop(ShopReply::Auction(AuctionReply::Bid(placed))) = &answer else {
            panic!("{context}: {answer:?}");
        };
        let outcome = auction.take(user, offered, max);
        let put_off = auction.put_off(now);
        let (leader, best) = auction.leader().unwrap();
        assert_eq!(placed.leading, leader == user, "{context}");
        assert_eq!((placed.bid, placed.price), (auction.count, amount(auction.price)), "{context}");
        assert_eq!(placed.end_at.unix_millis(), auction.end_at, "{context}");
        assert!(auction.price <= best, "{context}: nobody pays more than they said");
        auction.keys.insert((user, key), answer);
        self.count(outcome);
        if let Some(put_off) = put_off {
            self.count(put_off);
        }
    }

    fn cancel(&mut self) {
        let Some(auction) = self.auctions.last_mut() else { return };
        let role = [Role::Host, Role::Admin, Role::Viewer][self.rng.usize(0..3)];
        let is_over = auction.is_void || self.world.now >= auction.end_at;
        let may = match role {
            Role::Admin => !is_over,
            Role::Host => !is_over && auction.count == 0,
            _ => false,
        };
        let cancel = of_auction(AuctionCommand::Cancel(auction.id.clone()));
        let reply = self.world.command_by("a", "boss", role, cancel);
        assert_eq!(reply.is_ok(), may, "seed {}: {role:?} {reply:?}", self.seed);
        if may {
            auction.is_void = true;
            self.count("void");
        }
    }

    pub(crate) fn finish(mut self) -> BTreeMap<&'static str, u64> {
        self.world.run_for(200_000);
        for index in 0..self.auctions.len() {
            let auction = &self.auctions[index];
            let log = self.world.room("a").auction_log(&auction.id, LogPage::default()).unwrap();
            let met = auction.reserve.is_none_or(|reserve| auction.price >= reserve);
            let state = match (auction.is_void, auction.count) {
                (true, _) => AuctionState::Void,
                (false, 0) => AuctionState::Unsold,
                (false, _) if met => AuctionState::Sold,
                (false, _) => AuctionState::Unsold,
            };
            let price = &log.auction.price;
            let context = format!("seed {}: {}", self.seed, auction.id);
            assert_eq!(log.auction.state, state, "{context}");
            assert_eq!(
                (price.bids, price.extensions),
                (auction.count, auction.extensions),
                "{context}"
            );
            assert_eq!(price.end_at.unix_millis(), auction.end_at, "{context}");
            let outcome = match (state, auction.reserve) {
                (AuctionState::Sold, None) => "sold",
                (AuctionState::Sold, Some(_)) => "reserve",
                (AuctionState::Unsold, _) => "unsold",
                _ => continue,
            };
            self.count(outcome);
        }
        self.reached
    }
}

fn of_auction(command: AuctionCommand) -> Command {
    Command::Shop(ShopCommand::Auction(command))
}
