//! A red packet: a sum that the host gives away in shares, one to a user, first come first served.
//!
//! ```text
//! Counting ──open_at──▶ Open ──last share taken──▶ Empty
//!     │                   ├─────── close_at ──────▶ Expired
//!     └───── cancel ──────┴───────────────────────▶ Cancelled
//! ```

use std::collections::HashSet;
use std::time::Duration;

use super::command::has_said;
use super::shares::split;
use crate::announcer::Announcer;
use crate::countdown::CountdownTimer;
use crate::pace::Throttle;
use crate::shelf::OnShelf;
use crate::{
    Countdown, CountdownKind, EventBody, GiveawayEvent, Member, PacketClaim, PacketId, PacketOffer,
    PacketRecord, PacketShare, PacketState, PacketTaker, PacketView, Rejected, Seed, ServerTime,
    Title, UserId,
};

/// What is left is told at most five times a second, however fast it goes.
const LEFT_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(crate) struct RedPacket {
    view: PacketView,
    keyword: Option<Title>,
    countdown: Option<CountdownTimer>,
    /// All shares, in the order in which they are given out.
    shares: Vec<u64>,
    /// One for each share that was given out.
    takers: Vec<PacketTaker>,
    users: HashSet<UserId>,
    left_told: Throttle,
}

impl RedPacket {
    pub(crate) fn open(
        id: PacketId,
        offer: &PacketOffer,
        seed: &Seed,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Self {
        let open_at = now + offer.lead;
        let close_at = open_at + Duration::from_millis(offer.open_for.number().into());
        let view = PacketView {
            packet: id,
            title: offer.title.clone(),
            total: offer.sum.total(),
            shares: offer.sum.shares(),
            split: offer.sum.split(),
            wants_keyword: offer.keyword.is_some(),
            open_at,
            close_at,
            left: offer.sum.shares(),
            left_total: offer.sum.total(),
            state: if offer.lead.is_zero() { PacketState::Open } else { PacketState::Counting },
            luckiest: None,
            refunded: 0,
        };
        tell(&view, now, out);
        let subject = view.packet.as_str();
        let countdown = (view.state == PacketState::Counting).then(|| {
            let kind = CountdownKind::PacketOpen;
            CountdownTimer::start(kind, subject, open_at, Some(close_at), now, out)
        });
        Self {
            countdown,
            keyword: offer.keyword.clone(),
            shares: split(offer.sum, seed),
            takers: Vec::new(),
            users: HashSet::new(),
            left_told: Throttle::new(LEFT_EVERY),
            view,
        }
    }

    /// Gives out a share, or says why not.
    pub(crate) fn handle_claim(
        &mut self,
        member: &Member,
        claim: &PacketClaim,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Result<PacketShare, Rejected> {
        if self.users.contains(&member.user) {
            return Err(Rejected::AlreadyClaimed);
        }
        match self.view.state {
            PacketState::Counting => return Err(Rejected::not_open(self.view.open_at.since(now))),
            PacketState::Empty => return Err(Rejected::SoldOut { left: 0 }),
            PacketState::Expired => return Err(Rejected::Expired("red packet")),
            PacketState::Cancelled => return Err(Rejected::Closed("red packet")),
            PacketState::Open => {}
        }
        if !has_said(self.keyword.as_ref(), claim.keyword.as_ref()) {
            return Err(Rejected::ConditionUnmet);
        }
        assert!(now >= self.view.open_at && now < self.view.close_at, "no share out of time");
        let amount = self.shares[self.takers.len()];
        let (user, name) = (member.user.clone(), member.name.clone());
        self.users.insert(user.clone());
        self.takers.push(PacketTaker { user, name, amount });
        self.view.left -= 1;
        self.view.left_total -= amount;
        if self.view.left == 0 {
            self.finish(PacketState::Empty, now, out);
        } else {
            self.left_told.touch(now);
        }
        self.check();
        Ok(PacketShare {
            packet: self.view.packet.clone(),
            amount,
            place: u32::try_from(self.takers.len()).expect("there are ten thousand at most"),
            left: self.view.left,
        })
    }

    /// Takes it back; what was claimed stays claimed.
    pub(crate) fn cancel(&mut self, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        if self.is_over() {
            return Err(Rejected::Closed("red packet"));
        }
        if let Some(countdown) = &mut self.countdown {
            countdown.cancel(now, out);
        }
        self.finish(PacketState::Cancelled, now, out);
        Ok(())
    }

    pub(crate) const fn view(&self) -> &PacketView {
        &self.view
    }

    pub(crate) fn record(&self) -> PacketRecord {
        PacketRecord { packet: self.view.clone(), takers: self.takers.clone() }
    }

    fn finish(&mut self, state: PacketState, now: ServerTime, out: &mut Announcer) {
        assert!(self.view.state < state, "a red packet never goes back");
        self.view.state = state;
        self.view.refunded = self.view.left_total;
        // Of two who got as much, the first.
        let most = self.takers.iter().rev().max_by_key(|taker| taker.amount);
        self.view.luckiest = most.cloned();
        self.left_told.clear();
        tell(&self.view, now, out);
    }

    fn check(&self) {
        let taken: u64 = self.takers.iter().map(|taker| taker.amount).sum();
        assert_eq!(taken + self.view.left_total, self.view.total, "money does not vanish");
        assert_eq!(self.takers.len(), self.users.len(), "one share to a user");
        assert_eq!(self.takers.len() + self.view.left as usize, self.shares.len());
    }
}

impl OnShelf for RedPacket {
    type Id = PacketId;

    fn id(&self) -> &PacketId {
        &self.view.packet
    }

    fn is_over(&self) -> bool {
        match self.view.state {
            PacketState::Counting | PacketState::Open => false,
            PacketState::Empty | PacketState::Expired | PacketState::Cancelled => true,
        }
    }

    fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        if let Some(countdown) = &mut self.countdown {
            countdown.handle_timeout(now, out);
        }
        if self.view.state == PacketState::Counting && now >= self.view.open_at {
            self.view.state = PacketState::Open;
            tell(&self.view, now, out);
        }
        if self.view.state == PacketState::Open && now >= self.view.close_at {
            self.finish(PacketState::Expired, now, out);
        }
        if self.left_told.take(now) {
            tell(&self.view, now, out);
        }
        self.check();
    }

    fn poll_timeout(&self) -> Option<ServerTime> {
        let state = match self.view.state {
            PacketState::Counting => Some(self.view.open_at),
            PacketState::Open => Some(self.view.close_at),
            PacketState::Empty | PacketState::Expired | PacketState::Cancelled => None,
        };
        let countdown = self.countdown.as_ref().and_then(CountdownTimer::poll_timeout);
        [state, countdown, self.left_told.poll_timeout()].into_iter().flatten().min()
    }

    fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        // One that is over has nothing to give back any more.
        let _ = self.cancel(now, out);
    }

    fn countdown(&self) -> Option<&Countdown> {
        self.countdown.as_ref().filter(|_| !self.is_over()).map(CountdownTimer::shown)
    }
}

fn tell(view: &PacketView, now: ServerTime, out: &mut Announcer) {
    out.broadcast(EventBody::Giveaway(GiveawayEvent::Packet(view.clone())), now);
}
