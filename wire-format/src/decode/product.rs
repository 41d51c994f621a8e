//! Products.

use room_rules::{
    Amend, Amount, Command, Currency, ProductChange, ProductCommand, ProductDetails, ProductPlace,
    ShopCommand, Title, WebAddress,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::message::{Message, messages};
use super::product_id;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "product.add": AddBody => |body| body.read().map(Box::new).map(ProductCommand::Add).map(command);
    "product.update": UpdateBody => |body| body.read().map(command);
    "product.remove": ProductIdBody => |body| product_id(&body.product).map(ProductCommand::Remove).map(command);
    "product.move": MoveBody => |body| body.read().map(command);
    "product.pin": ProductIdBody => |body| product_id(&body.product).map(ProductCommand::Pin).map(command);
    "product.unpin": ProductIdBody => |body| product_id(&body.product).map(ProductCommand::Unpin).map(command);
    "explain.start": ProductIdBody => |body| {
        product_id(&body.product).map(ProductCommand::ExplainStart).map(command)
    };
    "explain.end": ProductIdBody => |body| {
        product_id(&body.product).map(ProductCommand::ExplainEnd).map(command)
    };
};

const fn command(command: ProductCommand) -> Command {
    Command::Shop(ShopCommand::Product(command))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ProductAdd")]
struct AddBody {
    #[schemars(length(min = 1, max = 100))]
    title: String,
    #[schemars(length(min = 1, max = 100))]
    sku: String,
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    price: u64,
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
    stock: Option<u32>,
    #[schemars(length(max = 300))]
    image: Option<String>,
    #[schemars(length(max = 300))]
    url: Option<String>,
}

impl AddBody {
    fn read(self) -> Result<ProductDetails, String> {
        let currency = self.currency.as_deref().map(currency).transpose()?;
        Ok(ProductDetails {
            title: title(&self.title, "title")?,
            sku: title(&self.sku, "sku")?,
            price: price(self.price)?,
            currency: currency.unwrap_or_default(),
            stock: self.stock,
            image: self.image.as_deref().map(|text| address(text, "image")).transpose()?,
            url: self.url.as_deref().map(|text| address(text, "url")).transpose()?,
        })
    }
}

/// What is left out stays; `null` takes away what may be absent.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ProductUpdate")]
struct UpdateBody {
    product: String,
    rev: Option<u64>,
    #[schemars(length(min = 1, max = 100))]
    title: Option<String>,
    #[schemars(length(min = 1, max = 100))]
    sku: Option<String>,
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    price: Option<u64>,
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
    #[serde(default, deserialize_with = "said")]
    stock: Option<Option<u32>>,
    #[serde(default, deserialize_with = "said")]
    #[schemars(length(max = 300))]
    image: Option<Option<String>>,
    #[serde(default, deserialize_with = "said")]
    #[schemars(length(max = 300))]
    url: Option<Option<String>>,
}

impl UpdateBody {
    fn read(self) -> Result<ProductCommand, String> {
        let change = ProductChange {
            title: self.title.as_deref().map(|text| title(text, "title")).transpose()?,
            sku: self.sku.as_deref().map(|text| title(text, "sku")).transpose()?,
            price: self.price.map(price).transpose()?,
            currency: self.currency.as_deref().map(currency).transpose()?,
            stock: amend(self.stock, Ok)?,
            image: amend(self.image, |text| address(&text, "image"))?,
            url: amend(self.url, |text| address(&text, "url"))?,
        };
        let (product, rev) = (product_id(&self.product)?, self.rev);
        Ok(ProductCommand::Update { product, rev, change: Box::new(change) })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ProductMove")]
struct MoveBody {
    product: String,
    #[schemars(range(max = 99))]
    to: u8,
}

impl MoveBody {
    fn read(self) -> Result<ProductCommand, String> {
        let to = ProductPlace::new(self.to).ok_or("to must be 0 to 99")?;
        Ok(ProductCommand::Move { product: product_id(&self.product)?, to })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfProduct")]
struct ProductIdBody {
    product: String,
}

/// Tells a field that is `null` from one that is not there.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn amend<T, U>(
    field: Option<Option<T>>,
    read: impl FnOnce(T) -> Result<U, String>,
) -> Result<Amend<U>, String> {
    match field {
        None => Ok(Amend::Keep),
        Some(None) => Ok(Amend::Clear),
        Some(Some(value)) => read(value).map(Amend::To),
    }
}

fn title(text: &str, field: &str) -> Result<Title, String> {
    Title::parse(text).ok_or_else(|| format!("{field} must hold 1 to 100 characters"))
}

fn price(minor: u64) -> Result<Amount, String> {
    Amount::new(minor).ok_or_else(|| format!("price must be at most {}", Amount::MAX.minor()))
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text).ok_or_else(|| "currency must be three capital letters".to_owned())
}

fn address(text: &str, field: &str) -> Result<WebAddress, String> {
    WebAddress::parse(text)
        .ok_or_else(|| format!("{field} must be http, https or a path, 300 characters at most"))
}
