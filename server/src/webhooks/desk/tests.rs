//! Desks over a ledger in memory, in virtual time, and over real HTTP.

use std::collections::VecDeque;
use std::sync::Mutex;

use ledger::{Entry, Journal, Ledger, LetterFilter, LetterState, Notice};
use signaling::TokenKey;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;
use crate::config::{Endpoint, Webhooks};

const RETRY: Retry =
    Retry { first: Duration::from_secs(1), longest: Duration::from_secs(10), tries: 5 };

/// An endpoint that takes what it is told to take.
#[derive(Default)]
struct Taker {
    /// Whether the next posts are taken; `None` hangs. Beyond the list all are.
    answers: Mutex<VecDeque<Option<bool>>>,
    posts: Mutex<Vec<(Instant, String, u64)>>,
    news: Notify,
}

impl Taker {
    fn with(answers: impl IntoIterator<Item = Option<bool>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    async fn heard(&self, count: usize) -> Vec<(Instant, String, u64)> {
        loop {
            let news = self.news.notified();
            let posts = self.posts.lock().unwrap().clone();
            if posts.len() >= count {
                return posts;
            }
            news.await;
        }
    }
}

impl Post for Arc<Taker> {
    async fn post(&self, letter: &Letter) -> Result<(), String> {
        let post = (Instant::now(), letter.room.clone(), letter.seq);
        self.posts.lock().unwrap().push(post);
        self.news.notify_waiters();
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Some(true));
        match answer {
            Some(true) => Ok(()),
            Some(false) => Err("no".to_owned()),
            None => std::future::pending().await,
        }
    }
}

struct Office {
    ledger: Ledger,
    clock: RoomClock,
}

impl Office {
    fn new() -> Self {
        Self {
            ledger: Ledger::inline().unwrap(),
            clock: RoomClock::start_at(Duration::from_secs(1_000_000)),
        }
    }

    /// Writes `count` letters about `room` to all of `to`.
    fn write(&self, room: &str, count: usize, to: &[&str]) -> Journal {
        let to: Arc<[Arc<str>]> = to.iter().map(|name| (*name).into()).collect();
        let notice = Notice { kind: "room.live", body: "{}".to_owned(), to };
        let at = self.clock.now().unix_millis();
        let entry = Entry { notices: vec![notice; count], at, first_notice: 1, ..Entry::default() };
        let mut journal = self.ledger.begin(room, at);
        journal.append(entry);
        journal
    }

    fn desk<P: Post>(&self, endpoint: &str, way: P) {
        let desk = Desk::new(endpoint, self.ledger.outbox(), self.clock, (RETRY, 2), way);
        tokio::spawn(desk.run());
    }

    async fn dead(&self) -> Vec<Letter> {
        let state = Some(LetterState::Dead);
        let filter = LetterFilter { state, ..LetterFilter::default() };
        self.ledger.outbox().list(filter, 10).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_is_not_taken_is_tried_again_later_and_the_next_ones_wait() {
    let (office, taker) = (Office::new(), Taker::with([Some(false), Some(false)]));
    office.write("a", 3, &["x"]);
    office.desk("x", Arc::clone(&taker));

    let posts = taker.heard(5).await;
    assert_eq!(posts.iter().map(|post| post.2).collect::<Vec<_>>(), [1, 1, 1, 2, 3]);
    let pause = |n: usize| posts[n].0 - posts[n - 1].0;
    let is_about = |n, seconds: u64| {
        let whole = Duration::from_secs(seconds);
        pause(n) >= whole / 2 && pause(n) <= whole + Duration::from_millis(50)
    };
    assert!(is_about(1, 1) && is_about(2, 2), "{:?} {:?}", pause(1), pause(2));
    assert!(pause(3) < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_nobody_takes_is_given_up_and_can_be_replayed() {
    let (office, taker) = (Office::new(), Taker::with([Some(false); 5]));
    office.write("a", 2, &["x"]);
    office.desk("x", Arc::clone(&taker));

    let posts = taker.heard(6).await;
    assert_eq!(posts.iter().map(|post| post.2).collect::<Vec<_>>(), [1, 1, 1, 1, 1, 2]);
    let dead = office.dead().await;
    assert_eq!((dead.len(), dead[0].seq, dead[0].tries), (1, 1, 5));
    let now = office.clock.now().unix_millis();
    assert!(office.ledger.outbox().replay(dead[0].id, now).await.unwrap());
    let posts = taker.heard(7).await;
    assert_eq!((&*posts[6].1, posts[6].2), ("a", 1));
    assert_eq!(office.dead().await, []);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_hangs_and_a_room_that_fails_keep_nobody_else_waiting() {
    let office = Office::new();
    let (hanging, good) = (Taker::with([None; 9]), Taker::with([Some(false)]));
    for room in ["a", "b", "c"] {
        office.write(room, 20, &["hangs", "good"]);
    }
    office.desk("hangs", Arc::clone(&hanging));
    office.desk("good", Arc::clone(&good));

    let posts = good.heard(61).await;
    for room in ["a", "b", "c"] {
        let mut seqs: Vec<u64> =
            posts.iter().filter(|post| post.1 == room).map(|post| post.2).collect();
        seqs.dedup();
        assert_eq!(seqs, (1..=20).collect::<Vec<_>>(), "{room}");
    }
    assert_eq!(hanging.posts.lock().unwrap().len(), 2, "no more than two rooms at once");
}

#[tokio::test]
async fn a_real_receiver_that_fails_hangs_and_dies_hears_everything_in_order_and_signed() {
    use axum::body::Bytes;
    use axum::http::{HeaderMap, StatusCode};

    const SECRET: &str = "0123456789abcdef0123456789abcdef-hook";
    let office = Office::new();
    let heard: Arc<Mutex<Vec<(u64, bool)>>> = Arc::default();
    let (tried, news) = (Arc::new(Mutex::new(0)), Arc::new(Notify::new()));
    let receive = {
        let (heard, news, tried) = (Arc::clone(&heard), Arc::clone(&news), Arc::clone(&tried));
        move |headers: HeaderMap, body: Bytes| async move {
            let nth = {
                let mut tried = tried.lock().unwrap();
                *tried += 1;
                *tried
            };
            match nth {
                2 => return StatusCode::INTERNAL_SERVER_ERROR,
                4 => std::future::pending().await,
                _ => {}
            }
            let key = TokenKey::new(SECRET.as_bytes()).unwrap();
            let token = headers["authorization"].to_str().unwrap();
            let is_signed = key.verifies_body(token, &body);
            let letter: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((&letter["event"], &letter["room"]), (&"room.live".into(), &"a".into()));
            heard.lock().unwrap().push((letter["seq"].as_u64().unwrap(), is_signed));
            news.notify_waiters();
            StatusCode::NO_CONTENT
        }
    };
    let router = axum::Router::new().route("/in", axum::routing::post(receive));
    let (receiver, address) = serve("127.0.0.1:0", router.clone()).await;

    let settings = Webhooks {
        timeout_ms: 150,
        first_retry_ms: 20,
        endpoints: vec![Endpoint {
            name: "x".to_owned(),
            url: format!("http://{address}/in"),
            secret: SECRET.to_owned(),
            events: Vec::new(),
        }],
        ..Webhooks::default()
    };
    let tokens = TokenKey::new(b"another secret that is long enough").unwrap();
    for desk in crate::webhooks::desks(&settings, &tokens, &office.ledger, office.clock).unwrap() {
        tokio::spawn(desk.run());
    }
    let mut journal = office.write("a", 5, &["x"]);
    wait_for(&heard, &news, 5).await;
    // With all its connections.
    tokio::task::spawn_blocking(|| receiver.shutdown_timeout(Duration::from_secs(1)))
        .await
        .unwrap();
    let notice = Notice { kind: "room.live", body: "{}".to_owned(), to: ["x".into()].into() };
    let at = office.clock.now().unix_millis();
    journal.append(Entry { notices: vec![notice], at, first_notice: 6, ..Entry::default() });
    let (receiver, _) = serve(&address, router).await;
    wait_for(&heard, &news, 6).await;
    let heard = heard.lock().unwrap();
    assert_eq!(*heard, [1, 2, 3, 4, 5, 6].map(|seq| (seq, true)));
    receiver.shutdown_background();
}

/// Serves in a runtime of its own, which takes the connections along when it goes.
async fn serve(address: &str, router: axum::Router) -> (tokio::runtime::Runtime, String) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let address = address.to_owned();
    let bound = runtime.spawn(async move {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(IntoFuture::into_future(axum::serve(listener, router)));
        address
    });
    let address = bound.await.unwrap();
    (runtime, address)
}

async fn wait_for(heard: &Mutex<Vec<(u64, bool)>>, news: &Notify, count: usize) {
    let wait = async {
        loop {
            let more = news.notified();
            if heard.lock().unwrap().len() >= count {
                return;
            }
            more.await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it should hear of it");
}
