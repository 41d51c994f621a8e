//! A battle as this room's viewers see it. Every room of it has one; it turns each new view into the
//! events and countdowns that follow from it, so the rooms tell the same story.

use crate::announcer::Announcer;
use crate::countdown::CountdownTimer;
use crate::{BattleState, BattleView, Countdown, CountdownKind, EventBody, ServerTime};

#[derive(Debug)]
pub(crate) struct Scoreboard {
    view: BattleView,
    countdown: Option<CountdownTimer>,
}

impl Scoreboard {
    /// Shows a battle for the first time.
    pub(crate) fn new(view: BattleView, now: ServerTime, out: &mut Announcer) -> Self {
        out.broadcast(EventBody::PkUpdated(view.clone()), now);
        Self { view, countdown: None }
    }

    /// Shows the next version; a room that gives up on the owner has no new version to show.
    pub(crate) fn show(&mut self, next: BattleView, now: ServerTime, out: &mut Announcer) {
        let gives_up = next.state == BattleState::Idle && self.view.version == next.version;
        assert!(self.view.version < next.version || gives_up, "a battle never goes back");
        assert!(self.view.rooms().eq(next.rooms()), "sides keep their places");

        let only_the_score = next.only_scores_since(&self.view);
        let top = (self.view.top != next.top).then(|| next.top.clone());
        let entered = (self.view.state, self.view.round) != (next.state, next.round);
        self.view = next;
        if only_the_score {
            let BattleView { pk, version, scores, .. } = self.view.clone();
            out.broadcast(EventBody::PkScore { pk, version, scores, top }, now);
            return;
        }
        if entered && let Some(mut last) = self.countdown.take() {
            last.cancel(now, out);
        }
        out.broadcast(EventBody::PkUpdated(self.view.clone()), now);
        if entered {
            self.countdown = self.start_countdown(now, out);
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        if let Some(countdown) = &mut self.countdown {
            countdown.handle_timeout(now, out);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.countdown.as_ref().and_then(CountdownTimer::poll_timeout)
    }

    pub(crate) const fn view(&self) -> &BattleView {
        &self.view
    }

    pub(crate) fn countdown(&self) -> Option<&Countdown> {
        self.countdown.as_ref().map(CountdownTimer::shown)
    }

    fn start_countdown(&self, now: ServerTime, out: &mut Announcer) -> Option<CountdownTimer> {
        let BattleView { start_at, end_at, punish_until, .. } = self.view;
        let (kind, open_at, close_at) = match self.view.state {
            BattleState::Preparing => (CountdownKind::PkStart, start_at?, end_at),
            BattleState::Battling => (CountdownKind::PkEnd, end_at?, None),
            BattleState::Punishing => (CountdownKind::Punish, punish_until?, None),
            BattleState::Inviting
            | BattleState::Linking
            | BattleState::Linked
            | BattleState::Idle => return None,
        };
        let subject = self.view.pk.as_str();
        // Later battles of a link have countdowns of their own.
        let name = match self.view.round {
            0 | 1 => subject.to_owned(),
            round => format!("{subject}-{round}"),
        };
        Some(CountdownTimer::start_named(kind, &name, subject, open_at, close_at, now, out))
    }
}
