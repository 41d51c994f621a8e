//! What must hold of all that a schedule was told, and how often its interesting cases were reached.

use std::collections::{BTreeMap, BTreeSet};

use room_rules::{BattleState, EventBody, RoomId, ServerTime, Stream};

use crate::crash::is_durable;
use crate::{Reached, Schedule};

impl Schedule {
    pub(crate) fn finish(mut self, reached: &mut Reached) {
        self.world.run_for(200_000);
        let seed = self.seed;
        for in_room in ["a", "b"] {
            self.check_replay(in_room);
        }
        reached.crashes += self.crashes;
        reached.crashed_sales += self.crashed_sales;
        reached.crashed_battles += self.crashed_battles;
        self.check_orders(reached);
        self.check_sequences();
        self.check_battles(reached);
        for (in_room, coins) in &self.coins {
            let told = self.world.told(in_room).into_iter().filter_map(|body| match body {
                EventBody::Gifts(items) => Some(items.iter().map(|item| item.coins).sum::<u64>()),
                _ => None,
            });
            assert_eq!(told.sum::<u64>(), *coins, "seed {seed}: coins in {in_room}");
        }
        reached.repeats += self.repeats;
        reached.lucky += self.lucky;
        reached.shown += self.shown;
        reached.played += self.played;
        reached.asked += self.asked;
        reached.answered += self.answered;
        let on_air = self.world.events.iter().filter(|(_, event)| match &event.body {
            EventBody::StageUpdated(stage) => stage.iter().any(|on| on.seat.number() > 0),
            _ => false,
        });
        reached.seats += on_air.count() as u64;
    }

    fn check_orders(&self, reached: &mut Reached) {
        for (sale, orders) in &self.orders {
            let sequence: BTreeSet<u64> = orders.values().map(|(seq, _)| *seq).collect();
            let expected: BTreeSet<u64> = (1..=orders.len() as u64).collect();
            assert_eq!(sequence, expected, "seed {}: gaps in {sale}", self.seed);

            let mut views = self.world.events.iter().filter_map(|(_, event)| match &event.body {
                EventBody::SaleUpdated(view) if view.sale.as_str() == sale => Some(view),
                _ => None,
            });
            let last = views.next_back().unwrap();
            let units: u32 = orders.values().map(|(_, units)| units).sum();
            assert!(units <= last.stock, "seed {}: oversold {sale}", self.seed);
            assert_eq!(units, last.stock - last.left, "seed {}: {sale}", self.seed);
            reached.orders += orders.len() as u64;
            reached.sold_out += u64::from(last.left == 0);
        }
    }

    /// Each stream of each room counts from one without gaps, and its time never steps back.
    fn check_sequences(&self) {
        let mut last: BTreeMap<(RoomId, String), (u64, ServerTime)> = BTreeMap::new();
        for (in_room, event) in &self.world.events {
            let stream: Stream = event.body.stream();
            let id = (in_room.clone(), format!("{stream:?}"));
            let (sequence, at) = last.get(&id).copied().unwrap_or((0, event.at));
            let jumps = self.crashes > 0 && !is_durable(&event);
            let follows = event.sequence == sequence + 1;
            let goes_on = follows || (jumps && event.sequence > sequence);
            assert!(goes_on, "seed {}: {stream:?} {} {sequence}", self.seed, event.sequence);
            assert!(event.at >= at, "seed {}: {stream:?}", self.seed);
            last.insert(id, (event.sequence, event.at));
        }
    }

    /// Whatever version of a battle both rooms have told, they told it alike.
    fn check_battles(&self, reached: &mut Reached) {
        let mut told: BTreeMap<(String, u64), (RoomId, Vec<u64>)> = BTreeMap::new();
        for (in_room, event) in &self.world.events {
            let (pk, version, points) = match &event.body {
                EventBody::PkScore { pk, version, scores, .. } => (pk, *version, &scores.points),
                EventBody::PkUpdated(battle) => {
                    let begins = battle.state == BattleState::Battling;
                    reached.battles += u64::from(begins && *in_room == battle.sides[0].room);
                    (&battle.pk, battle.version, &battle.scores.points)
                }
                _ => continue,
            };
            let id = (pk.as_str().to_owned(), version);
            if let Some((first, before)) = told.get(&id) {
                if first != in_room {
                    assert_eq!(before, points, "seed {}: {pk} {version}", self.seed);
                    reached.scores += u64::from(points.iter().any(|points| *points > 0));
                }
            } else {
                told.insert(id, (in_room.clone(), points.clone()));
            }
        }
    }
}
