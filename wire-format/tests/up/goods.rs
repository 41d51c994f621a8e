//! What the fixtures of products stand for.

use std::time::Duration;

use room_rules::{
    Amend, Amount, Command, Currency, ProductChange, ProductCommand, ProductDetails, ProductId,
    ProductPlace, Quantity, SaleDuration, SaleOffer, SaleTerms, ShopCommand, StockCount, Title,
    WebAddress,
};

pub(crate) fn commands() -> Vec<(&'static str, Command)> {
    let product = || ProductId::parse("a-1-product1").unwrap();
    let update =
        |rev, change| ProductCommand::Update { product: product(), rev, change: Box::new(change) };
    let less = ProductChange {
        price: Amount::new(890),
        stock: Amend::To(5),
        image: Amend::Clear,
        ..ProductChange::default()
    };
    let to = ProductPlace::new(2).unwrap();
    let products = [
        ("product.add", ProductCommand::Add(Box::new(details()))),
        ("product.add with the least", ProductCommand::Add(Box::new(least()))),
        ("product.update", update(Some(3), less)),
        ("product.update of nothing", update(None, ProductChange::default())),
        ("product.remove", ProductCommand::Remove(product())),
        ("product.move", ProductCommand::Move { product: product(), to }),
        ("product.pin", ProductCommand::Pin(product())),
        ("product.unpin", ProductCommand::Unpin(product())),
        ("explain.start", ProductCommand::ExplainStart(product())),
        ("explain.end", ProductCommand::ExplainEnd(product())),
    ];
    let of_product = |(name, command)| (name, Command::Shop(ShopCommand::Product(command)));
    let mut commands: Vec<_> = products.into_iter().map(of_product).collect();
    commands.push(("sale.announce of a product", Command::SaleAnnounce(sale(product()))));
    commands
}

fn details() -> ProductDetails {
    ProductDetails {
        stock: Some(100),
        image: WebAddress::parse("/assets/img/rose.svg"),
        url: WebAddress::parse("https://shop.example/l-1"),
        ..least()
    }
}

fn least() -> ProductDetails {
    ProductDetails {
        title: title("口红"),
        sku: title("L-1"),
        price: Amount::new(990).unwrap(),
        currency: Currency::CNY,
        stock: None,
        image: None,
        url: None,
    }
}

fn sale(product: ProductId) -> SaleOffer {
    SaleOffer {
        title: title("口红"),
        sku: title("L-1"),
        product: Some(product),
        price_cents: 990,
        stock: StockCount::new(100).unwrap(),
        per_user: Quantity::new(1).unwrap(),
        lead: Duration::from_secs(3),
        open_for: SaleDuration::new(60_000).unwrap(),
        terms: SaleTerms::default(),
    }
}

fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}
