//! Which tiles are drawn. A new scene is not drawn before there is something to show in it: until
//! the newcomer's first picture is decoded the scene before it stays on, for a second at most, so
//! that solo, co-host and battle follow each other without an empty tile.
//!
//! ```text
//! shown ──handle_scene──▶ shown + next ──all there, or 1 s, or nothing to hold──▶ next is shown
//! ```

use std::time::Duration;

use media_rules::{FeedId, MediaTime, Scene};

use crate::pictures::Sight;

/// How long the scene before may stay on. A feed that left it is kept at least this long.
pub(crate) const HOLD: Duration = Duration::from_secs(1);

/// The scene that is drawn and the one that wants to be.
#[derive(Debug)]
pub(crate) struct Stage {
    shown: Scene,
    next: Option<(Scene, MediaTime)>,
}

impl Default for Stage {
    fn default() -> Self {
        Self { shown: Scene::new(0, Vec::new()), next: None }
    }
}

impl Stage {
    /// Takes a new scene, which replaces one that was not drawn yet.
    pub(crate) fn handle_scene(&mut self, scene: Scene, now: MediaTime) {
        self.next = Some((scene, now));
    }

    /// Returns the scene to draw now.
    pub(crate) fn poll_scene(
        &mut self,
        now: MediaTime,
        sight: impl Fn(&FeedId) -> Sight,
    ) -> &Scene {
        if let Some((scene, since)) = self.next.take() {
            let is_in =
                |scene: &Scene, wanted| scene.tiles.iter().any(|tile| sight(&tile.feed) == wanted);
            let is_waiting = is_in(&scene, Sight::Waiting) && is_in(&self.shown, Sight::Live);
            if is_waiting && now.since(since) < HOLD {
                self.next = Some((scene, since));
            } else {
                self.shown = scene;
            }
        }
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use media_rules::{Rect, Tile};

    use super::*;

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    fn scene(names: &[&str]) -> Scene {
        let rect = Rect { x: 0, y: 0, width: 2, height: 2 };
        let tile = |name: &&str| Tile::new(FeedId::new("a", name), rect);
        Scene::new(1, names.iter().map(tile).collect())
    }

    fn drawn(stage: &mut Stage, now: u64, live: &[&str]) -> Vec<String> {
        let sight = |feed: &FeedId| {
            if live.contains(&feed.identity()) { Sight::Live } else { Sight::Waiting }
        };
        stage
            .poll_scene(at(now), sight)
            .tiles
            .iter()
            .map(|t| t.feed.identity().to_owned())
            .collect()
    }

    #[test]
    fn the_scene_before_stays_until_the_newcomer_has_a_picture() {
        let mut stage = Stage::default();
        stage.handle_scene(scene(&["alice"]), at(0));
        assert_eq!(drawn(&mut stage, 0, &["alice"]), ["alice"]);

        stage.handle_scene(scene(&["alice", "bob"]), at(100));
        assert_eq!(drawn(&mut stage, 500, &["alice"]), ["alice"]);
        assert_eq!(drawn(&mut stage, 533, &["alice", "bob"]), ["alice", "bob"]);
    }

    #[test]
    fn nobody_waits_longer_than_a_second() {
        let mut stage = Stage::default();
        stage.handle_scene(scene(&["alice"]), at(0));
        assert_eq!(drawn(&mut stage, 0, &["alice"]), ["alice"]);

        stage.handle_scene(scene(&["alice", "bob"]), at(100));
        assert_eq!(drawn(&mut stage, 1_099, &["alice"]), ["alice"]);
        assert_eq!(drawn(&mut stage, 1_100, &["alice"]), ["alice", "bob"]);
    }

    #[test]
    fn a_leaving_host_is_gone_at_once() {
        let mut stage = Stage::default();
        stage.handle_scene(scene(&["alice", "bob"]), at(0));
        drawn(&mut stage, 0, &["alice", "bob"]);

        stage.handle_scene(scene(&["alice"]), at(100));
        assert_eq!(drawn(&mut stage, 100, &["alice", "bob"]), ["alice"]);
    }

    #[test]
    fn with_nothing_to_hold_the_new_scene_comes_at_once() {
        let mut stage = Stage::default();
        stage.handle_scene(scene(&["alice"]), at(0));
        assert_eq!(drawn(&mut stage, 0, &[]), ["alice"]);

        stage.handle_scene(scene(&["bob"]), at(10));
        assert_eq!(drawn(&mut stage, 10, &[]), ["bob"]);
    }
}
