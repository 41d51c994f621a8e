//! What people ask for in tests, with the usual terms.

use std::time::Duration;

use room_rules::{
    Amount, AnswerWindow, AuctionCommand, AuctionDuration, AuctionEnding, AuctionId, AuctionOffer,
    BattleTerms, BidRequest, BidStep, BidSteps, ChatText, Command, CouponCount, CouponOffer,
    CouponTerms, CouponWorth, Currency, GiftCount, GiftId, GiftOrder, IdemKey, LotteryOffer,
    OrderRequest, PacketOffer, PacketSplit, PacketSum, ProductDetails, Quantity, QuizOffer,
    QuizQuestion, QuizQuestions, SaleDuration, SaleId, SaleOffer, SaleTerms, ShopCommand,
    SoftClose, StockCount, Suspense, WinnerCount,
};

use super::{room, title};

pub(crate) fn idem(text: &str) -> IdemKey {
    IdemKey::parse(text).unwrap()
}

pub(crate) fn chat(text: &str) -> Command {
    Command::ChatSend(ChatText::parse(text).unwrap())
}

pub(crate) fn terms(battle_s: u32, punish_s: u32) -> BattleTerms {
    BattleTerms::new(battle_s, punish_s).unwrap()
}

/// Three seconds of lead, ten seconds open.
pub(crate) fn offer(stock: u32, per_user: u32) -> SaleOffer {
    SaleOffer {
        title: title("Lipstick"),
        sku: title("L-1"),
        product: None,
        price_cents: 990,
        stock: StockCount::new(stock).unwrap(),
        per_user: Quantity::new(per_user).unwrap(),
        lead: Duration::from_secs(3),
        open_for: SaleDuration::new(10_000).unwrap(),
        terms: SaleTerms::default(),
    }
}

/// From 1.00 in steps of 1.00, three seconds of lead, a minute long, soft close.
pub(crate) fn auction_offer() -> AuctionOffer {
    let step = BidStep { from: amount(0), step: amount(100) };
    AuctionOffer {
        title: title("Vase"),
        sku: title("V-1"),
        currency: Currency::CNY,
        start_price: amount(100),
        reserve: None,
        steps: BidSteps::new(&[step]).unwrap(),
        lead: Duration::from_secs(3),
        open_for: AuctionDuration::new(60_000).unwrap(),
        ending: AuctionEnding::Soft(SoftClose::default()),
    }
}

pub(crate) fn amount(minor: u64) -> Amount {
    Amount::new(minor).unwrap()
}

pub(crate) fn bid(auction: &AuctionId, minor: u64, max: Option<u64>, key: &str) -> Command {
    let (amount, max) = (amount(minor), max.map(amount));
    let bid = BidRequest { auction: auction.clone(), amount, max, idem: idem(key) };
    Command::Shop(ShopCommand::Auction(AuctionCommand::Bid(bid)))
}

pub(crate) fn order(sale: &SaleId, quantity: u32, key: &str) -> Command {
    let quantity = Quantity::new(quantity).unwrap();
    Command::OrderPlace(OrderRequest { sale: sale.clone(), quantity, idem: idem(key) })
}

/// Three at once, for ten seconds.
pub(crate) fn coupons() -> CouponOffer {
    CouponOffer {
        terms: CouponTerms {
            title: title("Ten off"),
            worth: CouponWorth::Amount(amount(1_000)),
            min_spend: amount(0),
            currency: Currency::CNY,
            product: None,
            valid_for: None,
        },
        count: CouponCount::new(3).unwrap(),
        keyword: None,
        lead: Duration::ZERO,
        open_for: SaleDuration::new(10_000).unwrap(),
    }
}

/// Two questions, five seconds each and two of suspense.
pub(crate) fn quiz() -> QuizOffer {
    let question = || {
        let options = vec![title("A"), title("B")];
        QuizQuestion::new(ChatText::parse("Which?").unwrap(), options, 1).unwrap()
    };
    QuizOffer {
        title: title("Quiz"),
        questions: QuizQuestions::new(vec![question(), question()], 1).unwrap(),
        answer_within: AnswerWindow::new(5_000).unwrap(),
        suspense: Suspense::new(2_000).unwrap(),
        pot: Some((amount(100), Currency::CNY)),
    }
}

pub(crate) fn product() -> ProductDetails {
    ProductDetails {
        title: title("Pen"),
        sku: title("P-1"),
        price: amount(990),
        currency: Currency::CNY,
        stock: Some(7),
        image: None,
        url: None,
    }
}

/// Ten shares at once, to be claimed for ten seconds; without a seed.
pub(crate) fn packet() -> PacketOffer {
    PacketOffer {
        title: title("福气"),
        sum: PacketSum::new(100, 10, PacketSplit::Lucky).unwrap(),
        keyword: None,
        lead: Duration::ZERO,
        open_for: SaleDuration::new(10_000).unwrap(),
        seed: None,
    }
}

/// One winner after ten seconds and three more; without a seed.
pub(crate) fn lottery() -> LotteryOffer {
    LotteryOffer {
        title: title("抽奖"),
        prize: title("口红"),
        winners: WinnerCount::new(1).unwrap(),
        keyword: None,
        open_for: SaleDuration::new(10_000).unwrap(),
        suspense: Suspense::new(3_000).unwrap(),
        seed: None,
    }
}

pub(crate) fn gift(id: &str, to: Option<&str>, key: &str) -> Command {
    Command::GiftSend(GiftOrder {
        gift: GiftId::parse(id).unwrap(),
        count: GiftCount::new(1).unwrap(),
        to: to.map(room),
        idem: idem(key),
    })
}
