//! A lottery that nobody needs to believe in: what decides it is fixed before anybody enters, and
//! told once nobody can change anything, so that everybody can do the draw again.
//!
//! 1. It opens with the SHA-256 of a seed.
//! 2. It closes with the SHA-256 of `id\nid\n..|count`, the ids of all who entered, sorted.
//! 3. It is drawn: the seed is told. The rank of an entry is HMAC-SHA256 under the seed of
//!    `lottery|hash of the list|id`; the lowest ranks win. The hash is in there so that who knows
//!    the seed cannot look for names that will win before the list is closed.
//!
//! ```text
//! Open ──close_at──▶ Closed ──draw_at──▶ Drawn
//!   └───── abort ──────┴───────────────▶ Aborted
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::command::has_said;
use crate::announcer::Announcer;
use crate::countdown::CountdownTimer;
use crate::pace::Throttle;
use crate::shelf::OnShelf;
use crate::{
    Countdown, CountdownKind, Digest, EventBody, GiveawayEvent, LotteryEntry, LotteryId,
    LotteryOffer, LotteryRecord, LotteryState, LotteryView, Member, Rejected, Seed, ServerTime,
    Title, UserId, Winner,
};

/// How many take part is told at most twice a second.
const ENTRIES_EVERY: Duration = Duration::from_millis(500);
/// Full: nobody else can enter.
const ENTRIES_MAX: usize = 50_000;

#[derive(Debug)]
pub(crate) struct Lottery {
    view: LotteryView,
    seed: Seed,
    keyword: Option<Title>,
    countdown: CountdownTimer,
    /// Names by id, and so sorted.
    entries: BTreeMap<UserId, Arc<str>>,
    /// The list once it is closed.
    closed: Arc<[UserId]>,
    entries_told: Throttle,
}

impl Lottery {
    pub(crate) fn open(
        id: LotteryId,
        offer: &LotteryOffer,
        seed: Seed,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Self {
        let close_at = now + Duration::from_millis(offer.open_for.number().into());
        let draw_at = close_at + offer.suspense.span();
        let view = LotteryView {
            lottery: id,
            title: offer.title.clone(),
            prize: offer.prize.clone(),
            places: offer.winners.number(),
            wants_keyword: offer.keyword.is_some(),
            commitment: seed.commitment(),
            close_at,
            draw_at,
            entries: 0,
            state: LotteryState::Open,
            entries_hash: None,
            seed: None,
            winners: Vec::new(),
        };
        tell(&view, now, out);
        let (kind, subject) = (CountdownKind::LotteryDraw, view.lottery.as_str());
        let countdown = CountdownTimer::start(kind, subject, draw_at, None, now, out);
        Self {
            countdown,
            seed,
            keyword: offer.keyword.clone(),
            entries: BTreeMap::new(),
            closed: Arc::new([]),
            entries_told: Throttle::new(ENTRIES_EVERY),
            view,
        }
    }

    /// Lets a member take part, or says why not; returns how many do.
    pub(crate) fn handle_entry(
        &mut self,
        member: &Member,
        entry: &LotteryEntry,
        now: ServerTime,
    ) -> Result<u64, Rejected> {
        if self.view.state != LotteryState::Open {
            return Err(Rejected::Closed("lottery"));
        }
        if self.entries.contains_key(&member.user) {
            return Err(Rejected::AlreadyClaimed);
        }
        if !has_said(self.keyword.as_ref(), entry.keyword.as_ref()) {
            return Err(Rejected::ConditionUnmet);
        }
        if self.entries.len() >= ENTRIES_MAX {
            return Err(Rejected::Conflict("the lottery takes no more entries"));
        }
        assert!(now < self.view.close_at, "nobody enters out of time");
        self.entries.insert(member.user.clone(), member.name.clone());
        self.view.entries = self.entries.len() as u64;
        self.entries_told.touch(now);
        Ok(self.view.entries)
    }

    /// Calls it off, for everybody to see.
    pub(crate) fn abort(&mut self, now: ServerTime, out: &mut Announcer) -> Result<(), Rejected> {
        if self.is_over() {
            return Err(Rejected::Closed("lottery"));
        }
        self.countdown.cancel(now, out);
        self.close();
        self.view.seed = Some(self.seed.reveal());
        self.enter(LotteryState::Aborted, now, out);
        Ok(())
    }

    pub(crate) const fn view(&self) -> &LotteryView {
        &self.view
    }

    pub(crate) fn record(&self) -> LotteryRecord {
        LotteryRecord { lottery: self.view.clone(), entries: self.closed.clone() }
    }

    fn close(&mut self) {
        if self.view.entries_hash.is_none() {
            self.closed = self.entries.keys().cloned().collect();
            let ids: Vec<&str> = self.closed.iter().map(UserId::as_str).collect();
            let list = format!("{}|{}", ids.join("\n"), ids.len());
            self.view.entries_hash = Some(Digest::of(&list));
        }
    }

    fn draw(&self) -> Vec<Winner> {
        let list = self.view.entries_hash.expect("a list is closed before it is drawn from");
        let draw = format!("{}|{list}", self.view.lottery);
        let mut ranked: Vec<(Digest, &UserId)> =
            self.closed.iter().map(|user| (self.seed.rank(&draw, user.as_str()), user)).collect();
        ranked.sort_unstable();
        let winner = |(_, user): &(Digest, &UserId)| Winner {
            user: (*user).clone(),
            name: self.entries[*user].clone(),
        };
        ranked.iter().take(self.view.places as usize).map(winner).collect()
    }

    fn enter(&mut self, state: LotteryState, now: ServerTime, out: &mut Announcer) {
        assert!(self.view.state < state, "a lottery never goes back");
        self.view.state = state;
        self.entries_told.clear();
        tell(&self.view, now, out);
    }

    fn check(&self) {
        let is_over = self.is_over();
        assert_eq!(self.view.seed.is_some(), is_over, "a seed is told once it is spent");
        assert_eq!(self.view.entries, self.entries.len() as u64);
        if self.view.state == LotteryState::Drawn {
            let places = (self.view.places as usize).min(self.entries.len());
            assert_eq!(self.view.winners.len(), places, "every prize that can be won is won");
        }
    }
}

impl OnShelf for Lottery {
    type Id = LotteryId;

    fn id(&self) -> &LotteryId {
        &self.view.lottery
    }

    fn is_over(&self) -> bool {
        match self.view.state {
            LotteryState::Open | LotteryState::Closed => false,
            LotteryState::Drawn | LotteryState::Aborted => true,
        }
    }

    fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        self.countdown.handle_timeout(now, out);
        if self.view.state == LotteryState::Open && now >= self.view.close_at {
            self.close();
            self.enter(LotteryState::Closed, now, out);
        }
        if self.view.state == LotteryState::Closed && now >= self.view.draw_at {
            self.view.winners = self.draw();
            self.view.seed = Some(self.seed.reveal());
            self.enter(LotteryState::Drawn, now, out);
        }
        if self.entries_told.take(now) {
            tell(&self.view, now, out);
        }
        self.check();
    }

    fn poll_timeout(&self) -> Option<ServerTime> {
        let state = match self.view.state {
            LotteryState::Open => Some(self.view.close_at),
            LotteryState::Closed => Some(self.view.draw_at),
            LotteryState::Drawn | LotteryState::Aborted => None,
        };
        let others = [self.countdown.poll_timeout(), self.entries_told.poll_timeout()];
        others.into_iter().chain([state]).flatten().min()
    }

    fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        // One that is over stays as it is.
        let _ = self.abort(now, out);
    }

    fn countdown(&self) -> Option<&Countdown> {
        (!self.is_over()).then(|| self.countdown.shown())
    }
}

fn tell(view: &LotteryView, now: ServerTime, out: &mut Announcer) {
    out.broadcast(EventBody::Giveaway(GiveawayEvent::Lottery(view.clone())), now);
}
