//! What the fixtures of sales and auctions stand for.

use std::time::Duration;

use room_rules::{
    Amount, AuctionCommand, AuctionDuration, AuctionEnding, AuctionId, AuctionOffer, BidRequest,
    BidStep, BidSteps, Command, Currency, DrawWindow, IdemKey, OrderId, PayWindow, Quantity,
    SaleCommand, SaleDuration, SaleId, SaleOffer, SalePolicy, SaleTerms, ShopCommand, SoftClose,
    StockCount, Title,
};

pub(crate) fn commands() -> Vec<(&'static str, Command)> {
    let sale = || SaleId::parse("a-1-sale2").unwrap();
    let of_sale = |command| Command::Shop(ShopCommand::Sale(command));
    let of_auction = |command| Command::Shop(ShopCommand::Auction(command));
    let auction = || AuctionId::parse("a-1-auction1").unwrap();
    let bid = |max: Option<u64>, key: &str| BidRequest {
        auction: auction(),
        amount: amount(1_500),
        max: max.map(amount),
        idem: IdemKey::parse(key).unwrap(),
    };
    let lead = Duration::from_secs(5);
    vec![
        ("sale.announce with a draw", Command::SaleAnnounce(drawn())),
        ("sale.announce at once", Command::SaleAnnounce(at_once())),
        ("sale.draft", of_sale(SaleCommand::Draft(Box::new(offer(lottery(1_000)))))),
        ("sale.arm", of_sale(SaleCommand::Arm { sale: sale(), lead })),
        ("sale.postpone", of_sale(SaleCommand::Postpone { sale: sale(), by: 2 * lead })),
        ("sale.pause", of_sale(SaleCommand::Pause(sale()))),
        ("sale.resume", of_sale(SaleCommand::Resume(sale()))),
        ("sale.close", of_sale(SaleCommand::Close(sale()))),
        ("order.paid", of_sale(SaleCommand::Paid(OrderId::parse("a-1-sale2-17").unwrap()))),
        ("auction.open", of_auction(AuctionCommand::Open(Box::new(long_auction())))),
        (
            "auction.open with the usual terms",
            of_auction(AuctionCommand::Open(Box::new(plain_auction()))),
        ),
        (
            "auction.open to a sudden death",
            of_auction(AuctionCommand::Open(Box::new(AuctionOffer {
                ending: AuctionEnding::SuddenDeath,
                ..plain_auction()
            }))),
        ),
        ("auction.cancel", of_auction(AuctionCommand::Cancel(auction()))),
        ("bid.place", of_auction(AuctionCommand::Bid(bid(Some(2_000), "b-1")))),
        ("bid.place without a highest bid", of_auction(AuctionCommand::Bid(bid(None, "b-2")))),
    ]
}

fn lottery(window_ms: u32) -> SaleTerms {
    let window = DrawWindow::new(window_ms).unwrap();
    // The seed is not the client's to choose.
    SaleTerms { policy: SalePolicy::LotteryWindow { window, seed: None }, ..SaleTerms::default() }
}

fn drawn() -> SaleOffer {
    let pay_within = PayWindow::new(300_000);
    offer(SaleTerms { pay_within, hides_buyers: true, ..lottery(500) })
}

fn at_once() -> SaleOffer {
    let terms = SaleTerms { immediate: true, ..SaleTerms::default() };
    SaleOffer { lead: Duration::ZERO, ..offer(terms) }
}

fn offer(terms: SaleTerms) -> SaleOffer {
    SaleOffer {
        title: Title::parse("口红").unwrap(),
        sku: Title::parse("L-1").unwrap(),
        product: None,
        price_cents: 990,
        stock: StockCount::new(100).unwrap(),
        per_user: Quantity::new(1).unwrap(),
        lead: Duration::from_secs(3),
        open_for: SaleDuration::new(60_000).unwrap(),
        terms,
    }
}

fn plain_auction() -> AuctionOffer {
    AuctionOffer {
        title: Title::parse("花瓶").unwrap(),
        sku: Title::parse("V-1").unwrap(),
        currency: Currency::CNY,
        start_price: amount(100),
        reserve: None,
        steps: BidSteps::default(),
        lead: Duration::from_secs(3),
        open_for: AuctionDuration::new(60_000).unwrap(),
        ending: AuctionEnding::Soft(SoftClose::default()),
    }
}

fn long_auction() -> AuctionOffer {
    let step = |from, step| BidStep { from: amount(from), step: amount(step) };
    let seconds = Duration::from_secs;
    let soft = SoftClose::new(seconds(5), seconds(7), 3, Some(seconds(120))).unwrap();
    AuctionOffer {
        currency: Currency::parse("USD").unwrap(),
        reserve: Some(amount(5_000)),
        steps: BidSteps::new(&[step(0, 100), step(10_000, 500)]).unwrap(),
        lead: Duration::ZERO,
        open_for: AuctionDuration::new(30_000).unwrap(),
        ending: AuctionEnding::Soft(soft),
        ..plain_auction()
    }
}

fn amount(minor: u64) -> Amount {
    Amount::new(minor).unwrap()
}
