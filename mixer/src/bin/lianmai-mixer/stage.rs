//! Which scenery is drawn. A new one is not drawn before there is something to show in it: until the
//! newcomer's first picture is decoded the scenery before it stays on, as long as the new one has
//! patience, so that solo, co-host and battle follow each other without an empty tile, and a slate
//! gives way to a picture. Then its transition begins.
//!
//! ```text
//! shown ──handle_scenery──▶ shown + next ──all there, patience over, or nothing to hold──▶ next is shown
//! ```

use std::sync::Arc;

use media_rules::{FeedId, MediaTime, Transition};

use crate::motion::Shot;
use crate::pictures::Sight;
use crate::scenery::Scenery;

/// The scenery that is drawn and the one that wants to be.
#[derive(Debug)]
pub(crate) struct Stage {
    shown: Arc<Scenery>,
    /// The change to `shown`, while it goes on.
    change: Option<Change>,
    next: Option<(Arc<Scenery>, MediaTime)>,
    /// When the newest picture was due.
    drawn: MediaTime,
}

/// A transition under way.
#[derive(Debug)]
struct Change {
    from: Shot,
    began: MediaTime,
}

/// What one picture shows.
#[derive(Debug)]
pub(crate) struct View {
    /// The scene of this picture, or the one that it is on the way to.
    pub(crate) revision: u64,
    /// What is seen.
    pub(crate) shot: Shot,
    /// What it covers bit by bit, and how much of 255 it hides of that.
    pub(crate) beneath: Option<(Shot, u8)>,
}

impl Default for Stage {
    fn default() -> Self {
        let shown = Arc::new(Scenery::empty());
        Self { shown, change: None, next: None, drawn: MediaTime::default() }
    }
}

impl Stage {
    /// Takes a new scenery, which replaces one that was not drawn yet.
    pub(crate) fn handle_scenery(&mut self, scenery: Arc<Scenery>, now: MediaTime) {
        self.next = Some((scenery, now));
    }

    /// Returns what to draw in the picture that is due at `due`.
    pub(crate) fn poll_view(
        &mut self,
        due: MediaTime,
        now: MediaTime,
        sight: impl Fn(&FeedId) -> Sight,
    ) -> View {
        if let Some((next, since)) = self.next.take() {
            let is_in = |scenery: &Scenery, wanted| scenery.feeds().any(|f| sight(f) == wanted);
            let is_worth_it = is_in(&self.shown, Sight::Live) || self.shown.is_slate();
            let is_waiting = is_in(&next, Sight::Waiting) && is_worth_it;
            if is_waiting && now.since(since) < next.patience {
                self.next = Some((next, since));
            } else {
                self.show(next);
            }
        }
        self.drawn = due;
        self.view(due)
    }

    /// Returns whether something is known of everybody in the scenery.
    pub(crate) fn shows_everybody(&self, sight: impl Fn(&FeedId) -> Sight) -> bool {
        self.shown.feeds().all(|feed| sight(feed) != Sight::Waiting)
    }

    fn show(&mut self, next: Arc<Scenery>) {
        // The same revision brings newer figures only and disturbs no transition.
        if next.revision != self.shown.revision {
            let is_change = !next.transition.length().is_zero() && !self.shown.parts.is_empty();
            // A change begins at the picture before, so that its first picture is a step already.
            let began = self.drawn;
            self.change = is_change.then(|| Change { from: self.view(began).shot, began });
        }
        self.shown = next;
    }

    fn view(&mut self, due: MediaTime) -> View {
        let (revision, length) = (self.shown.revision, self.shown.transition.length());
        self.change.take_if(|change| due.since(change.began) >= length);
        let Some(Change { from, began }) = &self.change else {
            return View { revision, shot: Shot::of(&self.shown), beneath: None };
        };
        let share = due.since(*began).as_secs_f32() / length.as_secs_f32();
        match self.shown.transition {
            Transition::Slide(_) => {
                View { revision, shot: from.towards(&self.shown, share), beneath: None }
            }
            Transition::Fade(_) | Transition::Cut => {
                let shot = Shot::of(&self.shown);
                View {
                    revision,
                    shot,
                    beneath: Some((from.clone(), (share * 255.0).round() as u8)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use media_rules::{Rect, Scene, Tile};

    use super::*;
    use crate::artist::Artist;
    use crate::motion::Item;

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    /// A stage with an artist who draws what it is given.
    struct Theatre {
        stage: Stage,
        artist: Artist,
        revision: u64,
    }

    impl Theatre {
        fn new() -> Self {
            let artist = Artist::new((720, 2), None);
            Self { stage: Stage::default(), artist, revision: 0 }
        }

        /// Hosts stand in a row from the left, 100 pixels each.
        fn handle(&mut self, names: &[&str], transition: Transition, now: u64) {
            self.revision += 1;
            let tile =
                |(x, name): (usize, &&str)| Tile::new(FeedId::new("a", name), rect(x as u32 * 100));
            let tiles = names.iter().enumerate().map(tile).collect();
            let scene = Scene { transition, ..Scene::new(self.revision, tiles) };
            self.stage.handle_scenery(Arc::new(self.artist.draw(scene)), at(now));
        }

        fn view(&mut self, now: u64, live: &[&str]) -> View {
            let sight = |feed: &FeedId| {
                if live.contains(&feed.identity()) { Sight::Live } else { Sight::Waiting }
            };
            self.stage.poll_view(at(now), at(now), sight)
        }

        fn drawn(&mut self, now: u64, live: &[&str]) -> Vec<String> {
            names(&self.view(now, live).shot)
        }
    }

    fn rect(x: u32) -> Rect {
        Rect { x, y: 0, width: 100, height: 2 }
    }

    fn names(shot: &Shot) -> Vec<String> {
        let name = |item: &Item| item.part.feed().unwrap().identity().to_owned();
        shot.items.iter().map(name).collect()
    }

    #[test]
    fn the_scene_before_stays_until_the_newcomer_has_a_picture() {
        let mut theatre = Theatre::new();
        theatre.handle(&["alice"], Transition::Cut, 0);
        assert_eq!(theatre.drawn(0, &["alice"]), ["alice"]);

        theatre.handle(&["alice", "bob"], Transition::Cut, 100);
        assert_eq!(theatre.drawn(500, &["alice"]), ["alice"]);
        assert_eq!(theatre.view(510, &["alice"]).revision, 1);
        assert_eq!(theatre.drawn(533, &["alice", "bob"]), ["alice", "bob"]);
        assert_eq!(theatre.view(533, &["alice", "bob"]).revision, 2);
    }

    #[test]
    fn nobody_waits_longer_than_a_second() {
        let mut theatre = Theatre::new();
        theatre.handle(&["alice"], Transition::Cut, 0);
        assert_eq!(theatre.drawn(0, &["alice"]), ["alice"]);

        theatre.handle(&["alice", "bob"], Transition::Cut, 100);
        assert_eq!(theatre.drawn(1_099, &["alice"]), ["alice"]);
        assert_eq!(theatre.drawn(1_100, &["alice"]), ["alice", "bob"]);
    }

    #[test]
    fn a_slate_stays_until_the_host_has_a_picture_as_long_as_the_scene_has_patience() {
        let mut theatre = Theatre::new();
        theatre.handle(&[], Transition::Cut, 0);
        assert_eq!(theatre.view(0, &[]).revision, 1);

        let scene = |revision, patience| Scene {
            patience: Duration::from_secs(patience),
            ..Scene::new(revision, vec![Tile::new(FeedId::new("a", "alice"), rect(0))])
        };
        let show = |theatre: &mut Theatre, scene, now| {
            let scenery = Arc::new(theatre.artist.draw(scene));
            theatre.stage.handle_scenery(scenery, at(now));
        };
        show(&mut theatre, scene(2, 3), 100);
        assert_eq!(theatre.view(3_099, &[]).revision, 1);
        assert_eq!(theatre.view(3_099, &["alice"]).revision, 2);

        theatre.handle(&[], Transition::Cut, 4_000);
        theatre.view(4_000, &["alice"]);
        show(&mut theatre, scene(9, 3), 4_000);
        assert_eq!(theatre.view(7_000, &[]).revision, 9, "for no longer");
    }

    #[test]
    fn a_leaving_host_is_gone_at_once() {
        let mut theatre = Theatre::new();
        theatre.handle(&["alice", "bob"], Transition::Cut, 0);
        theatre.drawn(0, &["alice", "bob"]);

        theatre.handle(&["alice"], Transition::Cut, 100);
        assert_eq!(theatre.drawn(100, &["alice", "bob"]), ["alice"]);
    }

    #[test]
    fn with_nothing_to_hold_the_new_scene_comes_at_once() {
        let mut theatre = Theatre::new();
        theatre.handle(&["alice"], Transition::Cut, 0);
        assert_eq!(theatre.drawn(0, &[]), ["alice"]);

        theatre.handle(&["bob"], Transition::Cut, 10);
        assert_eq!(theatre.drawn(10, &[]), ["bob"]);
    }

    #[test]
    fn a_fade_covers_the_old_picture_step_by_step_and_ends() {
        let fade = Transition::Fade(Duration::from_millis(100));
        let mut theatre = Theatre::new();
        theatre.handle(&["alice"], fade, 0);
        assert!(theatre.view(0, &["alice"]).beneath.is_none(), "nothing was there before");

        theatre.handle(&["bob"], fade, 5);
        let mut shares = Vec::new();
        for now in [20, 40, 60, 80, 100, 120] {
            let view = theatre.view(now, &["alice", "bob"]);
            assert_eq!((view.revision, names(&view.shot)), (2, vec!["bob".to_owned()]));
            shares.push(view.beneath.map(|(before, share)| {
                assert_eq!(names(&before), ["alice"]);
                share
            }));
        }
        assert_eq!(shares, [Some(51), Some(102), Some(153), Some(204), None, None]);
    }

    #[test]
    fn a_slide_that_is_overtaken_goes_on_from_where_it_was() {
        let slide = Transition::Slide(Duration::from_millis(100));
        let mut theatre = Theatre::new();
        theatre.handle(&["alice", "bob"], slide, 0);
        let place = |view: &View, name: &str| {
            let of_them = |item: &&Item| item.part.feed().unwrap().identity() == name;
            view.shot.items.iter().find(of_them).unwrap().rect.x
        };
        let live = ["alice", "bob"];
        theatre.view(0, &live);

        theatre.handle(&["bob", "alice"], slide, 1);
        let half = theatre.view(50, &live);
        assert_eq!((place(&half, "alice"), place(&half, "bob")), (50, 50));
        theatre.handle(&["alice", "bob"], slide, 60);
        let back = theatre.view(60, &live);
        assert!((45..=50).contains(&place(&back, "alice")), "{}", place(&back, "alice"));
        assert_eq!(place(&theatre.view(150, &live), "alice"), 0);
    }

    #[test]
    fn newer_figures_disturb_no_transition() {
        let fade = Transition::Fade(Duration::from_millis(100));
        let mut theatre = Theatre::new();
        for names in [["alice"], ["bob"]] {
            theatre.handle(&names, fade, 0);
            theatre.view(0, &["alice", "bob"]);
        }
        theatre.revision -= 1;
        theatre.handle(&["bob"], fade, 10);
        assert_eq!(theatre.view(50, &["alice", "bob"]).beneath.unwrap().1, 128);
    }
}
