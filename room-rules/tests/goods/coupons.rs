//! Coupons: as many as there are, one to a user, in time and on their terms.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use room_rules::{
    Amount, Command, CouponClaim, CouponCommand, CouponCount, CouponEvent, CouponId, CouponOffer,
    CouponReply, CouponState, CouponTerms, CouponTicket, CouponView, CouponWorth, Currency,
    EventBody, LogPage, ProductId, Rejected, Reply, Role, SaleDuration, ShopCommand, ShopEvent,
    ShopReply, Ttl,
};

use crate::Reached;
use crate::world::{World, amount, at, idem, member, title};

#[test]
fn the_last_coupon_goes_to_one_and_the_next_comes_too_late() {
    let mut world = World::new(&["a"]);
    let coupon = issue(&mut world, offer(2));

    let first = claim(&mut world, "amy", &coupon, None, "k").unwrap();
    assert_eq!((first.place, first.left), (1, 1));
    assert_eq!(claim(&mut world, "amy", &coupon, None, "l"), Err(Rejected::AlreadyClaimed));
    let second = claim(&mut world, "bob", &coupon, None, "k").unwrap();
    assert_ne!(first.ticket, second.ticket);
    assert_eq!(claim(&mut world, "cat", &coupon, None, "k"), Err(Rejected::SoldOut { left: 0 }));

    assert_eq!(claim(&mut world, "amy", &coupon, None, "k"), Ok(first.clone()), "same key");
    let now = at(world.now);
    let mine = world.room_mut("a").look(member("amy", Role::Viewer), now).shop.mine;
    assert_eq!(mine.coupons, [(coupon.clone(), first.ticket.clone())]);
    let told = world.personal.iter().map(|(_, user, event)| (user.as_str(), &event.body));
    let expected = EventBody::Shop(ShopEvent::Coupon(CouponEvent::Claimed(first)));
    assert_eq!(told.collect::<Vec<_>>()[0], ("amy", &expected));
}

#[test]
fn a_coupon_is_had_from_the_first_instant_to_the_last_and_only_with_the_word() {
    let mut world = World::new(&["a"]);
    let (lead, keyword) = (Duration::from_secs(3), Some(title("Link!")));
    let coupon = issue(&mut world, CouponOffer { lead, keyword, ..offer(9) });

    world.run_for(2_999);
    let early = claim(&mut world, "amy", &coupon, Some("link!"), "a");
    assert_eq!(early, Err(Rejected::NotOpen { opens_in_ms: 1 }));
    world.run_for(1);
    assert_eq!(claim(&mut world, "amy", &coupon, None, "b"), Err(Rejected::ConditionUnmet));
    claim(&mut world, "amy", &coupon, Some(" link! "), "c").unwrap();
    world.run_for(9_999);
    claim(&mut world, "bob", &coupon, Some("LINK!"), "d").unwrap();
    world.run_for(1);
    let late = claim(&mut world, "cat", &coupon, Some("link!"), "e");
    assert_eq!(late, Err(Rejected::Closed("coupon")));
}

#[test]
fn a_coupon_is_good_for_as_long_as_it_says_and_what_was_claimed_outlives_the_rest() {
    let mut world = World::new(&["a"]);
    let valid_for = Ttl::new(60);
    let offer = offer(2);
    let terms = CouponTerms { valid_for, ..offer.terms.clone() };
    let coupon = issue(&mut world, CouponOffer { terms, ..offer });
    world.run_for(1_000);
    let ticket = claim(&mut world, "amy", &coupon, None, "k").unwrap();
    assert_eq!(ticket.valid_until, Some(at(world.now + 60_000)));

    let cancel = of(CouponCommand::Cancel(coupon.clone()));
    world.command_by("a", "root", Role::Admin, cancel).unwrap();
    assert_eq!(claim(&mut world, "bob", &coupon, None, "k"), Err(Rejected::Closed("coupon")));
    let record = world.room("a").coupon(&coupon, LogPage::default()).unwrap();
    assert_eq!((record.coupon.state, record.coupon.left), (CouponState::Cancelled, 1));
    let holders: Vec<_> = record.holders.iter().map(|it| (&it.user, &it.ticket)).collect();
    assert_eq!(holders, [(&crate::world::user("amy"), &ticket.ticket)]);
}

#[test]
fn a_coupon_for_a_product_needs_that_product() {
    let mut world = World::new(&["a"]);
    let product = ProductId::parse("nowhere");
    let offer = offer(1);
    let terms = CouponTerms { product, ..offer.terms.clone() };
    let issued = CouponCommand::Issue(Box::new(CouponOffer { terms, ..offer }));
    let refused = world.command_by("a", "host", Role::Host, of(issued));
    assert_eq!(refused, Err(Rejected::NotFound("product")));
}

#[test]
fn who_may_issue_claim_and_cancel() {
    let mut world = World::new(&["a"]);
    let coupon = issue(&mut world, offer(100));
    for role in Role::ALL {
        let name = role.as_str();
        let issued = of(CouponCommand::Issue(Box::new(offer(1))));
        let may = matches!(role, Role::Host | Role::Assistant);
        assert_eq!(world.command_by("a", name, role, issued).is_ok(), may, "{role:?}");
        let (coupon, idem) = (coupon.clone(), idem("k"));
        let claimed = of(CouponCommand::Claim(CouponClaim { coupon, keyword: None, idem }));
        let may = matches!(role, Role::Viewer | Role::Guest | Role::Moderator);
        assert_eq!(world.command_by("a", name, role, claimed).is_ok(), may, "{role:?}");
    }
}

#[test]
fn any_coupons_are_what_their_model_says() {
    const SCHEDULES: u64 = 700;
    const STEPS: usize = 200;
    let mut reached = Reached::default();
    for seed in 0..SCHEDULES {
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step(&mut reached);
        }
        run.finish();
    }
    let outcomes =
        ["claimed", "again", "early", "late", "sold out", "unmet", "repeat", "cancelled", "crash"];
    reached.expect(&outcomes, 200);
}

const USERS: [&str; 8] = ["amy", "bob", "cat", "dan", "eve", "fay", "gus", "hal"];

/// All that was ever claimed of one kind.
struct Model {
    id: CouponId,
    open_at: u64,
    close_at: u64,
    count: u32,
    keyword: bool,
    cancelled: bool,
    holders: Vec<&'static str>,
}

struct Run {
    seed: u64,
    rng: Rng,
    world: World,
    models: Vec<Model>,
    keys: BTreeMap<(&'static str, u8), (usize, CouponTicket)>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let (rng, world) = (Rng::with_seed(seed), World::new(&["a"]));
        Self { seed, rng, world, models: Vec::new(), keys: BTreeMap::new() }
    }

    fn step(&mut self, reached: &mut Reached) {
        let pause = [0, 1, 200, 3_000][self.rng.usize(0..4)];
        self.world.run_for(self.rng.u64(0..=pause));
        match self.rng.u8(0..40) {
            0..3 => self.issue(),
            3 => self.cancel(reached),
            4 => {
                reached.count("crash");
                self.world.crash("a", &mut self.rng);
            }
            _ => self.claim(reached),
        }
    }

    fn issue(&mut self) {
        let lead = self.rng.u64(0..3_000);
        let keyword = self.rng.u8(0..3) == 0;
        let open_for = self.rng.u32(1_000..9_000);
        let issued = CouponOffer {
            lead: Duration::from_millis(lead),
            keyword: keyword.then(|| title("link")),
            open_for: SaleDuration::new(open_for).unwrap(),
            ..offer(self.rng.u32(1..7))
        };
        let count = issued.count.number();
        let command = of(CouponCommand::Issue(Box::new(issued)));
        let Ok(reply) = self.world.command_by("a", "host", Role::Host, command) else { return };
        let Reply::Shop(ShopReply::Coupon(CouponReply::Issued { coupon, open_at })) = reply else {
            panic!("seed {}: {reply:?}", self.seed);
        };
        let open_at = open_at.unix_millis();
        assert_eq!(open_at, self.world.now + lead);
        self.models.push(Model {
            id: coupon,
            open_at,
            close_at: open_at + u64::from(open_for),
            count,
            keyword,
            cancelled: false,
            holders: Vec::new(),
        });
    }

    fn cancel(&mut self, reached: &mut Reached) {
        let Some(model) = self.models.last_mut() else { return };
        let now = self.world.now;
        let is_over = model.cancelled || now >= model.close_at || model.left() == 0;
        let command = of(CouponCommand::Cancel(model.id.clone()));
        let answer = self.world.command_by("a", "host", Role::Host, command);
        assert_eq!(answer.is_ok(), !is_over, "seed {}", self.seed);
        if !is_over {
            model.cancelled = true;
            reached.count("cancelled");
        }
    }

    fn claim(&mut self, reached: &mut Reached) {
        let Some(index) = self.models.len().checked_sub(1 + self.rng.usize(0..2)) else { return };
        let (user, key) = (USERS[self.rng.usize(0..USERS.len())], self.rng.u8(0..30));
        let model = &mut self.models[index];
        let known = self.keys.get(&(user, key));
        // Another word would be another request.
        let said = model.keyword.then_some("link").filter(|_| known.is_some() || self.rng.bool());
        let (now, name) = (self.world.now, format!("k{key}"));
        let answer = claim(&mut self.world, user, &model.id, said, &name);
        if let Some((before, ticket)) = known {
            let expected = if *before == index {
                Ok(ticket.clone())
            } else {
                Err(Rejected::IdempotencyMismatch)
            };
            assert_eq!(answer, expected, "seed {}: key {key} of {user}", self.seed);
            reached.count("repeat");
            return;
        }
        if answer == Err(Rejected::RateLimited) {
            return;
        }
        let (outcome, expected) = model.expect(user, said.is_some(), now);
        reached.count(outcome);
        match (answer, expected) {
            (Ok(ticket), None) => {
                model.holders.push(user);
                let place = u32::try_from(model.holders.len()).unwrap();
                assert_eq!((ticket.place, ticket.left), (place, model.left()), "{}", self.seed);
                self.keys.insert((user, key), (index, ticket));
            }
            (Err(refused), Some(expected)) => assert_eq!(refused, expected, "seed {}", self.seed),
            (answer, expected) => panic!("seed {}: {answer:?}, not {expected:?}", self.seed),
        }
    }

    fn finish(mut self) {
        let now = at(self.world.now);
        let eve = member("eve", Role::Viewer);
        let shown: Vec<CouponView> = self.world.room_mut("a").look(eve, now).shop.coupons;
        for view in shown {
            let model = self.models.iter().find(|model| model.id == view.coupon).unwrap();
            assert_eq!((view.count, view.left), (model.count, model.left()), "{}", self.seed);
            let record = self.world.room("a").coupon(&view.coupon, LogPage::default()).unwrap();
            let holders: Vec<&str> = record.holders.iter().map(|it| it.user.as_str()).collect();
            assert_eq!(holders, model.holders, "seed {}", self.seed);
        }
    }
}

impl Model {
    fn left(&self) -> u32 {
        self.count - u32::try_from(self.holders.len()).unwrap()
    }

    fn expect(&self, user: &str, said: bool, now: u64) -> (&'static str, Option<Rejected>) {
        if self.holders.contains(&user) {
            ("again", Some(Rejected::AlreadyClaimed))
        } else if self.left() == 0 {
            ("sold out", Some(Rejected::SoldOut { left: 0 }))
        } else if self.cancelled || now >= self.close_at {
            ("late", Some(Rejected::Closed("coupon")))
        } else if now < self.open_at {
            ("early", Some(Rejected::NotOpen { opens_in_ms: self.open_at - now }))
        } else if self.keyword && !said {
            ("unmet", Some(Rejected::ConditionUnmet))
        } else {
            ("claimed", None)
        }
    }
}

fn of(command: CouponCommand) -> Command {
    Command::Shop(ShopCommand::Coupon(command))
}

/// At once, for ten seconds.
fn offer(count: u32) -> CouponOffer {
    CouponOffer {
        terms: CouponTerms {
            title: title("Ten off"),
            worth: CouponWorth::Amount(amount(1_000)),
            min_spend: Amount::new(0).unwrap(),
            currency: Currency::CNY,
            product: None,
            valid_for: None,
        },
        count: CouponCount::new(count).unwrap(),
        keyword: None,
        lead: Duration::ZERO,
        open_for: SaleDuration::new(10_000).unwrap(),
    }
}

fn issue(world: &mut World, offer: CouponOffer) -> CouponId {
    let command = of(CouponCommand::Issue(Box::new(offer)));
    match world.command_by("a", "host", Role::Host, command).unwrap() {
        Reply::Shop(ShopReply::Coupon(CouponReply::Issued { coupon, .. })) => coupon,
        other => panic!("not a coupon: {other:?}"),
    }
}

fn claim(
    world: &mut World,
    user: &str,
    coupon: &CouponId,
    said: Option<&str>,
    key: &str,
) -> Result<CouponTicket, Rejected> {
    let (coupon, keyword) = (coupon.clone(), said.map(title));
    let command = of(CouponCommand::Claim(CouponClaim { coupon, keyword, idem: idem(key) }));
    match world.command_by("a", user, Role::Viewer, command)? {
        Reply::Shop(ShopReply::Coupon(CouponReply::Claimed(ticket))) => Ok(ticket),
        other => panic!("not a ticket: {other:?}"),
    }
}
