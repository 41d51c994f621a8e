//! What back ends are told of a room's shop beside its flash sales: one letter for each step, however
//! often members are told what is left or how many have answered.

use ledger::Notice;
use room_rules::{
    AuctionEvent, AuctionState, AuctionView, CouponEvent, CouponState, CouponView, Event,
    OrderNews, ProductEvent, QuizEvent, QuizState, QuizView, ShopEvent,
};

use super::{Notices, data_of};

impl Notices {
    /// Returns what is told of something that every member hears.
    pub(super) fn of_shop(&mut self, news: &ShopEvent, event: &Event) -> Vec<Notice> {
        match news {
            ShopEvent::Auction(AuctionEvent::Updated(auction)) => self.of_auction(auction, event),
            ShopEvent::Product(news) => vec![self.of_product(news, event)],
            ShopEvent::Coupon(CouponEvent::Updated(coupon)) => self.of_coupon(coupon, event),
            ShopEvent::Quiz(QuizEvent::Updated(quiz)) => self.of_quiz(quiz, event),
            ShopEvent::Auction(
                AuctionEvent::Bids(_) | AuctionEvent::Outbid(_) | AuctionEvent::Won { .. },
            )
            | ShopEvent::Order(_)
            | ShopEvent::Coupon(CouponEvent::Claimed(_))
            | ShopEvent::Quiz(QuizEvent::Won { .. }) => Vec::new(),
        }
    }

    fn of_auction(&mut self, auction: &AuctionView, event: &Event) -> Vec<Notice> {
        let (kind, is_over) = match auction.state {
            AuctionState::Scheduled => return Vec::new(),
            AuctionState::Running | AuctionState::Closing => ("auction.opened", false),
            AuctionState::Sold | AuctionState::Unsold | AuctionState::Void => {
                ("auction.ended", true)
            }
        };
        self.once(auction.price.auction.as_str(), kind, is_over, event)
    }

    /// Members put a product where they are told, whether or not they have it; back ends hear which.
    fn of_product(&mut self, news: &ProductEvent, event: &Event) -> Notice {
        let kind = match news {
            ProductEvent::Updated { product, .. } => {
                let listed = "product.listed";
                match self.told.insert(product.product.to_string(), listed) {
                    None => listed,
                    Some(_) => "product.changed",
                }
            }
            ProductEvent::Removed(product) => {
                self.told.remove(product.as_str());
                "product.removed"
            }
            ProductEvent::Pinned(_) => "product.pinned",
            ProductEvent::Explained(_) => "product.explained",
        };
        self.make(kind, || data_of(event))
    }

    fn of_coupon(&mut self, coupon: &CouponView, event: &Event) -> Vec<Notice> {
        let (kind, is_over) = match coupon.state {
            CouponState::Counting => return Vec::new(),
            CouponState::Open => ("coupon.opened", false),
            CouponState::SoldOut | CouponState::Closed | CouponState::Cancelled => {
                ("coupon.ended", true)
            }
        };
        self.once(coupon.coupon.as_str(), kind, is_over, event)
    }

    fn of_quiz(&mut self, quiz: &QuizView, event: &Event) -> Vec<Notice> {
        let (kind, is_over) = match quiz.state {
            QuizState::Waiting | QuizState::Asking | QuizState::Closed | QuizState::Revealed => {
                ("quiz.opened", false)
            }
            QuizState::Over | QuizState::Cancelled => ("quiz.ended", true),
        };
        self.once(quiz.quiz.as_str(), kind, is_over, event)
    }
}

/// Returns what is told of something that one user hears, if anything is.
pub(super) const fn kind_for_one(news: &ShopEvent) -> Option<&'static str> {
    match news {
        ShopEvent::Order(OrderNews::Drawn(_)) => Some("order.accepted"),
        ShopEvent::Order(OrderNews::NotDrawn { .. } | OrderNews::CalledOff { .. }) => {
            Some("order.refused")
        }
        ShopEvent::Order(OrderNews::Paid { .. }) => Some("order.paid"),
        ShopEvent::Order(OrderNews::Expired { .. }) => Some("order.expired"),
        ShopEvent::Auction(AuctionEvent::Won { .. }) => Some("auction.won"),
        ShopEvent::Coupon(CouponEvent::Claimed(_)) => Some("coupon.claimed"),
        ShopEvent::Quiz(QuizEvent::Won { .. }) => Some("quiz.won"),
        ShopEvent::Auction(
            AuctionEvent::Updated(_) | AuctionEvent::Bids(_) | AuctionEvent::Outbid(_),
        )
        | ShopEvent::Product(_)
        | ShopEvent::Coupon(CouponEvent::Updated(_))
        | ShopEvent::Quiz(QuizEvent::Updated(_)) => None,
    }
}
