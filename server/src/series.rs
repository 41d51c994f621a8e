//! What a room's figures were over time: a point every ten seconds, the last six hours. Totals count
//! from the room's beginning, but for orders and likes, which count from when this server began.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use room_rules::{Effect, EventBody, OrderNews, Reactions, ServerTime, ShopEvent, UserId};
use wire_format::StatsPoint;

use crate::fired::FiredReports;

const STEP: Duration = Duration::from_secs(10);
/// Six hours. Full: the oldest point goes.
const KEPT: usize = 2_160;
/// A publisher that was silent for so long sends nothing.
const SILENT: Duration = Duration::from_secs(10);

/// The figures of one room.
#[derive(Debug, Default)]
pub(crate) struct Series {
    points: VecDeque<StatsPoint>,
    last_at: Option<ServerTime>,
    reactions: Reactions,
    orders: u64,
    /// What each publisher sends in kbit/s, as was last heard.
    uplinks: HashMap<UserId, (u64, ServerTime)>,
    /// What pages say of their countdowns.
    pub(crate) fired: FiredReports,
}

impl Series {
    /// Takes what the room tells.
    pub(crate) fn handle_effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Broadcast(event) => {
                if let EventBody::React(reactions) = &event.body {
                    self.reactions = reactions.clone();
                } else if let EventBody::Countdown(countdown) = &event.body {
                    self.fired.handle_countdown(countdown);
                }
            }
            Effect::ToUser { event, .. } => {
                if let EventBody::Shop(ShopEvent::Order(OrderNews::Drawn(_))) = &event.body {
                    self.handle_order();
                }
            }
            Effect::ToRoom { .. }
            | Effect::StageChanged
            | Effect::Unpublish(_)
            | Effect::Silence { .. }
            | Effect::Expel(_)
            | Effect::ToStaff(_)
            | Effect::Whisper(_)
            | Effect::Keep
            | Effect::Ended(_) => {}
        }
    }

    /// Takes that an order was accepted.
    pub(crate) const fn handle_order(&mut self) {
        self.orders += 1;
    }

    /// Takes what a publisher sends.
    pub(crate) fn handle_uplink(&mut self, user: UserId, kbps: u64, now: ServerTime) {
        self.uplinks.insert(user, (kbps, now));
    }

    /// Notes a point if one is due.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime) {
        if self.last_at.is_some_and(|last| now.since(last) < STEP) {
            return;
        }
        self.last_at = Some(now);
        self.uplinks.retain(|_, (_, heard)| now.since(*heard) <= SILENT);
        if self.points.len() == KEPT {
            self.points.pop_front();
        }
        let Reactions { online, likes, gifts, coins, .. } = self.reactions;
        self.points.push_back(StatsPoint {
            at: now.unix_millis(),
            viewers: online,
            likes,
            gifts,
            coins,
            orders: self.orders,
            kbps: self.uplinks.values().map(|(kbps, _)| kbps).sum(),
            fired: self.fired.count(),
            fired_off: self.fired.count_off(),
        });
    }

    /// Returns up to `count` points after `after`, in Unix milliseconds, oldest first.
    pub(crate) fn points(&self, after: u64, count: usize) -> Vec<StatsPoint> {
        let from = self.points.partition_point(|point| point.at <= after);
        self.points.range(from..).take(count).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use room_rules::Event;

    use super::*;

    fn at(seconds: u64) -> ServerTime {
        ServerTime::from_unix_millis(seconds * 1_000)
    }

    fn react(coins: u64) -> Effect {
        let reactions = Reactions { online: 7, coins, ..Reactions::default() };
        let body = EventBody::React(reactions);
        Effect::Broadcast(Event { at: at(0), sequence: 1, body })
    }

    #[test]
    fn a_point_is_noted_every_ten_seconds_and_six_hours_of_them_are_kept() {
        let mut series = Series::default();
        for second in 1..=30_000 {
            series.handle_effect(&react(second));
            series.handle_timeout(at(second));
        }
        let points = series.points(0, usize::MAX);
        assert_eq!(points.len(), KEPT);
        assert!(points.is_sorted_by(|a, b| a.at + 10_000 == b.at));
        let last = points.last().unwrap();
        assert_eq!((last.at, last.coins, last.viewers), (29_991_000, 29_991, 7));
        let page = series.points(29_971_000, 1);
        assert_eq!((page.len(), page[0].at), (1, 29_981_000));
    }

    #[test]
    fn a_publisher_that_falls_silent_is_not_counted() {
        let mut series = Series::default();
        let user = |name| UserId::parse(name).unwrap();
        series.handle_uplink(user("a"), 1_500, at(1));
        series.handle_uplink(user("b"), 500, at(1));
        series.handle_order();
        series.handle_timeout(at(2));
        series.handle_uplink(user("b"), 600, at(11));
        series.handle_timeout(at(12));
        let points = series.points(0, 9);
        assert_eq!(points.iter().map(|point| point.kbps).collect::<Vec<_>>(), [2_000, 600]);
        assert_eq!(points[1].orders, 1);
    }
}
