//! Everything a room sells or gives to be won.

use serde::{Deserialize, Serialize};

use crate::announcer::Announcer;
use crate::auctions::Auctions;
use crate::coupons::Coupons;
use crate::id::Mint;
use crate::products::Products;
use crate::quizzes::Quizzes;
use crate::sales::Sales;
use crate::{
    Amount, AuctionCommand, AuctionEvent, AuctionId, AuctionLog, AuctionReply, AuctionView,
    Capability, Countdown, CouponCommand, CouponEvent, CouponId, CouponRecord, CouponReply,
    CouponView, IdemKey, LogPage, Member, OrderNews, OrderQueued, OrderRequest, ProductCommand,
    ProductEvent, ProductList, ProductPlaced, ProductRecord, QuizCommand, QuizEvent, QuizId,
    QuizRecord, QuizReply, QuizView, Rejected, Reply, SaleCommand, SaleId, SaleLog, SaleOffer,
    SaleView, ServerTime, Stream, TicketId,
};

/// One thing that members ask where something is sold or to be won.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShopCommand {
    /// Of a flash sale.
    Sale(SaleCommand),
    /// Of an auction.
    Auction(AuctionCommand),
    /// Of the list of products.
    Product(ProductCommand),
    /// Of coupons.
    Coupon(CouponCommand),
    /// Of a quiz.
    Quiz(QuizCommand),
}

impl ShopCommand {
    pub(crate) const fn needs(&self) -> Capability {
        match self {
            Self::Sale(command) => command.needs(),
            Self::Auction(command) => command.needs(),
            Self::Product(_) => ProductCommand::needs(),
            Self::Coupon(command) => command.needs(),
            Self::Quiz(command) => command.needs(),
        }
    }

    /// Returns whether buyers send this, many at once, rather than the seller.
    pub const fn is_of_a_buyer(&self) -> bool {
        matches!(
            self,
            Self::Auction(AuctionCommand::Bid(_))
                | Self::Coupon(CouponCommand::Claim(_))
                | Self::Quiz(QuizCommand::Answer(_))
        )
    }

    pub(crate) const fn idem(&self) -> Option<&IdemKey> {
        match self {
            Self::Sale(_) | Self::Product(_) => None,
            Self::Auction(command) => command.idem(),
            Self::Coupon(command) => command.idem(),
            Self::Quiz(command) => command.idem(),
        }
    }
}

/// What such a command brought about.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShopReply {
    /// A sale is prepared.
    Drafted {
        /// Its id.
        sale: SaleId,
    },
    /// The order waits for a draw.
    Queued(OrderQueued),
    /// An auction is announced, or a bid stands.
    Auction(AuctionReply),
    /// A product is on the list.
    Product(ProductPlaced),
    /// Coupons are announced, or one is the user's.
    Coupon(CouponReply),
    /// A quiz is announced, asks, or is answered.
    Quiz(QuizReply),
}

/// What the shop tells besides [`SaleUpdated`](crate::EventBody::SaleUpdated).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ShopEvent {
    /// What became of a buyer's order.
    Order(OrderNews),
    /// Something about an auction.
    Auction(AuctionEvent),
    /// Something about the list of products.
    Product(ProductEvent),
    /// Something about coupons.
    Coupon(CouponEvent),
    /// Something about a quiz.
    Quiz(QuizEvent),
}

impl ShopEvent {
    pub(crate) const fn stream(&self) -> Stream {
        match self {
            Self::Order(news) => news.stream(),
            Self::Auction(event) => event.stream(),
            Self::Product(_) => Stream::Sale,
            Self::Coupon(event) => event.stream(),
            Self::Quiz(event) => event.stream(),
        }
    }
}

/// The shop as a member finds it at joining; the flash sales are beside it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ShopView {
    /// The products that the host speaks about.
    pub goods: ProductList,
    /// Sales that are prepared, oldest first; only for who may announce them.
    pub drafts: Vec<SaleDraft>,
    /// The auctions, oldest first.
    pub auctions: Vec<AuctionView>,
    /// The coupons, oldest first.
    pub coupons: Vec<CouponView>,
    /// The quizzes, oldest first.
    pub quizzes: Vec<QuizView>,
    /// What concerns the member alone.
    pub mine: Mine,
}

/// A sale that is prepared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SaleDraft {
    /// Its id.
    pub sale: SaleId,
    /// What will be offered.
    pub offer: SaleOffer,
}

/// What a member has in the shop.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mine {
    /// Units that they hold or wait for, by sale.
    pub units: Vec<(SaleId, u32)>,
    /// How far the room bids on their behalf, by auction that they lead.
    pub leads: Vec<(AuctionId, Amount)>,
    /// Coupons that they have.
    pub coupons: Vec<(CouponId, TicketId)>,
    /// What they have answered to the last question of a quiz.
    pub answers: Vec<(QuizId, u8)>,
}

impl Mine {
    /// Returns whether there is nothing.
    pub const fn is_empty(&self) -> bool {
        self.units.is_empty()
            && self.leads.is_empty()
            && self.coupons.is_empty()
            && self.answers.is_empty()
    }
}

#[derive(Debug)]
pub(crate) struct Shop {
    sales: Sales,
    auctions: Auctions,
    products: Products,
    coupons: Coupons,
    quizzes: Quizzes,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self {
            sales: Sales::new(),
            auctions: Auctions::new(),
            products: Products::new(),
            coupons: Coupons::new(),
            quizzes: Quizzes::new(),
        }
    }

    pub(crate) fn announce(
        &mut self,
        offer: &SaleOffer,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        self.expect_product(offer)?;
        self.sales.announce(offer, now, mint, out)
    }

    pub(crate) fn cancel(
        &mut self,
        id: &SaleId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        self.sales.cancel(id, now, out)
    }

    pub(crate) fn handle_order(
        &mut self,
        member: &Member,
        order: &OrderRequest,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        self.sales.handle_order(member, order, now, mint, out)
    }

    pub(crate) fn handle_command(
        &mut self,
        member: &Member,
        command: ShopCommand,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        match command {
            ShopCommand::Sale(command) => {
                if let SaleCommand::Draft(offer) = &command {
                    self.expect_product(offer)?;
                }
                self.sales.handle_command(command, now, mint, out)
            }
            ShopCommand::Auction(command) => {
                self.auctions.handle_command(member, &command, now, mint, out)
            }
            ShopCommand::Product(command) => {
                self.products.handle_command(member, command, now, mint, out)
            }
            ShopCommand::Coupon(command) => {
                if let CouponCommand::Issue(offer) = &command
                    && let Some(product) = &offer.terms.product
                {
                    self.products.expect(product)?;
                }
                self.coupons.handle_command(member, &command, now, mint, out)
            }
            ShopCommand::Quiz(command) => {
                self.quizzes.handle_command(member, command, now, mint, out)
            }
        }
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        self.sales.handle_end(now, out);
        self.auctions.handle_end(now, out);
        self.products.handle_end(now, out);
        self.coupons.handle_end(now, out);
        self.quizzes.handle_end(now, out);
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.sales.handle_timeout(now, out);
        self.auctions.handle_timeout(now, out);
        self.coupons.handle_timeout(now, out);
        self.quizzes.handle_timeout(now, out);
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        let parts = [
            self.sales.poll_timeout(),
            self.auctions.poll_timeout(),
            self.coupons.poll_timeout(),
            self.quizzes.poll_timeout(),
        ];
        parts.into_iter().flatten().min()
    }

    pub(crate) fn sales(&self) -> impl Iterator<Item = &SaleView> {
        self.sales.views()
    }

    pub(crate) fn countdowns(&self) -> impl Iterator<Item = &Countdown> {
        let selling = self.sales.countdowns().chain(self.auctions.countdowns());
        selling.chain(self.coupons.countdowns()).chain(self.quizzes.countdowns())
    }

    /// Returns the products, and which of them were spoken about when.
    pub(crate) fn products(&self) -> ProductRecord {
        let explained = self.products.explained().cloned().collect();
        ProductRecord { list: self.products.list(), explained }
    }

    pub(crate) fn coupon(&self, id: &CouponId, page: LogPage) -> Option<CouponRecord> {
        self.coupons.record(id, page)
    }

    pub(crate) fn quiz(&self, id: &QuizId, page: LogPage) -> Option<QuizRecord> {
        self.quizzes.record(id, page)
    }

    pub(crate) fn check(&self) {
        self.products.check();
    }

    /// Says whether what an offer sells is on the list. It may go from there later: a sale stands.
    fn expect_product(&self, offer: &SaleOffer) -> Result<(), Rejected> {
        offer.product.as_ref().map_or(Ok(()), |product| self.products.expect(product))
    }

    pub(crate) fn sale_log(&self, id: &SaleId, page: LogPage) -> Option<SaleLog> {
        self.sales.log(id, page)
    }

    pub(crate) fn auction_log(&self, id: &AuctionId, page: LogPage) -> Option<AuctionLog> {
        self.auctions.log(id, page)
    }

    pub(crate) fn view(&self, member: &Member) -> ShopView {
        let user = &member.user;
        let sees_drafts = member.role.may(Capability::AnnounceSale);
        let drafts = self.sales.drafts().iter().filter(|_| sees_drafts);
        ShopView {
            goods: self.products.list(),
            drafts: drafts
                .map(|(sale, offer)| SaleDraft { sale: sale.clone(), offer: offer.clone() })
                .collect(),
            auctions: self.auctions.views().cloned().collect(),
            coupons: self.coupons.views().cloned().collect(),
            quizzes: self.quizzes.views().cloned().collect(),
            mine: Mine {
                coupons: self
                    .coupons
                    .held_by(user)
                    .map(|(id, ticket)| (id.clone(), ticket.clone()))
                    .collect(),
                answers: self
                    .quizzes
                    .answered_by(user)
                    .map(|(id, option)| (id.clone(), option))
                    .collect(),
                units: self.sales.held_by(user).map(|(id, units)| (id.clone(), units)).collect(),
                leads: self.auctions.led_by(user).map(|(id, max)| (id.clone(), max)).collect(),
            },
        }
    }
}
