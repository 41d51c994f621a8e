//! What is sold, shown, given away and asked, and who takes it.

use room_rules::{
    Amend, Command, CouponClaim, CouponCommand, CouponReply, GiveawayCommand, GiveawayReply,
    LotteryEntry, LotteryOffer, PacketClaim, PacketOffer, ProductChange, ProductCommand,
    QuizAnswer, QuizCommand, QuizReply, Reply, Seed, SessionId, ShopCommand, ShopReply, UserId,
};

use crate::Schedule;
use crate::world::{coupons, idem, lottery, order, packet, product, quiz};

impl Schedule {
    /// Hosts give coupons away and ask questions, the others claim and answer.
    pub(crate) fn play(&mut self, session: SessionId) {
        let key = idem(&format!("p{}", self.rng.u8(..)));
        let command = match (self.rng.u8(0..7), self.coupons.last(), self.quizzes.last()) {
            (0 | 1, Some(coupon), _) => ShopCommand::Coupon(CouponCommand::Claim(CouponClaim {
                coupon: coupon.clone(),
                keyword: None,
                idem: key,
            })),
            (2 | 3, _, Some(quiz)) => ShopCommand::Quiz(QuizCommand::Answer(QuizAnswer {
                quiz: quiz.clone(),
                question: self.rng.u32(1..3),
                option: self.rng.u8(0..2),
                idem: key,
            })),
            (4 | 5, _, Some(quiz)) => ShopCommand::Quiz(QuizCommand::Next(quiz.clone())),
            (0..4, ..) => ShopCommand::Coupon(CouponCommand::Issue(Box::new(coupons()))),
            _ => ShopCommand::Quiz(QuizCommand::Open(Box::new(quiz()))),
        };
        match self.world.command(session, Command::Shop(command)) {
            Ok(Reply::Shop(ShopReply::Coupon(CouponReply::Issued { coupon, .. }))) => {
                self.coupons.push(coupon);
            }
            Ok(Reply::Shop(ShopReply::Quiz(QuizReply::Opened { quiz }))) => self.quizzes.push(quiz),
            Ok(_) => self.played += 1,
            Err(_) => {}
        }
    }

    /// Hosts show products.
    pub(crate) fn show(&mut self, session: SessionId) {
        let command = match (self.rng.u8(0..6), self.rng.choice(self.products.clone())) {
            (0 | 1, _) | (_, None) => ProductCommand::Add(Box::new(product())),
            (2, Some(product)) => ProductCommand::Pin(product),
            (3, Some(product)) => ProductCommand::ExplainStart(product),
            (4, Some(product)) => {
                let stock = Amend::To(self.rng.u32(0..9));
                let change = Box::new(ProductChange { stock, ..ProductChange::default() });
                ProductCommand::Update { product, rev: None, change }
            }
            (_, Some(product)) => ProductCommand::Remove(product),
        };
        let command = Command::Shop(ShopCommand::Product(command));
        match self.world.command(session, command) {
            Ok(Reply::Shop(ShopReply::Product(placed))) => {
                if !self.products.contains(&placed.product) {
                    self.products.push(placed.product);
                }
                self.shown += 1;
            }
            Ok(_) => self.shown += 1,
            Err(_) => {}
        }
    }

    /// Hosts give things away, the others take.
    pub(crate) fn luck(&mut self, session: SessionId) {
        let seed = Some(Seed::new([self.rng.u8(..); 32]));
        let key = idem(&format!("l{}", self.rng.u8(..)));
        let command = match (self.rng.u8(0..4), self.packets.last(), self.lotteries.last()) {
            (0, Some(packet), _) => GiveawayCommand::PacketClaim(PacketClaim {
                packet: packet.clone(),
                keyword: None,
                idem: key,
            }),
            (1, _, Some(lottery)) => GiveawayCommand::LotteryEnter(LotteryEntry {
                lottery: lottery.clone(),
                keyword: None,
                idem: key,
            }),
            (0 | 2, ..) => GiveawayCommand::PacketOpen(Box::new(PacketOffer { seed, ..packet() })),
            _ => GiveawayCommand::LotteryOpen(Box::new(LotteryOffer { seed, ..lottery() })),
        };
        match self.world.command(session, Command::Giveaway(command)) {
            Ok(Reply::Giveaway(GiveawayReply::PacketOpened { packet, .. })) => {
                self.packets.push(packet);
            }
            Ok(Reply::Giveaway(GiveawayReply::LotteryOpened { lottery, .. })) => {
                self.lotteries.push(lottery);
            }
            Ok(Reply::Giveaway(_)) => self.lucky += 1,
            _ => {}
        }
    }

    pub(crate) fn place_order(&mut self, session: SessionId, name: &UserId) {
        let Some(sale) = self.rng.choice(self.sales.clone()) else { return };
        let key = format!("k{}-{sale}", self.rng.u8(0..4));
        let key = key[..key.len().min(64)].to_owned();
        let units = self.rng.u32(1..=2);
        let Ok(Reply::Order(placed)) = self.world.command(session, order(&sale, units, &key))
        else {
            return;
        };
        let orders = self.orders.entry(sale.as_str().to_owned()).or_default();
        let id = (name.as_str().to_owned(), key);
        let now = (placed.seq, placed.quantity.number());
        if let Some(before) = orders.insert(id, now) {
            assert_eq!(before, now, "seed {}: a repeated key was done anew", self.seed);
            self.repeats += 1;
        }
    }
}
