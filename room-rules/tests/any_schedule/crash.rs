//! Rooms that crash and are made again from their journals, and what must be the same then.

use room_rules::{Event, Role, SaleState, SaleView, SessionId, Snapshot, Stream};

use crate::Schedule;
use crate::world::{self, World, room};

const OBSERVER: SessionId = SessionId(u64::MAX);

/// Chat and totals do not survive a crash.
pub(crate) fn is_durable(event: &&Event) -> bool {
    !matches!(event.body.stream(), Stream::Chat | Stream::React)
}

/// What an observer sees of a room, but for what a crash may take; `None` if it lets nobody in.
fn view(world: &mut World, in_room: &str) -> Option<Snapshot> {
    let now = world::at(world.now);
    let room = world.room_mut(in_room);
    let seen = room.handle_join(OBSERVER, world::member("observer", Role::Admin), now).ok();
    assert_eq!(room.handle_leave(OBSERVER, now), None);
    world.drain();
    seen.map(without_the_fleeting)
}

fn without_the_fleeting(mut snapshot: Snapshot) -> Snapshot {
    snapshot.chat.clear();
    (snapshot.reactions.online, snapshot.reactions.likes) = (0, 0);
    (snapshot.watermarks.chat, snapshot.watermarks.react) = (0, 0);
    snapshot
}

fn first_difference(told: &[&Event], again: &[&Event]) -> String {
    let at = told.iter().zip(again).position(|(a, b)| a != b);
    let at = at.unwrap_or_else(|| told.len().min(again.len()));
    format!("event {at}: {:?}, then {:?}", told.get(at), again.get(at))
}

impl Schedule {
    pub(crate) fn crash(&mut self, in_room: &'static str) {
        self.check_replay(in_room);
        let before = view(&mut self.world, in_room);
        self.world.crash(in_room, &mut self.rng);
        let after = view(&mut self.world, in_room);
        if let (Some(before), Some(after)) = (before, after) {
            assert_eq!(
                before.sales, after.sales,
                "seed {}: a crash is no end of a sale",
                self.seed
            );
            let pk = |snapshot: &Snapshot| snapshot.battle.as_ref().map(|battle| battle.pk.clone());
            let other = view(&mut self.world, if in_room == "a" { "b" } else { "a" });
            // Letters that were lost may have left one room in a battle that the other is not in, or in
            // another state; a room that begins anew writes them again.
            let is_calm = self.world.now > self.lost_at + 10_000;
            if is_calm && other.is_some_and(|other| pk(&other) == pk(&before)) {
                let still = |snapshot: &Snapshot| {
                    let battle = snapshot.battle.clone()?;
                    Some((battle.pk, battle.state, battle.start_at, battle.end_at))
                };
                assert_eq!(still(&before), still(&after), "seed {}: nor of a battle", self.seed);
            }
            let is_open = |sale: &SaleView| sale.state == SaleState::Open;
            self.crashed_sales += u64::from(after.sales.iter().any(is_open));
            self.crashed_battles += u64::from(after.battle.is_some());
        }
        self.crashes += 1;
    }

    /// The journal of a room makes the same room again, and the same events on all streams that
    /// follow from it.
    pub(crate) fn check_replay(&mut self, in_room: &'static str) {
        let (mut replayed, events) = self.world.replay(in_room, &mut self.rng);
        let told = self.world.events.iter().filter(|(id, _)| *id == room(in_room));
        let told: Vec<&Event> = told.map(|(_, event)| event).filter(is_durable).collect();
        let again: Vec<&Event> = events.iter().filter(is_durable).collect();
        assert!(told == again, "seed {}: {}", self.seed, first_difference(&told, &again));
        let now = world::at(self.world.now);
        let again = replayed.handle_join(OBSERVER, world::member("observer", Role::Admin), now);
        let again = again.ok().map(without_the_fleeting);
        assert_eq!(view(&mut self.world, in_room), again, "seed {}", self.seed);
        assert_eq!(replayed.stage(), self.world.room(in_room).stage(), "seed {}", self.seed);
    }
}
