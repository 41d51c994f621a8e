//! The products that a host speaks about.

use room_rules::{
    Explanation, ProductEvent, ProductList, ProductPlaced, ProductRecord, ProductView, ServerTime,
};
use schemars::JsonSchema;
use serde::Serialize;

/// `Product`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Product")]
pub(crate) struct ProductBody<'a> {
    product: &'a str,
    title: &'a str,
    sku: &'a str,
    price: u64,
    currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    rev: u64,
}

impl<'a> From<&'a ProductView> for ProductBody<'a> {
    fn from(view: &'a ProductView) -> Self {
        let details = &view.details;
        Self {
            product: view.product.as_str(),
            title: details.title.as_str(),
            sku: details.sku.as_str(),
            price: details.price.minor(),
            currency: details.currency.as_str(),
            stock: details.stock,
            image: details.image.as_ref().map(room_rules::WebAddress::as_str),
            url: details.url.as_ref().map(room_rules::WebAddress::as_str),
            rev: view.revision,
        }
    }
}

/// `d` of `product.updated`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "IndexedProduct")]
pub(crate) struct IndexedProductBody<'a> {
    #[serde(flatten)]
    product: ProductBody<'a>,
    index: u32,
}

/// `d` of `product.removed`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ProductRemoved")]
pub(crate) struct RemovedBody<'a> {
    product: &'a str,
}

/// `d` of `product.pinned`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ProductPinned")]
pub(crate) struct PinnedBody<'a> {
    product: Option<&'a str>,
}

/// `Explanation`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Explanation")]
pub(crate) struct ExplainedBody<'a> {
    product: &'a str,
    from: u64,
    to: Option<u64>,
}

impl<'a> From<&'a Explanation> for ExplainedBody<'a> {
    fn from(explained: &'a Explanation) -> Self {
        Self {
            product: explained.product.as_str(),
            from: explained.from.unix_millis(),
            to: explained.to.map(ServerTime::unix_millis),
        }
    }
}

/// `d` of what is told about products.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "ProductEvent")]
pub(crate) enum ProductData<'a> {
    Updated(IndexedProductBody<'a>),
    Removed(RemovedBody<'a>),
    Pinned(PinnedBody<'a>),
    Explained(ExplainedBody<'a>),
}

/// Returns an event's `t` and its `d`.
pub(super) fn product_event(event: &ProductEvent) -> (&'static str, ProductData<'_>) {
    match event {
        ProductEvent::Updated { product, index } => {
            let body = IndexedProductBody { product: product.into(), index: *index };
            ("product.updated", ProductData::Updated(body))
        }
        ProductEvent::Removed(product) => {
            ("product.removed", ProductData::Removed(RemovedBody { product: product.as_str() }))
        }
        ProductEvent::Pinned(product) => {
            let product = product.as_ref().map(room_rules::ProductId::as_str);
            ("product.pinned", ProductData::Pinned(PinnedBody { product }))
        }
        ProductEvent::Explained(explained) => {
            ("product.explained", ProductData::Explained(explained.into()))
        }
    }
}

/// The products' part of a snapshot. What is empty is left out.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Goods")]
pub(crate) struct GoodsBody<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    products: Vec<ProductBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explaining: Option<ExplainedBody<'a>>,
}

impl<'a> From<&'a ProductList> for GoodsBody<'a> {
    fn from(list: &'a ProductList) -> Self {
        Self {
            products: list.products.iter().map(Into::into).collect(),
            pinned: list.pinned.as_ref().map(room_rules::ProductId::as_str),
            explaining: list.explaining.as_ref().map(Into::into),
        }
    }
}

/// The answer of `GET .. /products`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Products")]
pub(crate) struct ProductsBody<'a> {
    products: Vec<ProductBody<'a>>,
    pinned: Option<&'a str>,
    explained: Vec<ExplainedBody<'a>>,
}

impl<'a> From<&'a ProductRecord> for ProductsBody<'a> {
    fn from(record: &'a ProductRecord) -> Self {
        let GoodsBody { products, pinned, .. } = (&record.list).into();
        Self { products, pinned, explained: record.explained.iter().map(Into::into).collect() }
    }
}

/// What a command about a product is answered.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ProductPlaced")]
pub(crate) struct PlacedBody<'a> {
    product: &'a str,
    rev: u64,
    index: u32,
}

impl<'a> From<&'a ProductPlaced> for PlacedBody<'a> {
    fn from(placed: &'a ProductPlaced) -> Self {
        let ProductPlaced { product, revision, index } = placed;
        Self { product: product.as_str(), rev: *revision, index: *index }
    }
}
