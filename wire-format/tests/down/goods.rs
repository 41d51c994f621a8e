//! What the fixtures of products stand for.

use room_rules::{
    Amount, Currency, Event, EventBody, Explanation, ProductDetails, ProductEvent, ProductId,
    ProductList, ProductPlaced, ProductRecord, ProductView, Reply, SaleView, ShopEvent, ShopReply,
    Title, WebAddress,
};
use wire_format::{encode_ack, encode_event, encode_products};

use super::{at, now, sale};

/// The number of the first of these events.
const FIRST: u64 = 201;

pub(crate) fn said() -> Vec<(&'static str, String)> {
    let mut said = vec![("Products", encode_products(&record()))];
    for (sequence, (name, body)) in (FIRST..).zip(events()) {
        said.push((name, encode_event(&Event { at: now(), sequence, body })));
    }
    said.extend(replies().iter().map(|(name, reply)| (*name, encode_ack(Some("7"), reply, now()))));
    said
}

fn events() -> Vec<(&'static str, EventBody)> {
    let of_product = |event| EventBody::Shop(ShopEvent::Product(event));
    let pinned = |product| of_product(ProductEvent::Pinned(product));
    let explained = |to| of_product(ProductEvent::Explained(explained("a-1-product1", 0, to)));
    let sale = SaleView { product: Some(product_id("a-1-product1")), ..sale() };
    vec![
        ("product.updated", of_product(ProductEvent::Updated { product: product(), index: 0 })),
        (
            "product.updated with the least",
            of_product(ProductEvent::Updated { product: least(), index: 1 }),
        ),
        ("product.removed", of_product(ProductEvent::Removed(product().product))),
        ("product.pinned", pinned(Some(product().product))),
        ("product.pinned none", pinned(None)),
        ("product.explained begins", explained(None)),
        ("product.explained ends", explained(Some(5_000))),
        ("sale.updated of a product", EventBody::SaleUpdated(sale)),
    ]
}

fn replies() -> Vec<(&'static str, Reply)> {
    let added = ProductPlaced { product: product().product, revision: 1, index: 0 };
    vec![("ack of product.add", Reply::Shop(ShopReply::Product(added)))]
}

fn record() -> ProductRecord {
    let list = ProductList {
        products: vec![product(), least()],
        pinned: Some(product().product),
        explaining: None,
    };
    let explained =
        vec![explained("a-1-product2", 0, Some(5_000)), explained("a-1-product1", 5_000, None)];
    ProductRecord { list, explained }
}

fn product() -> ProductView {
    let details = ProductDetails {
        stock: Some(100),
        image: WebAddress::parse("/assets/img/rose.svg"),
        url: WebAddress::parse("https://shop.example/l-1"),
        ..least().details
    };
    ProductView { product: product_id("a-1-product1"), details, revision: 3 }
}

fn least() -> ProductView {
    let title = |text| Title::parse(text).unwrap();
    let details = ProductDetails {
        title: title("口红"),
        sku: title("L-1"),
        price: Amount::new(990).unwrap(),
        currency: Currency::CNY,
        stock: None,
        image: None,
        url: None,
    };
    ProductView { product: product_id("a-1-product2"), details, revision: 1 }
}

fn explained(product: &str, from: u64, to: Option<u64>) -> Explanation {
    Explanation { product: product_id(product), from: at(from), to: to.map(at) }
}

fn product_id(text: &str) -> ProductId {
    ProductId::parse(text).unwrap()
}
