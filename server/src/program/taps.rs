//! Pumps from the stage's feeds into the mixer, one task each; a feed that leaves takes its own down.

use std::collections::HashMap;

use media_rules::{FeedId, Scene};
use mixer::Program;
use sfu::Sfu;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The open taps of one program.
pub(super) struct Taps {
    sfu: Sfu,
    program: Program,
    open: HashMap<FeedId, DropGuard>,
}

impl Taps {
    /// Starts without any.
    pub(super) fn new(sfu: Sfu, program: Program) -> Self {
        Self { sfu, program, open: HashMap::new() }
    }

    /// Opens and closes taps so that there is one for each feed of `scene`.
    pub(super) fn follow(&mut self, scene: &Scene) {
        self.open.retain(|feed, _| scene.tiles.iter().any(|tile| tile.feed == *feed));
        // What is played in is the mixer's own.
        for tile in scene.tiles.iter().filter(|tile| !tile.feed.is_clip()) {
            if !self.open.contains_key(&tile.feed) {
                let guard = self.open_tap(tile.feed.clone());
                self.open.insert(tile.feed.clone(), guard);
            }
        }
    }

    fn open_tap(&self, feed: FeedId) -> DropGuard {
        let cancelled = CancellationToken::new();
        let guard = cancelled.clone().drop_guard();
        let program = self.program.clone();
        let mut tap = self.sfu.tap(feed);
        tokio::spawn(cancelled.run_until_cancelled_owned(async move {
            while let Some(item) = tap.recv().await {
                program.input(item);
            }
        }));
        guard
    }
}
