//! What somebody looks at in a room without changing it.

use room_rules::{
    AuctionId, AuctionLog, CouponId, CouponRecord, Leaders, LogPage, LotteryId, LotteryRecord,
    PacketId, PacketRecord, ProductRecord, QuizId, QuizRecord, SaleId, SaleLog,
};

use crate::Answer;

/// What somebody looks at.
#[derive(Debug)]
pub enum LookRequest {
    /// What the room's figures were over time.
    Stats {
        /// Points after this moment, in Unix milliseconds.
        after: u64,
        /// How many points at most.
        count: usize,
        /// Receives them, oldest first.
        reply: Answer<Vec<wire_format::StatsPoint>>,
    },
    /// Who gave most.
    Leaders {
        /// How many are to be named at most.
        count: usize,
        /// Receives the leaderboards.
        reply: Answer<Leaders>,
    },
    /// What was ordered in a sale.
    Orders {
        /// Which.
        sale: SaleId,
        /// Which of the orders.
        page: LogPage,
        /// Receives the sale and its orders.
        reply: Answer<SaleLog>,
    },
    /// What was bid in an auction.
    Bids {
        /// Which.
        auction: AuctionId,
        /// Which of the bids.
        page: LogPage,
        /// Receives the auction and its bids.
        reply: Answer<AuctionLog>,
    },
    /// What came of a red packet.
    Packet {
        /// Which.
        packet: PacketId,
        /// Receives who got what of it.
        reply: Answer<PacketRecord>,
    },
    /// What came of a lottery.
    Lottery {
        /// Which.
        lottery: LotteryId,
        /// Receives what is needed to do its draw again.
        reply: Answer<LotteryRecord>,
    },
    /// What the host sells, and when they spoke about it.
    Products {
        /// Receives it.
        reply: Answer<ProductRecord>,
    },
    /// Who has a coupon.
    Coupon {
        /// Of which kind.
        coupon: CouponId,
        /// Which of them.
        page: LogPage,
        /// Receives the coupons and who has one.
        reply: Answer<CouponRecord>,
    },
    /// How a quiz came out.
    Quiz {
        /// Which.
        quiz: QuizId,
        /// Which of its winners.
        page: LogPage,
        /// Receives the quiz and its winners.
        reply: Answer<QuizRecord>,
    },
}
