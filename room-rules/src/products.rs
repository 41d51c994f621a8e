//! The products that a host speaks about: an ordered list, of which one may be pinned and one is
//! being explained. What a product costs and how many there are is the seller's word; only a flash
//! sale sells here, and may name one.

pub(crate) mod command;

use std::collections::VecDeque;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::id::{Kind, Mint};
use crate::pace::Pace;
use crate::{
    EventBody, Member, ProductCommand, ProductDetails, ProductId, Rejected, Reply, ServerTime,
    ShopEvent, ShopReply,
};

use command::{ProductChange, ProductPlace};

/// Explanations that are remembered, for chapters of a replay. Full: the oldest is forgotten.
const EXPLAINED_KEPT: usize = 500;
/// Every change is told to everybody; a list of a hundred can be put in at once.
const CHANGE_INTERVAL: Duration = Duration::from_millis(100);
const CHANGE_BURST: u32 = 120;

#[derive(Debug)]
pub(crate) struct Products {
    /// In the order in which they are shown. Full: another is refused.
    items: Vec<ProductView>,
    pinned: Option<ProductId>,
    explaining: Option<Explanation>,
    explained: VecDeque<Explanation>,
    pace: Pace,
}

impl Products {
    pub(crate) fn new() -> Self {
        Self {
            items: Vec::new(),
            pinned: None,
            explaining: None,
            explained: VecDeque::new(),
            pace: Pace::new(CHANGE_INTERVAL, CHANGE_BURST),
        }
    }

    pub(crate) fn handle_command(
        &mut self,
        member: &Member,
        command: ProductCommand,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<Reply, Rejected> {
        if !self.pace.allow(&member.user, now) {
            return Err(Rejected::RateLimited);
        }
        let view = match command {
            ProductCommand::Add(details) => self.add(*details, now, mint, out)?,
            ProductCommand::Update { product, rev, change } => {
                self.update(&product, rev, &change, now, out)?
            }
            ProductCommand::Move { product, to } => self.move_to(&product, to, now, out)?,
            ProductCommand::Remove(product) => {
                self.remove(&product, now, out)?;
                return Ok(Reply::Done);
            }
            ProductCommand::Pin(product) => {
                self.index_of(&product)?;
                self.pin(Some(product), now, out);
                return Ok(Reply::Done);
            }
            ProductCommand::Unpin(product) => {
                self.index_of(&product)?;
                if self.pinned.as_ref() == Some(&product) {
                    self.pin(None, now, out);
                }
                return Ok(Reply::Done);
            }
            ProductCommand::ExplainStart(product) => {
                self.index_of(&product)?;
                self.explain(product, now, out);
                return Ok(Reply::Done);
            }
            ProductCommand::ExplainEnd(product) => {
                self.index_of(&product)?;
                if self.explaining.as_ref().is_some_and(|explained| explained.product == product) {
                    self.end_explaining(now, out);
                }
                return Ok(Reply::Done);
            }
        };
        Ok(Reply::Shop(ShopReply::Product(view)))
    }

    /// Says whether there is such a product.
    pub(crate) fn expect(&self, product: &ProductId) -> Result<(), Rejected> {
        self.index_of(product).map(|_| ())
    }

    pub(crate) fn list(&self) -> ProductList {
        ProductList {
            products: self.items.clone(),
            pinned: self.pinned.clone(),
            explaining: self.explaining.clone(),
        }
    }

    /// Returns which products were spoken about and when, oldest first.
    pub(crate) fn explained(&self) -> impl Iterator<Item = &Explanation> {
        self.explained.iter().chain(&self.explaining)
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        self.end_explaining(now, out);
    }

    fn add(
        &mut self,
        details: ProductDetails,
        now: ServerTime,
        mint: &mut Mint,
        out: &mut Announcer,
    ) -> Result<ProductPlaced, Rejected> {
        if self.items.len() >= ProductPlace::COUNT {
            return Err(Rejected::QueueFull("products"));
        }
        let product = ProductId::made(&mint.make(Kind::Product, now));
        self.items.push(ProductView { product, details, revision: 1 });
        Ok(self.tell(self.items.len() - 1, now, out))
    }

    fn update(
        &mut self,
        product: &ProductId,
        rev: Option<u64>,
        change: &ProductChange,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<ProductPlaced, Rejected> {
        let index = self.index_of(product)?;
        let item = &mut self.items[index];
        if rev.is_some_and(|rev| rev != item.revision) {
            return Err(Rejected::Conflict("the product has changed meanwhile"));
        }
        let next = change.apply_to(&item.details);
        if next == item.details {
            return Ok(self.placed(index));
        }
        item.details = next;
        item.revision += 1;
        Ok(self.tell(index, now, out))
    }

    fn move_to(
        &mut self,
        product: &ProductId,
        to: ProductPlace,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<ProductPlaced, Rejected> {
        let from = self.index_of(product)?;
        let to = to.index().min(self.items.len() - 1);
        if from == to {
            return Ok(self.placed(to));
        }
        let item = self.items.remove(from);
        self.items.insert(to, item);
        Ok(self.tell(to, now, out))
    }

    fn remove(
        &mut self,
        product: &ProductId,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<(), Rejected> {
        let index = self.index_of(product)?;
        if self.pinned.as_ref() == Some(product) {
            self.pin(None, now, out);
        }
        if self.explaining.as_ref().is_some_and(|explained| explained.product == *product) {
            self.end_explaining(now, out);
        }
        self.items.remove(index);
        say(ProductEvent::Removed(product.clone()), now, out);
        Ok(())
    }

    fn pin(&mut self, product: Option<ProductId>, now: ServerTime, out: &mut Announcer) {
        if self.pinned != product {
            self.pinned.clone_from(&product);
            say(ProductEvent::Pinned(product), now, out);
        }
    }

    fn explain(&mut self, product: ProductId, now: ServerTime, out: &mut Announcer) {
        if self.explaining.as_ref().is_some_and(|explained| explained.product == product) {
            return;
        }
        self.end_explaining(now, out);
        let begun = Explanation { product, from: now, to: None };
        self.explaining = Some(begun.clone());
        say(ProductEvent::Explained(begun), now, out);
    }

    fn end_explaining(&mut self, now: ServerTime, out: &mut Announcer) {
        let Some(mut over) = self.explaining.take() else { return };
        over.to = Some(now);
        if self.explained.len() == EXPLAINED_KEPT {
            self.explained.pop_front();
        }
        self.explained.push_back(over.clone());
        say(ProductEvent::Explained(over), now, out);
    }

    fn tell(&self, index: usize, now: ServerTime, out: &mut Announcer) -> ProductPlaced {
        let placed = self.placed(index);
        let product = self.items[index].clone();
        say(ProductEvent::Updated { product, index: placed.index }, now, out);
        placed
    }

    fn placed(&self, index: usize) -> ProductPlaced {
        let ProductView { product, revision, .. } = &self.items[index];
        let index = u32::try_from(index).expect("there are a hundred at most");
        ProductPlaced { product: product.clone(), revision: *revision, index }
    }

    fn index_of(&self, product: &ProductId) -> Result<usize, Rejected> {
        let index = self.items.iter().position(|item| item.product == *product);
        index.ok_or(Rejected::NotFound("product"))
    }

    pub(crate) fn check(&self) {
        assert!(self.items.len() <= ProductPlace::COUNT && self.explained.len() <= EXPLAINED_KEPT);
        let named = self.pinned.iter().chain(self.explaining.as_ref().map(|it| &it.product));
        for product in named {
            assert!(self.index_of(product).is_ok(), "what is shown is on the list");
        }
    }
}

fn say(event: ProductEvent, now: ServerTime, out: &mut Announcer) {
    out.broadcast(EventBody::Shop(ShopEvent::Product(event)), now);
}

/// A product as everyone sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProductView {
    /// Which.
    pub product: ProductId,
    /// What is said about it.
    pub details: ProductDetails,
    /// Rises with every change of that.
    pub revision: u64,
}

/// A time during which the host spoke about a product.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// About which.
    pub product: ProductId,
    /// Since when.
    pub from: ServerTime,
    /// Until when, once that is known.
    pub to: Option<ServerTime>,
}

/// The products of a room as everyone sees them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProductList {
    /// In the order in which they are shown.
    pub products: Vec<ProductView>,
    /// The one that is shown above all others.
    pub pinned: Option<ProductId>,
    /// What the host speaks about.
    pub explaining: Option<Explanation>,
}

/// The products, and which were spoken about when.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProductRecord {
    /// The products as they are now.
    pub list: ProductList,
    /// Oldest first; the last one may go on still.
    pub explained: Vec<Explanation>,
}

/// What changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ProductEvent {
    /// A product is new, has changed or has moved.
    Updated {
        /// What it is now.
        product: ProductView,
        /// Its place in the list now, from 0.
        index: u32,
    },
    /// A product is gone.
    Removed(ProductId),
    /// Another product is shown above all others, or none.
    Pinned(Option<ProductId>),
    /// The host begins or ends to speak about a product.
    Explained(Explanation),
}

/// Where a product is after a command.
#[derive(Clone, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct ProductPlaced {
    /// Which.
    pub product: ProductId,
    /// Rises with every change of what is said about it.
    pub revision: u64,
    /// Its place in the list, from 0.
    pub index: u32,
}
