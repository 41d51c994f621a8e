//! What a room told lately, stream by stream, for members whose connection broke and came back. The
//! texts are those that went to everybody, so keeping them costs a pointer each. What surprises: an
//! empty ring still knows up to where everything was told, and a member who heard as much has missed
//! nothing. A room that is made anew from its journal says the same again under the same numbers, so
//! its rings are filled from there.

use std::collections::VecDeque;
use std::time::Duration;

use room_rules::{Event, ServerTime, Stream, Watermarks};
use signaling::Text;
use wire_format::encode_event;

/// How long an event is kept.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Events kept of each stream. Full: the oldest is forgotten, and who missed it gets a snapshot.
const KEPT: usize = 4_096;
/// Bytes kept of each stream. Full: as above.
const KEPT_BYTES: usize = 4 * 1024 * 1024;
/// Lines of chat that somebody who comes back is told; older talk is over.
const CHAT_LINES: usize = 50;

/// The rings of a room.
#[derive(Debug)]
pub(crate) struct EventRings(Vec<(Stream, Ring)>);

impl EventRings {
    /// Creates empty rings of a room that has told everything up to `told`.
    pub(crate) fn new(told: Watermarks) -> Self {
        let streams = Stream::ALL.into_iter().filter(|stream| *stream != Stream::Me);
        Self(streams.map(|stream| (stream, Ring::new(stream, told.of(stream)))).collect())
    }

    /// Keeps an event that is being told.
    ///
    /// # Panics
    ///
    /// Panics if a stream that loses nothing would have a gap.
    pub(crate) fn push(&mut self, stream: Stream, q: u64, text: Text, now: ServerTime) {
        self.ring_mut(stream).push(Kept { q, at: now, text }, now);
    }

    /// Keeps an event of a room that is being made anew, which says again what it told before its
    /// process ended.
    ///
    /// # Panics
    ///
    /// Panics if a stream that loses nothing would have a gap.
    pub(crate) fn push_again(&mut self, event: &Event, now: ServerTime) {
        let (stream, q, at) = (event.body.stream(), event.sequence, event.at);
        let ring = self.ring_mut(stream);
        // Their numbers go on from others after a crash, and what they said is over.
        if !ring.is_reliable {
            return;
        }
        if now.since(at) > KEPT_FOR {
            ring.skip(q);
        } else {
            ring.push(Kept { q, at, text: encode_event(event).into() }, now);
        }
    }

    /// Returns what followed event `after` of a stream, oldest first, or `None` if that is not known
    /// any more. Chat and reactions are never unknown: what counts of them is the end.
    pub(crate) fn since(
        &self,
        stream: Stream,
        after: u64,
        now: ServerTime,
    ) -> Option<impl Iterator<Item = (u64, &Text)>> {
        let ring = self.ring(stream);
        let missed = ring.events.iter().filter(move |kept| kept.q > after);
        let missed = missed.map(|kept| (kept.q, &kept.text));
        ring.knows_after(after, now).then_some(missed)
    }

    /// Forgets events that nobody is to be told any more.
    pub(crate) fn forget(&mut self, stream: Stream, gone: &[u64]) {
        let ring = self.ring_mut(stream);
        assert!(!ring.is_reliable, "a gap");
        ring.events.retain(|kept| !gone.contains(&kept.q));
        ring.bytes = ring.events.iter().map(|kept| kept.text.len()).sum();
    }

    fn ring(&self, stream: Stream) -> &Ring {
        let ring = self.0.iter().find(|(of, _)| *of == stream);
        &ring.expect("what concerns one user is kept by the room's rules").1
    }

    fn ring_mut(&mut self, stream: Stream) -> &mut Ring {
        let ring = self.0.iter_mut().find(|(of, _)| *of == stream);
        &mut ring.expect("what concerns one user is kept by the room's rules").1
    }
}

#[derive(Debug)]
struct Ring {
    /// Oldest first.
    events: VecDeque<Kept>,
    bytes: usize,
    /// The last event that was told, kept or not.
    last: u64,
    kept: usize,
    /// Whether numbers have no gaps, so that somebody may rely on having heard everything.
    is_reliable: bool,
}

#[derive(Debug)]
struct Kept {
    q: u64,
    at: ServerTime,
    text: Text,
}

impl Ring {
    const fn new(stream: Stream, last: u64) -> Self {
        let (kept, is_reliable) = match stream {
            Stream::Room | Stream::Seat | Stream::Pk | Stream::Sale | Stream::Gift | Stream::Me => {
                (KEPT, true)
            }
            Stream::Chat => (CHAT_LINES, false),
            Stream::React => (1, false),
        };
        Self { events: VecDeque::new(), bytes: 0, last, kept, is_reliable }
    }

    fn push(&mut self, event: Kept, now: ServerTime) {
        self.count(event.q);
        self.bytes += event.text.len();
        self.events.push_back(event);
        while self.events.len() > self.kept
            || self.bytes > KEPT_BYTES
            || self.events.front().is_some_and(|oldest| is_too_old(oldest, now))
        {
            let oldest = self.events.pop_front().expect("something is over its limit");
            self.bytes -= oldest.text.len();
        }
    }

    /// Takes that an event was told which is too old to be kept, like all before it.
    fn skip(&mut self, q: u64) {
        self.count(q);
        self.events.clear();
        self.bytes = 0;
    }

    fn count(&mut self, q: u64) {
        assert!(!self.is_reliable || q == self.last + 1, "a gap before {q}");
        self.last = self.last.max(q);
    }

    /// Returns whether all that followed `after` is here.
    fn knows_after(&self, after: u64, now: ServerTime) -> bool {
        if !self.is_reliable || after == self.last {
            return true;
        }
        // Somebody who heard more than was told belongs to another room's life.
        let oldest = self.events.iter().find(|kept| !is_too_old(kept, now));
        after < self.last && oldest.is_some_and(|oldest| oldest.q <= after + 1)
    }
}

fn is_too_old(kept: &Kept, now: ServerTime) -> bool {
    now.since(kept.at) > KEPT_FOR
}

#[cfg(test)]
mod tests {
    use room_rules::EventBody;

    use super::*;

    /// Goal: whoever comes back hears exactly what they missed, in order, or is sent a snapshot.
    /// Method: a thousand members cut off at random points of a random night, in virtual time;
    /// each compares what the ring gives with what was really told.
    #[test]
    fn a_member_who_comes_back_hears_what_they_missed_and_nothing_twice() {
        let seed = 20_261_122;
        let mut random = Random(seed);
        let (mut replayed, mut unknown, mut nothing_missed) = (0, 0, 0);
        for _ in 0..200 {
            let mut rings = EventRings::new(Watermarks { sale: 7, ..Watermarks::default() });
            let mut told: Vec<(ServerTime, u64)> = Vec::new();
            let mut now = ServerTime::from_unix_millis(1_000_000);
            let pause_ms = [1, 30, 2_000][random.below(3)];
            for _ in 0..6_000 {
                now = now + Duration::from_millis(random.below(pause_ms * 2) as u64);
                let q = 8 + told.len() as u64;
                rings.push(Stream::Sale, q, text(q), now);
                told.push((now, q));
            }
            for _ in 0..50 {
                let heard = 7 + random.below(told.len() + 1) as u64;
                let later = now + Duration::from_millis(random.below(70_000) as u64);
                let missed: Vec<u64> = (heard + 1..8 + told.len() as u64).collect();
                let is_kept = missed.len() <= KEPT
                    && missed
                        .first()
                        .is_none_or(|q| later.since(told[*q as usize - 8].0) <= KEPT_FOR);
                match rings.since(Stream::Sale, heard, later) {
                    Some(events) => {
                        let events: Vec<_> = events.map(|(q, text)| (q, text.clone())).collect();
                        let expected: Vec<_> = missed.iter().map(|q| (*q, text(*q))).collect();
                        assert_eq!(events, expected, "seed {seed}");
                        replayed += u32::from(!missed.is_empty());
                        nothing_missed += u32::from(missed.is_empty());
                    }
                    None => {
                        assert!(!is_kept, "{} missed events were known", missed.len());
                        unknown += 1;
                    }
                }
            }
        }
        assert!(replayed > 500 && unknown > 500, "{replayed} {unknown} {nothing_missed}");
    }

    #[test]
    fn an_empty_ring_knows_up_to_where_everything_was_told() {
        let rings = EventRings::new(Watermarks { seat: 3, ..Watermarks::default() });
        let now = ServerTime::from_unix_millis(0);
        let missed = |after| rings.since(Stream::Seat, after, now).map(Iterator::count);

        assert_eq!((missed(3), missed(2), missed(4)), (Some(0), None, None));
    }

    /// Goal: a crash makes no difference to who comes back. Method: rings that were there when events
    /// were told, and rings that were filled when the room was made anew, must answer everybody alike.
    #[test]
    fn rings_that_are_filled_again_know_what_those_before_the_crash_knew() {
        let seed = 39;
        let mut random = Random(seed);
        let (mut known, mut unknown) = (0, 0);
        for _ in 0..50 {
            let mut rings = EventRings::new(Watermarks::default());
            let mut events = Vec::new();
            let mut now = ServerTime::from_unix_millis(1_000_000);
            let pause_ms = [1, 30, 2_000][random.below(3)];
            for sequence in 1..=random.below(5_000) as u64 {
                now = now + Duration::from_millis(random.below(pause_ms * 2) as u64);
                let body = EventBody::StageUpdated(Vec::new());
                let event = Event { at: now, sequence, body };
                rings.push(Stream::Room, sequence, encode_event(&event).into(), now);
                events.push(event);
            }
            let later = now + Duration::from_millis(random.below(70_000) as u64);
            let mut again = EventRings::new(Watermarks::default());
            for event in &events {
                again.push_again(event, later);
            }
            for _ in 0..50 {
                let heard = random.below(events.len() + 2) as u64;
                let missed = |rings: &EventRings| {
                    let missed = rings.since(Stream::Room, heard, later)?;
                    Some(missed.map(|(q, text)| (q, text.clone())).collect::<Vec<_>>())
                };
                assert_eq!(missed(&again), missed(&rings), "seed {seed}");
                known += u32::from(missed(&again).is_some_and(|events| !events.is_empty()));
                unknown += u32::from(missed(&again).is_none());
            }
        }
        assert!(known > 100 && unknown > 100, "{known} {unknown}");
    }

    #[test]
    fn of_chat_and_reactions_the_end_is_enough() {
        let mut rings = EventRings::new(Watermarks::default());
        let now = ServerTime::from_unix_millis(0);
        for q in (2..400).step_by(2) {
            rings.push(Stream::Chat, q, text(q), now);
            rings.push(Stream::React, q, text(q), now);
        }
        let count = |stream, after| rings.since(stream, after, now).map(Iterator::count);

        assert_eq!((count(Stream::Chat, 0), count(Stream::React, 0)), (Some(50), Some(1)));
        assert_eq!((count(Stream::Chat, 394), count(Stream::React, 398)), (Some(2), Some(0)));
    }

    #[test]
    fn a_line_that_is_gone_is_told_to_nobody_who_comes_back() {
        let mut rings = EventRings::new(Watermarks::default());
        let now = ServerTime::from_unix_millis(0);
        for q in 1..=4 {
            rings.push(Stream::Chat, q, text(q), now);
        }
        rings.forget(Stream::Chat, &[2, 4, 9]);

        let missed = rings.since(Stream::Chat, 0, now).map(|lines| lines.map(|(q, _)| q).collect());
        assert_eq!(missed, Some(vec![1, 3]));
    }

    fn text(q: u64) -> Text {
        q.to_string().into()
    }

    /// Xorshift, so that a seed says everything.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % end as u64) as usize
        }
    }
}
