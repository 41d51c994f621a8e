//! Many who come at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use room_rules::{Command, Member, Role, RoomId};
use serde_json::json;
use signaling::{Coming, Hooks, Limits, Refused, Services};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::Socket;
use crate::world::{PATIENCE, World};

const COMING: u32 = 300;
const AT_ONCE: u32 = 200;
const EVERY: Duration = Duration::from_millis(5);

#[tokio::test]
async fn three_hundred_sockets_at_once_all_get_in_and_no_faster_than_the_door_lets_them() {
    // Connecting takes its time and is not what the door paces: all are there before the first hello.
    let limits = Limits { hello_timeout: PATIENCE, ..Limits::default() };
    let world = World::with(limits).await;
    let sessions = world.open_room("crowded", 1_024);
    let (here, now) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let mut coming = JoinSet::new();
    for number in 0..COMING {
        let token = world.token("crowded", &format!("v{number}"), Role::Viewer);
        let (address, here, now) = (world.address, Arc::clone(&here), Arc::clone(&now));
        coming.spawn(async move {
            let mut socket = Socket::open_at(address, &token).await;
            here.add_permits(1);
            drop(now.acquire().await.unwrap());
            let hello = json!({"v": 1, "t": "hello", "rid": "h", "d": {"room": "crowded"}});
            socket.say(hello).await;
            assert_eq!(socket.hear().await["t"], "ack", "nobody has to come again");
            (Instant::now(), socket)
        });
    }
    here.acquire_many(COMING).await.unwrap().forget();
    let began = Instant::now();
    now.add_permits(COMING as usize);
    let mut joined: Vec<_> = coming.join_all().await;

    assert_eq!(sessions.lock().unwrap().len(), COMING as usize);
    joined.sort_by_key(|(at, _)| *at);
    // A busy machine lets them in later, never sooner.
    for (place, (at, _)) in (1..).zip(&joined).skip(AT_ONCE as usize) {
        let earliest = began + EVERY * (place - AT_ONCE);
        assert!(*at >= earliest, "number {place} came in {:?} early", earliest - *at);
    }
}

#[tokio::test]
async fn who_has_said_hello_may_wait_at_the_door_for_longer_than_one_may_be_silent() {
    let door = Arc::new(Door { knocked: Semaphore::new(0), open: Semaphore::new(0) });
    let silence = Duration::from_millis(700);
    let limits = Limits { hello_timeout: silence, ..Limits::default() };
    let hooks = Arc::clone(&door);
    let world = World::start(|services| Services { limits, hooks, ..services }).await;
    let mut socket = Socket::open(&world, &world.token("a", "vi", Role::Viewer)).await;
    socket.say(json!({"v": 1, "t": "hello", "rid": "h", "d": {"room": "a"}})).await;

    drop(door.knocked.acquire().await.unwrap());
    tokio::time::sleep(silence).await;
    door.open.add_permits(1);

    assert_eq!(socket.hear().await["t"], "ack");
}

/// Lets nobody in before it is opened.
struct Door {
    knocked: Semaphore,
    open: Semaphore,
}

impl Hooks for Door {
    fn may_come<'a>(
        &'a self,
        _: &'a RoomId,
        _: &'a Member,
        _: Coming,
    ) -> BoxFuture<'a, Result<(), Refused>> {
        self.knocked.add_permits(1);
        Box::pin(async {
            drop(self.open.acquire().await.unwrap());
            Ok(())
        })
    }

    fn concerns(&self, _: &Command) -> bool {
        false
    }

    fn look<'a>(
        &'a self,
        _: &'a RoomId,
        _: &'a Member,
        command: Command,
    ) -> BoxFuture<'a, Result<Command, Refused>> {
        Box::pin(async { Ok(command) })
    }
}
