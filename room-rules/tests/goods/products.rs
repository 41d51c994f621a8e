//! Products: whoever applies what is told has the list that the room has.

use fastrand::Rng;
use room_rules::{
    Amend, Area, Command, ConfigChange, Currency, EventBody, ProductChange, ProductCommand,
    ProductDetails, ProductEvent, ProductId, ProductList, ProductPlace, ProductPlaced, Rejected,
    Reply, Role, RoomCommand, SaleOffer, SaleState, ShopCommand, ShopEvent, ShopReply, WebAddress,
};

use crate::Reached;
use crate::world::{World, amount, member, offer, title};

#[test]
fn a_list_is_kept_in_order_and_everybody_hears_of_every_change() {
    let mut world = World::new(&["a"]);
    let pen = add(&mut world, "Pen");
    let ink = add(&mut world, "Ink");
    let pad = add(&mut world, "Pad");

    let moved = ask(&mut world, ProductCommand::Move { product: pad.clone(), to: place(0) });
    assert_eq!(moved, Ok(placed(&pad, 1, 0)));
    let beyond = ProductCommand::Move { product: pen.clone(), to: place(99) };
    assert_eq!(ask(&mut world, beyond), Ok(placed(&pen, 1, 2)));
    ask(&mut world, ProductCommand::Remove(ink.clone())).unwrap();

    assert_eq!(titles(&list(&mut world)), ["Pad", "Pen"]);
    assert_eq!(ask(&mut world, ProductCommand::Pin(ink)), Err(Rejected::NotFound("product")));
}

#[test]
fn what_is_left_out_of_a_change_stays_and_an_old_revision_changes_nothing() {
    let mut world = World::new(&["a"]);
    let pen = add(&mut world, "Pen");
    let stock = ProductChange { stock: Amend::To(3), ..ProductChange::default() };
    let update = |rev, change: &ProductChange| ProductCommand::Update {
        product: pen.clone(),
        rev,
        change: Box::new(change.clone()),
    };

    assert_eq!(ask(&mut world, update(Some(1), &stock)), Ok(placed(&pen, 2, 0)));
    let told = world.events.len();
    assert_eq!(ask(&mut world, update(None, &stock)), Ok(placed(&pen, 2, 0)), "nothing new");
    let late = ProductChange { price: Some(amount(1)), ..ProductChange::default() };
    let refused = ask(&mut world, update(Some(1), &late));
    assert!(matches!(refused, Err(Rejected::Conflict(_))), "{refused:?}");
    assert_eq!(world.events.len(), told, "and nobody hears of nothing");

    let gone = ProductChange { image: Amend::Clear, ..ProductChange::default() };
    ask(&mut world, update(Some(2), &gone)).unwrap();
    let expected = ProductDetails { stock: Some(3), image: None, ..details("Pen") };
    assert_eq!(list(&mut world).products[0].details, expected);
}

#[test]
fn one_is_pinned_and_one_is_explained_and_neither_outlives_its_product() {
    let mut world = World::new(&["a"]);
    let (pen, ink) = (add(&mut world, "Pen"), add(&mut world, "Ink"));

    ask(&mut world, ProductCommand::Pin(pen.clone())).unwrap();
    ask(&mut world, ProductCommand::Pin(ink.clone())).unwrap();
    // Somebody else was quicker: this takes nothing away from the other.
    ask(&mut world, ProductCommand::Unpin(pen.clone())).unwrap();
    assert_eq!(list(&mut world).pinned, Some(ink.clone()));

    let start = world.now;
    ask(&mut world, ProductCommand::ExplainStart(pen.clone())).unwrap();
    world.run_for(5_000);
    ask(&mut world, ProductCommand::ExplainStart(ink.clone())).unwrap();
    world.run_for(2_000);
    ask(&mut world, ProductCommand::ExplainEnd(pen.clone())).unwrap();
    ask(&mut world, ProductCommand::Remove(ink.clone())).unwrap();

    let record = world.room("a").products();
    assert_eq!((&record.list.pinned, &record.list.explaining), (&None, &None));
    let times = record.explained.iter().map(|said| {
        let to = said.to.map(|to| to.unix_millis() - start);
        (said.product.clone(), said.from.unix_millis() - start, to)
    });
    let expected = [(pen, 0, Some(5_000)), (ink, 5_000, Some(7_000))];
    assert_eq!(times.collect::<Vec<_>>(), expected);
}

#[test]
fn the_end_of_a_room_ends_what_was_said() {
    let mut world = World::new(&["a"]);
    let pen = add(&mut world, "Pen");
    ask(&mut world, ProductCommand::ExplainStart(pen)).unwrap();
    world.run_for(1_000);
    world.command_by("a", "host", Role::Host, Command::RoomEnd).unwrap();

    assert!(world.room("a").products().explained[0].to.is_some());
}

#[test]
fn sellers_and_back_ends_may_and_nobody_else() {
    let mut world = World::new(&["a"]);
    let add = || of(ProductCommand::Add(Box::new(details("Pen"))));
    for role in Role::ALL {
        let may = matches!(role, Role::Host | Role::Assistant | Role::Admin);
        let answer = world.command_by("a", "someone", role, add());
        assert_eq!(answer.is_ok(), may, "{role:?}: {answer:?}");
    }
    let off = ConfigChange { features: vec![(Area::Sale, false)], ..ConfigChange::default() };
    let off = Command::Room(RoomCommand::Configure(off));
    world.command_by("a", "host", Role::Host, off).unwrap();
    let refused = world.command_by("a", "host", Role::Host, add());
    assert_eq!(refused, Err(Rejected::FeatureOff("sale")));
}

#[test]
fn a_hundred_fit_and_who_changes_too_fast_waits() {
    let mut world = World::new(&["a"]);
    for number in 0..100 {
        add(&mut world, &format!("P{number}"));
    }
    let more = || ProductCommand::Add(Box::new(details("More")));
    assert_eq!(ask(&mut world, more()), Err(Rejected::QueueFull("products")));
    let first = list(&mut world).products[0].product.clone();
    while ask(&mut world, ProductCommand::Pin(first.clone())).is_ok() {}
    let refused = ask(&mut world, ProductCommand::Pin(first.clone()));
    assert_eq!(refused, Err(Rejected::RateLimited));
    world.run_for(100);
    ask(&mut world, ProductCommand::Pin(first)).unwrap();
}

#[test]
fn a_sale_may_name_a_product_of_the_list_and_outlives_it() {
    let mut world = World::new(&["a"]);
    let pen = add(&mut world, "Pen");
    let announce =
        |product| Command::SaleAnnounce(SaleOffer { product: Some(product), ..offer(1, 1) });
    let unknown = ProductId::parse("nowhere").unwrap();
    let refused = world.command_by("a", "host", Role::Host, announce(unknown));
    assert_eq!(refused, Err(Rejected::NotFound("product")));

    world.command_by("a", "host", Role::Host, announce(pen.clone())).unwrap();
    ask(&mut world, ProductCommand::Remove(pen.clone())).unwrap();
    world.run_for(3_000);

    let sale = look(&mut world).sales.remove(0);
    assert_eq!((sale.product, sale.state), (Some(pen), SaleState::Open));
}

#[test]
fn any_list_is_what_its_events_say() {
    const SCHEDULES: u64 = 400;
    const STEPS: usize = 150;
    let mut reached = Reached::default();
    for seed in 0..SCHEDULES {
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step(&mut reached);
        }
    }
    let outcomes =
        ["add", "update", "conflict", "remove", "move", "pin", "unpin", "explain", "gone", "crash"];
    reached.expect(&outcomes, 500);
}

/// What a client makes of what it is told.
#[derive(Default)]
struct Client {
    list: ProductList,
    heard: usize,
}

impl Client {
    fn hear(&mut self, world: &World) {
        for body in &world.told("a")[self.heard..] {
            let EventBody::Shop(ShopEvent::Product(event)) = body else { continue };
            match event {
                ProductEvent::Updated { product, index } => {
                    self.list.products.retain(|known| known.product != product.product);
                    self.list.products.insert(*index as usize, product.clone());
                }
                ProductEvent::Removed(product) => {
                    self.list.products.retain(|known| known.product != *product);
                }
                ProductEvent::Pinned(product) => self.list.pinned.clone_from(product),
                ProductEvent::Explained(said) => {
                    self.list.explaining = said.to.is_none().then(|| said.clone());
                }
            }
        }
        self.heard = world.told("a").len();
    }
}

struct Run {
    seed: u64,
    rng: Rng,
    world: World,
    client: Client,
    known: Vec<ProductId>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let (rng, world) = (Rng::with_seed(seed), World::new(&["a"]));
        Self { seed, rng, world, client: Client::default(), known: Vec::new() }
    }

    fn step(&mut self, reached: &mut Reached) {
        self.world.run_for(self.rng.u64(0..500));
        let product = self.rng.choice(self.known.clone());
        let (name, command) = match (self.rng.u8(0..16), product) {
            (0..3, _) | (_, None) => {
                ("add", ProductCommand::Add(Box::new(details(&format!("P{}", self.rng.u8(..))))))
            }
            (3..6, Some(product)) => {
                let change = Box::new(ProductChange {
                    price: self.rng.bool().then(|| amount(self.rng.u64(0..5))),
                    stock: [Amend::Keep, Amend::Clear, Amend::To(self.rng.u32(0..3))]
                        [self.rng.usize(0..3)]
                    .clone(),
                    ..ProductChange::default()
                });
                let rev = self.rng.bool().then(|| self.rng.u64(1..4));
                ("update", ProductCommand::Update { product, rev, change })
            }
            (6..8, Some(product)) => ("remove", ProductCommand::Remove(product)),
            (8..10, Some(product)) => {
                ("move", ProductCommand::Move { product, to: place(self.rng.u8(0..12)) })
            }
            (10..12, Some(product)) => ("pin", ProductCommand::Pin(product)),
            (12, Some(product)) => ("unpin", ProductCommand::Unpin(product)),
            (13, Some(product)) => ("explain", ProductCommand::ExplainStart(product)),
            (14, Some(product)) => ("explain", ProductCommand::ExplainEnd(product)),
            (_, Some(_)) => {
                if self.rng.u8(0..3) == 0 {
                    reached.count("crash");
                    self.world.crash("a", &mut self.rng);
                }
                return;
            }
        };
        match ask(&mut self.world, command) {
            Ok(Reply::Shop(ShopReply::Product(placed))) if name == "add" => {
                self.known.push(placed.product);
                reached.count(name);
            }
            Ok(_) => reached.count(name),
            Err(Rejected::NotFound(_)) => reached.count("gone"),
            Err(Rejected::Conflict(_)) => reached.count("conflict"),
            Err(Rejected::RateLimited) => {}
            Err(other) => panic!("seed {}: {other:?}", self.seed),
        }
        self.client.hear(&self.world);
        assert_eq!(self.client.list, list(&mut self.world), "seed {}", self.seed);
    }
}

fn of(command: ProductCommand) -> Command {
    Command::Shop(ShopCommand::Product(command))
}

fn ask(world: &mut World, command: ProductCommand) -> Result<Reply, Rejected> {
    world.command_by("a", "host", Role::Host, of(command))
}

fn add(world: &mut World, name: &str) -> ProductId {
    match ask(world, ProductCommand::Add(Box::new(details(name)))).unwrap() {
        Reply::Shop(ShopReply::Product(placed)) => placed.product,
        other => panic!("not a product: {other:?}"),
    }
}

fn placed(product: &ProductId, revision: u64, index: u32) -> Reply {
    let product = product.clone();
    Reply::Shop(ShopReply::Product(ProductPlaced { product, revision, index }))
}

fn place(index: u8) -> ProductPlace {
    ProductPlace::new(index).unwrap()
}

fn details(name: &str) -> ProductDetails {
    ProductDetails {
        title: title(name),
        sku: title("S-1"),
        price: amount(990),
        currency: Currency::CNY,
        stock: None,
        image: WebAddress::parse("/assets/pen.png"),
        url: None,
    }
}

fn titles(list: &ProductList) -> Vec<&str> {
    list.products.iter().map(|product| product.details.title.as_str()).collect()
}

fn look(world: &mut World) -> room_rules::Snapshot {
    let now = crate::world::at(world.now);
    world.room_mut("a").look(member("eve", Role::Viewer), now)
}

fn list(world: &mut World) -> ProductList {
    look(world).shop.goods
}
