//! What those who sell ask about the products of a room.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;
use crate::{Amount, Capability, Currency, ProductId, Title};

const ADDRESS_MAX: usize = 300;
const PRODUCTS_MAX: u8 = 100;

/// One thing that is asked about products.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductCommand {
    /// Puts one at the end of the list.
    Add(Box<ProductDetails>),
    /// Says something else about one.
    Update {
        /// Which.
        product: ProductId,
        /// The revision that is known; another one now is a conflict.
        rev: Option<u64>,
        /// What is otherwise.
        change: Box<ProductChange>,
    },
    /// Takes one from the list.
    Remove(ProductId),
    /// Moves one to another place of the list.
    Move {
        /// Which.
        product: ProductId,
        /// Its place then, from 0; beyond the end is the end.
        to: ProductPlace,
    },
    /// Shows one above all others, in the place of any other.
    Pin(ProductId),
    /// Shows it among the others again.
    Unpin(ProductId),
    /// The host begins to speak about one, and no longer about another.
    ExplainStart(ProductId),
    /// The host no longer speaks about it.
    ExplainEnd(ProductId),
}

impl ProductCommand {
    pub(crate) const fn needs() -> Capability {
        Capability::ManageProducts
    }
}

/// What is said about a product.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProductDetails {
    /// What it is called.
    pub title: Title,
    /// The seller's own name of it.
    pub sku: Title,
    /// The price of one, in minor units.
    pub price: Amount,
    /// What the price is in.
    pub currency: Currency,
    /// How many there are, if that is to be shown. Orders do not change it: the seller does.
    pub stock: Option<u32>,
    /// A picture of it.
    pub image: Option<WebAddress>,
    /// Where it is bought.
    pub url: Option<WebAddress>,
}

/// What is otherwise about a product.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProductChange {
    /// What it is called.
    pub title: Option<Title>,
    /// The seller's own name of it.
    pub sku: Option<Title>,
    /// The price of one, in minor units.
    pub price: Option<Amount>,
    /// What the price is in.
    pub currency: Option<Currency>,
    /// How many there are.
    pub stock: Amend<u32>,
    /// A picture of it.
    pub image: Amend<WebAddress>,
    /// Where it is bought.
    pub url: Amend<WebAddress>,
}

impl ProductChange {
    /// Returns `details` with this change.
    pub(super) fn apply_to(&self, details: &ProductDetails) -> ProductDetails {
        let Self { title, sku, price, currency, stock, image, url } = self;
        ProductDetails {
            title: title.clone().unwrap_or_else(|| details.title.clone()),
            sku: sku.clone().unwrap_or_else(|| details.sku.clone()),
            price: price.unwrap_or(details.price),
            currency: currency.unwrap_or(details.currency),
            stock: stock.apply_to(details.stock.as_ref()),
            image: image.apply_to(details.image.as_ref()),
            url: url.apply_to(details.url.as_ref()),
        }
    }
}

/// A change of something that may be absent.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Amend<T> {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It becomes this.
    To(T),
}

impl<T: Clone> Amend<T> {
    fn apply_to(&self, before: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => before.cloned(),
            Self::Clear => None,
            Self::To(value) => Some(value.clone()),
        }
    }
}

/// A place in the list of products, 0 to 99.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct ProductPlace(u8);

impl ProductPlace {
    /// Products in a room.
    pub(super) const COUNT: usize = PRODUCTS_MAX as usize;

    /// Takes 0 to 99; `None` for anything else.
    pub fn new(place: u8) -> Option<Self> {
        (place < PRODUCTS_MAX).then_some(Self(place))
    }

    pub(super) fn index(self) -> usize {
        self.0.into()
    }
}

impl TryFrom<u8> for ProductPlace {
    type Error = OutOfLimits;

    fn try_from(place: u8) -> Result<Self, OutOfLimits> {
        Self::new(place).ok_or(OutOfLimits("ProductPlace"))
    }
}

impl From<ProductPlace> for u8 {
    fn from(place: ProductPlace) -> Self {
        place.0
    }
}

/// Where something is on the web: `http`, `https` or a path of this server, 300 bytes at most. No
/// other scheme, because pages make a link of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebAddress(Arc<str>);

impl WebAddress {
    /// Reads an address; `None` if it is none, or has characters that do not belong in one.
    pub fn parse(text: &str) -> Option<Self> {
        let after_scheme = ["https://", "http://", "/"].iter().find_map(|it| text.strip_prefix(it));
        let fits = text.len() <= ADDRESS_MAX
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte));
        // "//host" would be another server.
        let names_something =
            after_scheme.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        (fits && names_something).then(|| Self(text.into()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for WebAddress {
    type Error = OutOfLimits;

    fn try_from(text: String) -> Result<Self, OutOfLimits> {
        Self::parse(&text).ok_or(OutOfLimits("WebAddress"))
    }
}

impl From<WebAddress> for String {
    fn from(address: WebAddress) -> Self {
        (*address.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_a_page_may_link_to() {
        for text in ["https://shop.test/p?id=1&x=%20#a", "http://h", "/assets/img/rose.svg"] {
            assert_eq!(WebAddress::parse(text).as_ref().map(WebAddress::as_str), Some(text));
        }
        let long = format!("/{}", "x".repeat(ADDRESS_MAX));
        for text in [
            "",
            "/",
            "https://",
            "//evil.test/x",
            "https:///x",
            "javascript:alert(1)",
            "ftp://h",
            &long,
        ] {
            assert_eq!(WebAddress::parse(text), None, "{text}");
        }
        for text in ["/a b", "/a\"b", "/<b>", "/ä", "/a\\b", "/a\n"] {
            assert_eq!(WebAddress::parse(text), None, "{text}");
        }
    }
}
