//! Decides when a program that shows another's pictures takes its sound as well: while exactly the same
//! is heard in both, and has been for a moment. Each room keeps its own choice of voices; as soon as
//! they differ each makes its own sound.
//!
//! ```text
//! own ──same voices for 500 ms──▶ shared ──another voice, or nothing came for 150 ms──▶ own
//! ```

use std::time::Duration;

use crate::{FeedId, MediaTime, Scene};

/// The same was heard in both rooms for this long; a mixer needs a moment to follow its scene.
const SETTLED: Duration = Duration::from_millis(500);

/// An owner of whom no sound comes for this long makes none.
const SILENCE: Duration = Duration::from_millis(150);

/// One that fell silent is not trusted again for this long.
const DISTRUST: Duration = Duration::from_secs(5);

/// Who is heard in a scene, and how loud.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hearing(Vec<(FeedId, u8, u8)>);

impl Hearing {
    /// Returns what is heard of `scene`. Whoever is muted is not, and drawing order does not matter.
    pub fn of(scene: &Scene) -> Self {
        let heard = scene.tiles.iter().filter(|tile| tile.gain_percent > 0);
        let voice = heard.map(|tile| (tile.feed.clone(), tile.gain_percent, tile.duck_db));
        let mut voices: Vec<_> = voice.collect();
        voices.sort_unstable();
        Self(voices)
    }
}

/// Whose sound a guest takes.
#[derive(Debug)]
pub struct SoundShare {
    own: Hearing,
    theirs: Option<Hearing>,
    /// Since when both are the same, or when they count as such.
    same_since: Option<MediaTime>,
    is_shared: bool,
    /// When the owner's sound came last.
    heard: MediaTime,
}

impl SoundShare {
    /// Begins with the own sound.
    pub fn new(own: Hearing, theirs: Option<Hearing>, now: MediaTime) -> Self {
        let same_since = (theirs.as_ref() == Some(&own)).then_some(now);
        Self { own, theirs, same_since, is_shared: false, heard: now }
    }

    /// What is to be heard in the own room.
    pub fn handle_own(&mut self, own: Hearing, now: MediaTime) {
        self.own = own;
        self.compare(false, now);
    }

    /// What is heard in the owner's room has changed, if only for a moment.
    pub fn handle_theirs(&mut self, theirs: Option<Hearing>, now: MediaTime) {
        self.theirs = theirs;
        self.compare(true, now);
    }

    /// The owner's sound came, the newest at `heard`.
    pub fn handle_heard(&mut self, heard: MediaTime) {
        self.heard = self.heard.max(heard);
    }

    /// Returns whether the owner's sound is wanted.
    pub fn poll_shared(&mut self, now: MediaTime) -> bool {
        if self.is_shared && now.since(self.heard) >= SILENCE {
            self.is_shared = false;
            self.same_since = self.same_since.map(|_| now + DISTRUST);
        }
        let is_settled = |since: MediaTime| now >= since + SETTLED;
        if !self.is_shared && self.same_since.is_some_and(is_settled) {
            (self.is_shared, self.heard) = (true, now);
        }
        self.is_shared
    }

    /// Returns when [`poll_shared`](Self::poll_shared) may change its mind by itself.
    pub fn poll_timeout(&self) -> Option<MediaTime> {
        if self.is_shared {
            return Some(self.heard + SILENCE);
        }
        self.same_since.map(|since| since + SETTLED)
    }

    fn compare(&mut self, is_anew: bool, now: MediaTime) {
        let is_same = self.theirs.as_ref() == Some(&self.own);
        if is_anew || !is_same {
            (self.is_shared, self.same_since) = (false, None);
        }
        if is_same && self.same_since.is_none() {
            self.same_since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rect, Tile};

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    fn hearing(gains: &[(&str, u8)]) -> Hearing {
        let tile = |(name, gain): &(&str, u8)| Tile {
            gain_percent: *gain,
            ..Tile::new(FeedId::new("a", name), Rect::NOWHERE)
        };
        Hearing::of(&Scene::new(1, gains.iter().map(tile).collect()))
    }

    fn both() -> Hearing {
        hearing(&[("alice", 100), ("bob", 100)])
    }

    fn sharing() -> SoundShare {
        let mut share = SoundShare::new(both(), Some(both()), at(0));
        assert!(!share.poll_shared(at(499)) && share.poll_shared(at(500)));
        share.handle_heard(at(510));
        share
    }

    #[test]
    fn who_is_muted_is_not_heard_and_order_does_not_matter() {
        assert_eq!(hearing(&[("bob", 100), ("alice", 100), ("carol", 0)]), both());
        assert_ne!(hearing(&[("bob", 50), ("alice", 100)]), both());
    }

    #[test]
    fn the_sound_is_shared_once_the_same_was_heard_for_a_moment() {
        let mut share = SoundShare::new(both(), Some(hearing(&[("alice", 100)])), at(0));
        assert_eq!((share.poll_shared(at(2_000)), share.poll_timeout()), (false, None));
        share.handle_own(hearing(&[("alice", 100)]), at(2_000));
        assert_eq!(share.poll_timeout(), Some(at(2_500)));
        assert!(!share.poll_shared(at(2_499)) && share.poll_shared(at(2_500)));
    }

    #[test]
    fn a_mute_in_either_room_parts_them_at_once_and_for_a_moment() {
        let muted = || hearing(&[("alice", 100), ("bob", 0)]);
        let mut share = sharing();
        share.handle_own(muted(), at(520));
        assert!(!share.poll_shared(at(520)));
        share.handle_own(both(), at(540));
        assert!(!share.poll_shared(at(1_000)) && share.poll_shared(at(1_040)));

        let mut share = sharing();
        share.handle_theirs(Some(muted()), at(520));
        assert!(!share.poll_shared(at(520)));
        share.handle_theirs(Some(both()), at(530));
        assert!(!share.poll_shared(at(1_029)) && share.poll_shared(at(1_030)));
        // Both at once were never the same to the guest, who does not know in what order.
        share.handle_theirs(Some(both()), at(1_100));
        assert!(!share.poll_shared(at(1_100)), "it changed and changed back unseen");
    }

    #[test]
    fn a_scene_that_changes_nothing_that_is_heard_disturbs_nothing() {
        let mut share = sharing();
        share.handle_own(both(), at(520));
        assert!(share.poll_shared(at(521)));
    }

    #[test]
    fn an_owner_who_falls_silent_is_left_and_not_trusted_for_a_while() {
        let mut share = sharing();
        assert_eq!(share.poll_timeout(), Some(at(660)));
        assert!(share.poll_shared(at(659)));
        assert!(!share.poll_shared(at(660)));
        assert!(!share.poll_shared(at(6_159)) && share.poll_shared(at(6_160)));
    }

    #[test]
    fn an_owner_that_makes_nothing_is_not_taken_from() {
        let mut share = sharing();
        share.handle_theirs(None, at(520));
        assert!(!share.poll_shared(at(520)) && !share.poll_shared(at(9_000)));
        share.handle_theirs(Some(both()), at(9_000));
        assert!(share.poll_shared(at(9_500)));
    }
}
