//! What a room has to say to one session, waiting for that session's connection.
//!
//! A room never waits for a slow client: pushing always returns at once, and what gives way when
//! the queue is full depends on the lane. The surprise is that a full queue may end the session: an
//! order or a gift is never lost silently, so a client that cannot keep up is cut and comes back
//! with a snapshot.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use metrics::counter;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wire_format::Lane;

use crate::Text;

/// How much may wait for one session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OutboxLimits {
    /// Messages of all lanes together.
    pub messages: usize,
    /// Bytes of all lanes together.
    pub bytes: usize,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { messages: 256, bytes: 256 * 1024 }
    }
}

/// Creates the two ends of a session's queue.
pub fn outbox(limits: OutboxLimits) -> (Outbox, OutboxReader) {
    let shared = Arc::new(Shared {
        queues: Mutex::new(Queues::new(limits)),
        changed: Notify::new(),
        cut: CancellationToken::new(),
    });
    (Outbox(Arc::new(RoomEnd(shared.clone()))), OutboxReader(shared))
}

/// The room's end of a session's queue. Never blocks and is cheap to clone. Dropping the last clone
/// ends the session, so whoever reads never waits for a room that has forgotten it.
#[derive(Clone, Debug)]
pub struct Outbox(Arc<RoomEnd>);

impl Outbox {
    /// Queues a message in its lane; when the queue is full, the lane decides what gives way.
    pub fn push(&self, lane: Lane, text: Text) {
        let fits = self.0.0.lock().push(lane, text);
        if !fits {
            counter!("signaling_sessions_cut_total", "reason" => "too_slow").increment(1);
            self.0.0.cut.cancel();
        }
        self.0.0.changed.notify_one();
    }

    /// Queues a clock answer ahead of everything, because it is worth nothing once it is late.
    pub fn push_clock(&self, text: Text) {
        self.0.0.lock().push_clock(text);
        self.0.0.changed.notify_one();
    }

    /// Ends the session once everything queued before is delivered. The first reason wins.
    pub fn end(&self, ending: Ending) {
        self.0.0.lock().end(ending);
        self.0.0.changed.notify_one();
    }

    /// Ends the session at once, whatever was queued.
    pub fn cut(&self, ending: Ending) {
        self.0.0.lock().cut(ending);
        self.0.0.cut.cancel();
        self.0.0.changed.notify_one();
    }

    /// Returns whether pushing has become pointless: the session was ended, cut or left.
    pub fn is_ended(&self) -> bool {
        self.0.0.lock().ending.is_some()
    }
}

/// What all clones of an [`Outbox`] share.
#[derive(Debug)]
struct RoomEnd(Arc<Shared>);

impl Drop for RoomEnd {
    fn drop(&mut self) {
        self.0.lock().end(Ending::Left);
        self.0.changed.notify_one();
    }
}

/// The connection's end of a session's queue.
#[derive(Debug)]
pub struct OutboxReader(Arc<Shared>);

impl OutboxReader {
    /// Waits for the next thing to deliver, strongest lane first. After an ending it repeats that.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Delivery {
        loop {
            // `notify_one` leaves a permit behind, so a push between these two lines is not missed.
            if let Some(delivery) = self.0.lock().pop() {
                return delivery;
            }
            self.0.changed.notified().await;
        }
    }

    /// Waits until the session is cut, because its queue overflowed or another one took its place;
    /// returns why.
    ///
    /// For a writer that is stuck in the middle of a message and so cannot call [`next`](Self::next).
    pub async fn cut(&self) -> Ending {
        self.0.cut.cancelled().await;
        self.0.lock().ending.expect("what is cut has ended")
    }
}

impl Drop for OutboxReader {
    fn drop(&mut self) {
        self.0.lock().cut(Ending::Left);
    }
}

/// What [`OutboxReader::next`] hands out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Delivery {
    /// A message for the client; the lane names the data channel it belongs on.
    Message(Lane, Text),
    /// A clock answer for the client.
    Clock(Text),
    /// Nothing follows; the connection is to be closed for this reason.
    End(Ending),
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// The client did not take its messages fast enough.
    TooSlow,
    /// The client came back by another connection.
    Superseded,
    /// The user may not be in the room any more.
    Banned,
    /// The room is over.
    RoomEnded,
    /// The room stopped because its ledger failed.
    RoomFailed,
    /// This server is shutting down.
    Draining,
    /// The connection is gone, or the room has let the session go.
    Left,
}

#[derive(Debug)]
struct Shared {
    queues: Mutex<Queues>,
    changed: Notify,
    cut: CancellationToken,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().expect("no panic happens while the queues are locked")
    }
}

/// Clock answers kept when the connection stalls. Full: the oldest is dropped, it is stale anyway.
const CLOCK_ANSWERS: usize = 4;

/// All lanes share one bound of messages and bytes. Full: chat gives way to everything, oldest
/// first; a newer ambient message replaces the older one; sale/control and gift cut the session.
#[derive(Debug)]
struct Queues {
    limits: OutboxLimits,
    messages: usize,
    bytes: usize,
    clock: VecDeque<Text>,
    control: VecDeque<Text>,
    gift: VecDeque<Text>,
    chat: VecDeque<Text>,
    ambient: Option<Text>,
    ending: Option<Ending>,
}

impl Queues {
    const fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            messages: 0,
            bytes: 0,
            clock: VecDeque::new(),
            control: VecDeque::new(),
            gift: VecDeque::new(),
            chat: VecDeque::new(),
            ambient: None,
            ending: None,
        }
    }

    /// Returns false if the session had to be cut.
    fn push(&mut self, lane: Lane, text: Text) -> bool {
        if self.ending.is_some() {
            return true;
        }
        if lane == Lane::Ambient
            && let Some(older) = self.ambient.take()
        {
            self.forget(&older);
            count_drop("ambient");
        }
        while !self.fits(&text) {
            let Some(oldest) = self.chat.pop_front() else {
                return self.overflow(lane);
            };
            self.forget(&oldest);
            count_drop("chat");
        }
        self.messages += 1;
        self.bytes += text.len();
        match lane {
            Lane::Control => self.control.push_back(text),
            Lane::Gift => self.gift.push_back(text),
            Lane::Chat => self.chat.push_back(text),
            Lane::Ambient => self.ambient = Some(text),
        }
        true
    }

    fn push_clock(&mut self, text: Text) {
        if self.ending.is_some() {
            return;
        }
        if self.clock.len() == CLOCK_ANSWERS {
            self.clock.pop_front();
            count_drop("clock");
        }
        self.clock.push_back(text);
    }

    fn pop(&mut self) -> Option<Delivery> {
        if let Some(text) = self.clock.pop_front() {
            return Some(Delivery::Clock(text));
        }
        let Some((lane, text)) = self.pop_strongest() else {
            return self.ending.map(Delivery::End);
        };
        self.forget(&text);
        Some(Delivery::Message(lane, text))
    }

    fn pop_strongest(&mut self) -> Option<(Lane, Text)> {
        if let Some(text) = self.control.pop_front() {
            Some((Lane::Control, text))
        } else if let Some(text) = self.gift.pop_front() {
            Some((Lane::Gift, text))
        } else if let Some(text) = self.chat.pop_front() {
            Some((Lane::Chat, text))
        } else {
            self.ambient.take().map(|text| (Lane::Ambient, text))
        }
    }

    fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    fn cut(&mut self, ending: Ending) {
        *self = Self { ending: Some(self.ending.unwrap_or(ending)), ..Self::new(self.limits) };
    }

    fn fits(&self, text: &Text) -> bool {
        self.messages < self.limits.messages && self.bytes + text.len() <= self.limits.bytes
    }

    fn overflow(&mut self, lane: Lane) -> bool {
        match lane {
            Lane::Control | Lane::Gift => {
                self.cut(Ending::TooSlow);
                false
            }
            Lane::Chat | Lane::Ambient => {
                count_drop(lane_name(lane));
                true
            }
        }
    }

    fn forget(&mut self, text: &Text) {
        self.messages -= 1;
        self.bytes -= text.len();
    }
}

/// Returns the label under which a lane is counted.
pub(crate) const fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Control => "control",
        Lane::Gift => "gift",
        Lane::Chat => "chat",
        Lane::Ambient => "ambient",
    }
}

fn count_drop(lane: &'static str) {
    counter!("signaling_messages_dropped_total", "lane" => lane).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: OutboxLimits = OutboxLimits { messages: 4, bytes: 100 };

    #[tokio::test]
    async fn the_strongest_lane_goes_first_and_each_lane_keeps_its_order() {
        let (outbox, reader) = outbox(OutboxLimits::default());

        outbox.push(Lane::Ambient, text("likes"));
        outbox.push(Lane::Chat, text("hi"));
        outbox.push(Lane::Gift, text("rose"));
        outbox.push(Lane::Control, text("seat 1"));
        outbox.push(Lane::Control, text("seat 2"));
        outbox.push_clock(text("pong"));

        assert_eq!(drain(&reader), ["pong", "seat 1", "seat 2", "rose", "hi", "likes"].map(text));
    }

    #[tokio::test]
    async fn a_full_queue_drops_the_oldest_chat() {
        let (outbox, reader) = outbox(LIMITS);

        for line in ["1", "2", "3", "4", "5", "6"] {
            outbox.push(Lane::Chat, text(line));
        }

        assert_eq!(drain(&reader), ["3", "4", "5", "6"].map(text));
        assert!(!outbox.is_ended());
    }

    #[tokio::test]
    async fn chat_gives_way_to_a_gift() {
        let (outbox, reader) = outbox(LIMITS);

        for line in ["1", "2", "3", "4"] {
            outbox.push(Lane::Chat, text(line));
        }
        outbox.push(Lane::Gift, text("rocket"));

        assert_eq!(drain(&reader), ["rocket", "2", "3", "4"].map(text));
        assert!(!outbox.is_ended());
    }

    #[tokio::test]
    async fn of_ambient_messages_only_the_latest_is_kept() {
        let (outbox, reader) = outbox(LIMITS);

        for likes in ["1", "2", "3", "4", "5", "6"] {
            outbox.push(Lane::Ambient, text(likes));
        }

        assert_eq!(drain(&reader), ["6"].map(text));
    }

    #[tokio::test]
    async fn a_gift_or_control_message_that_does_not_fit_cuts_the_session() {
        for lane in [Lane::Gift, Lane::Control] {
            let (outbox, mut reader) = outbox(LIMITS);

            for message in ["1", "2", "3", "4"] {
                outbox.push(lane, text(message));
            }
            assert!(!outbox.is_ended());
            outbox.push(lane, text("5"));

            assert!(outbox.is_ended());
            reader.cut().await;
            assert_eq!(reader.next().await, Delivery::End(Ending::TooSlow));
            outbox.push(lane, text("6"));
            assert_eq!(reader.next().await, Delivery::End(Ending::TooSlow));
        }
    }

    #[tokio::test]
    async fn bytes_count_as_well_as_messages() {
        let (outbox, mut reader) = outbox(LIMITS);

        outbox.push(Lane::Gift, text(&"x".repeat(60)));
        outbox.push(Lane::Gift, text(&"y".repeat(60)));

        assert_eq!(reader.next().await, Delivery::End(Ending::TooSlow));
    }

    #[tokio::test]
    async fn delivering_makes_room_again() {
        let (outbox, reader) = outbox(LIMITS);

        for round in 0..1000 {
            outbox.push(Lane::Control, text(&round.to_string()));
            assert_eq!(drain(&reader), [text(&round.to_string())]);
        }
        assert!(!outbox.is_ended());
    }

    #[tokio::test]
    async fn an_ended_session_still_gets_what_was_queued_before() {
        let (outbox, mut reader) = outbox(LIMITS);

        outbox.push(Lane::Control, text("ended"));
        outbox.end(Ending::RoomEnded);
        outbox.push(Lane::Control, text("too late"));

        assert_eq!(drain(&reader), ["ended"].map(text));
        assert_eq!(reader.next().await, Delivery::End(Ending::RoomEnded));
    }

    #[tokio::test]
    async fn a_reader_hears_that_the_room_has_let_the_session_go() {
        let (outbox, mut reader) = outbox(LIMITS);
        let second = outbox.clone();
        let reading = tokio::spawn(async move { [reader.next().await, reader.next().await] });
        tokio::task::yield_now().await;

        drop(outbox);
        second.push(Lane::Control, text("still in"));
        drop(second);

        let read = tokio::time::timeout(std::time::Duration::from_secs(20), reading);
        let read = read.await.expect("the reader must not wait for ever").unwrap();
        let still_in = Delivery::Message(Lane::Control, text("still in"));
        assert_eq!(read, [still_in, Delivery::End(Ending::Left)]);
    }

    #[tokio::test]
    async fn a_room_sees_that_a_connection_is_gone() {
        let (outbox, reader) = outbox(LIMITS);
        drop(reader);
        assert!(outbox.is_ended());
    }

    /// Takes what is queued now, as text.
    fn drain(reader: &OutboxReader) -> Vec<Text> {
        let mut texts = Vec::new();
        loop {
            let popped = reader.0.lock().pop();
            match popped {
                Some(Delivery::Message(_, text) | Delivery::Clock(text)) => texts.push(text),
                Some(Delivery::End(_)) | None => return texts,
            }
        }
    }

    fn text(text: &str) -> Text {
        text.to_owned().into()
    }
}
