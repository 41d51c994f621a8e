//! "3, 2, 1": a deadline that every client counts down to by itself.
//!
//! There are no tick messages. The whole object is repeated once a second in its last five seconds,
//! for a client that missed it; a repetition has the same revision and changes nothing. A deadline
//! may be put off and never brought forward: a client that has not heard of it would be late.

use std::time::Duration;

use crate::announcer::Announcer;
use crate::{CountdownId, EventBody, ServerTime};

/// An announcement must reach a weak network and still leave time to count.
pub(crate) const LEAD_MIN: Duration = Duration::from_millis(2_000);
const REPEAT_EVERY: Duration = Duration::from_secs(1);
const REPEATS: u32 = 5;

/// Announces a countdown, repeats it and fires it.
#[derive(Debug)]
pub(crate) struct CountdownTimer {
    shown: Countdown,
    repeat_at: Option<ServerTime>,
}

impl CountdownTimer {
    /// Announces a countdown to `open_at`.
    pub(crate) fn start(
        kind: CountdownKind,
        subject: &str,
        open_at: ServerTime,
        close_at: Option<ServerTime>,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Self {
        Self::start_named(kind, subject, subject, open_at, close_at, now, out)
    }

    /// Announces a countdown of a subject that has several, each with a name of its own.
    pub(crate) fn start_named(
        kind: CountdownKind,
        name: &str,
        subject: &str,
        open_at: ServerTime,
        close_at: Option<ServerTime>,
        now: ServerTime,
        out: &mut Announcer,
    ) -> Self {
        let shown = Countdown {
            id: CountdownId::made(&format!("{name}-{}", kind.id_suffix())),
            revision: 1,
            kind,
            open_at,
            close_at,
            state: CountdownState::Counting,
            labels: kind.labels(),
            subject: subject.to_owned(),
            fair: open_at.since(now) >= LEAD_MIN,
        };
        out.broadcast(EventBody::Countdown(shown.clone()), now);
        let repeat_at = next_repeat(open_at, now);
        Self { shown, repeat_at }
    }

    pub(crate) const fn shown(&self) -> &Countdown {
        &self.shown
    }

    /// Moves the deadline to a later one, unless it is over.
    pub(crate) fn put_off(
        &mut self,
        open_at: ServerTime,
        close_at: Option<ServerTime>,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        assert!(open_at >= self.shown.open_at, "a deadline never comes earlier than announced");
        if self.shown.state != CountdownState::Counting {
            return;
        }
        self.shown.open_at = open_at;
        self.shown.close_at = close_at;
        self.shown.revision += 1;
        self.repeat_at = next_repeat(open_at, now);
        out.broadcast(EventBody::Countdown(self.shown.clone()), now);
    }

    /// Calls the countdown off, unless it has fired.
    pub(crate) fn cancel(&mut self, now: ServerTime, out: &mut Announcer) {
        self.handle_timeout(now, out);
        if self.shown.state == CountdownState::Counting {
            self.finish(CountdownState::Cancelled, now, out);
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        if self.shown.state != CountdownState::Counting {
            return;
        }
        if now >= self.shown.open_at {
            self.finish(CountdownState::Fired, now, out);
        } else if self.repeat_at.is_some_and(|at| now >= at) {
            self.repeat_at = next_repeat(self.shown.open_at, now);
            out.broadcast(EventBody::Countdown(self.shown.clone()), now);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        match self.shown.state {
            CountdownState::Counting => Some(self.repeat_at.unwrap_or(self.shown.open_at)),
            CountdownState::Fired | CountdownState::Cancelled => None,
        }
    }

    fn finish(&mut self, state: CountdownState, now: ServerTime, out: &mut Announcer) {
        self.shown.state = state;
        self.shown.revision += 1;
        self.repeat_at = None;
        out.broadcast(EventBody::Countdown(self.shown.clone()), now);
    }
}

/// Returns the first whole second before `open_at`, of the last five, that lies after `now`.
fn next_repeat(open_at: ServerTime, now: ServerTime) -> Option<ServerTime> {
    (1..=REPEATS)
        .rev()
        .map(|left| open_at.before(REPEAT_EVERY * left))
        .find(|repeat_at| *repeat_at > now)
}

/// A countdown as everyone sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Countdown {
    /// Which.
    pub id: CountdownId,
    /// Rises with every change; a repetition keeps it.
    pub revision: u32,
    /// What happens at the end of it.
    pub kind: CountdownKind,
    /// The instant that is counted down to.
    pub open_at: ServerTime,
    /// When what opened closes, if it does.
    pub close_at: Option<ServerTime>,
    /// How far it is.
    pub state: CountdownState,
    /// What to show in each of the last seconds, and at the end.
    pub labels: &'static [&'static str],
    /// The id of the sale or battle it belongs to.
    pub subject: String,
    /// Whether it was announced early enough for everyone to be there in time.
    pub fair: bool,
}

/// What happens at the end of a countdown.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CountdownKind {
    /// Orders are accepted.
    SaleOpen,
    /// A red packet can be claimed.
    PacketOpen,
    /// Coupons can be claimed.
    CouponOpen,
    /// A lottery is drawn.
    LotteryDraw,
    /// Bids are taken.
    AuctionStart,
    /// Bids are no longer taken.
    AuctionEnd,
    /// Answers are no longer taken.
    QuizClose,
    /// Gifts begin to score.
    PkStart,
    /// Gifts no longer score.
    PkEnd,
    /// The punishment is over.
    Punish,
}

impl CountdownKind {
    const fn id_suffix(self) -> &'static str {
        match self {
            Self::SaleOpen | Self::PacketOpen | Self::CouponOpen => "open",
            Self::LotteryDraw => "draw",
            Self::AuctionStart | Self::PkStart => "start",
            Self::AuctionEnd | Self::PkEnd => "end",
            Self::QuizClose => "close",
            Self::Punish => "punish",
        }
    }

    const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::SaleOpen => &["3", "2", "1", "上链接!"],
            Self::PacketOpen => &["3", "2", "1", "抢红包!"],
            Self::CouponOpen => &["3", "2", "1", "领券!"],
            Self::LotteryDraw => &["3", "2", "1", "开奖!"],
            Self::PkStart => &["3", "2", "1", "PK!"],
            Self::AuctionStart => &["3", "2", "1", "开拍!"],
            Self::AuctionEnd => &["3", "2", "1", "落槌!"],
            Self::QuizClose | Self::PkEnd | Self::Punish => &["3", "2", "1", "时间到!"],
        }
    }
}

/// How far a countdown is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CountdownState {
    /// It runs.
    Counting,
    /// It is over.
    Fired,
    /// It was called off.
    Cancelled,
}
