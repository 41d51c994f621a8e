//! What others see of a room.

use super::Room;
use crate::{
    AuctionId, AuctionLog, Capability, CouponId, CouponRecord, Leaders, LogPage, LotteryId,
    LotteryRecord, Member, PacketId, PacketRecord, Performer, ProductRecord, QuizId, QuizRecord,
    Reactions, RoomId, RoomView, SaleId, SaleLog, SeatIndex, ServerTime, Snapshot,
};

/// How many of a leaderboard are told with every change; who wants more asks.
const TOP_TOLD: usize = 3;

impl Room {
    /// Returns whether several rooms' hosts share the screen.
    pub fn is_in_battle(&self) -> bool {
        self.arena.versus().is_some()
    }

    /// Returns who is on screen, in drawing order: in a battle the hosts, the inviter's first, so
    /// that all rooms show the same picture, otherwise everyone who is on air here, by seat.
    pub fn stage(&self) -> Vec<Performer> {
        if let Some(hosts) = self.arena.versus() {
            return hosts.into_iter().map(|(room, host)| performer(room, host)).collect();
        }
        self.seats
            .on_air()
            .map(|(seat, sitter)| Performer {
                room: self.id.clone(),
                user: sitter.user.clone(),
                name: sitter.name.clone(),
                seat,
                muted: self.seats.silence_of(&sitter.user).audio,
            })
            .collect()
    }

    /// Returns the room as the list of rooms shows it at `now`.
    pub fn view(&mut self, now: ServerTime) -> RoomView {
        self.advance(now);
        RoomView {
            room: self.id.clone(),
            title: self.title.clone(),
            state: self.state,
            hidden: self.config.hidden,
            tags: self.config.tags.clone(),
            host: self.host.as_ref().map(|host| &host.user).or(self.host_seen.as_ref()).cloned(),
            seats: self.seats.views(),
            stage: self.stage(),
            battle: self.arena.view().cloned(),
            online: self.crowd.online(),
        }
    }

    /// Returns a red packet that is shown still, and who got what of it.
    pub fn packet(&self, id: &PacketId) -> Option<PacketRecord> {
        self.giveaways.packet(id)
    }

    /// Returns a lottery that is shown still, with what is needed to do its draw again.
    pub fn lottery(&self, id: &LotteryId) -> Option<LotteryRecord> {
        self.giveaways.lottery(id)
    }

    /// Returns coupons that are shown still, and a page of those who have one.
    pub fn coupon(&self, id: &CouponId, page: LogPage) -> Option<CouponRecord> {
        self.shop.coupon(id, page)
    }

    /// Returns a quiz that is shown still, with what is told of it and a page of its winners.
    pub fn quiz(&self, id: &QuizId, page: LogPage) -> Option<QuizRecord> {
        self.shop.quiz(id, page)
    }

    /// Returns the products, and which of them were spoken about when.
    pub fn products(&self) -> ProductRecord {
        self.shop.products()
    }

    /// Returns the first `count` of each leaderboard.
    pub fn leaders(&self, count: usize) -> Leaders {
        let totals = self.gifts.totals();
        Leaders {
            gifts: totals.gifts,
            coins: totals.coins,
            senders: self.gifts.senders() as u64,
            top: self.gifts.top(count),
            battle: self.arena.top(count),
        }
    }

    /// Returns what was decided in a sale, if it is remembered.
    pub fn sale_log(&self, sale: &SaleId, page: LogPage) -> Option<SaleLog> {
        self.shop.sale_log(sale, page)
    }

    /// Returns what was bid in an auction, if it is remembered.
    pub fn auction_log(&self, auction: &AuctionId, page: LogPage) -> Option<AuctionLog> {
        self.shop.auction_log(auction, page)
    }

    pub(super) fn snapshot(&self, you: Member, now: ServerTime) -> Snapshot {
        let mut wishes = self.seats.wishes();
        if !you.may(Capability::GrantSeat) {
            wishes.retain(|wish| wish.user == you.user);
        }
        Snapshot {
            settings: self.settings(),
            wishes,
            moderation: you.may(Capability::Moderate).then(|| self.moderation.view()),
            muted: self.moderation.mute_of(&you),
            room: self.id.clone(),
            title: self.title.clone(),
            state: self.state,
            seats: self.seats.views(),
            stage: self.stage(),
            battle: self.arena.view().cloned(),
            sales: self.shop.sales().cloned().collect(),
            packets: self.giveaways.packets().cloned().collect(),
            lotteries: self.giveaways.lotteries().cloned().collect(),
            shop: self.shop.view(&you),
            countdowns: self
                .shop
                .countdowns()
                .chain(self.giveaways.countdowns())
                .chain(self.arena.countdown())
                .cloned()
                .collect(),
            chat: self.chat.lines().cloned().collect(),
            questions: self.chat.questions.views().cloned().collect(),
            reactions: self.reactions(),
            you,
            at: now,
            watermarks: self.out.watermarks(),
        }
    }

    pub(super) fn reactions(&self) -> Reactions {
        let totals = self.gifts.totals();
        Reactions {
            online: self.crowd.online(),
            likes: self.crowd.likes(),
            gifts: totals.gifts,
            coins: totals.coins,
            senders: self.gifts.senders() as u64,
            top: self.gifts.top(TOP_TOLD),
        }
    }
}

fn performer(room: &RoomId, host: &Member) -> Performer {
    Performer {
        room: room.clone(),
        user: host.user.clone(),
        name: host.name.clone(),
        seat: SeatIndex::HOST,
        muted: false,
    }
}
