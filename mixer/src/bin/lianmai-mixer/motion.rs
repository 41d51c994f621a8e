//! What lies where in one picture, at rest and on the way from one scenery to the next.

use std::sync::Arc;

use media_rules::Rect;

use crate::scenery::{Backdrop, Kind, Part, Scenery};

/// One picture's parts, the farthest first.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    /// What is behind them.
    pub(crate) backdrop: Backdrop,
    /// The parts.
    pub(crate) items: Vec<Item>,
}

/// A part as it is seen now.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// What.
    pub(crate) part: Arc<Part>,
    /// Where; all numbers even.
    pub(crate) rect: Rect,
    /// How much of 255 it hides, besides what it hides by itself.
    pub(crate) opacity: u8,
}

impl Shot {
    /// Returns `scenery` at rest.
    pub(crate) fn of(scenery: &Scenery) -> Self {
        let item =
            |part: &Arc<Part>| Item { part: Arc::clone(part), rect: part.rect, opacity: 255 };
        let items = scenery.parts.iter().map(item).collect();
        Self { backdrop: scenery.backdrop.clone(), items }
    }

    /// Returns what is seen after `share` of the way from this shot to `scenery`: who is in both
    /// travels, who leaves fades out beneath the others, who comes fades in.
    pub(crate) fn towards(&self, scenery: &Scenery, share: f32) -> Self {
        let share = eased(share);
        let mut shot = Self::of(scenery);
        for item in &mut shot.items {
            match self.items.iter().find(|before| is_same(&before.part, &item.part)) {
                Some(before) => {
                    item.rect = between(before.rect, item.rect, share);
                    item.opacity = mean(before.opacity, 255, share);
                }
                None => item.opacity = mean(0, 255, share),
            }
        }
        let stays = |item: &&Item| scenery.parts.iter().any(|part| is_same(part, &item.part));
        let leaving = self.items.iter().filter(|item| !stays(item)).map(|item| Item {
            part: Arc::clone(&item.part),
            rect: item.rect,
            opacity: mean(item.opacity, 0, share),
        });
        shot.items.splice(0..0, leaving.collect::<Vec<_>>());
        shot
    }
}

impl Item {
    /// Returns whether nothing of `whole` is seen beside or through it.
    pub(crate) fn covers(&self, whole: Rect) -> bool {
        let is_square = match &self.part.kind {
            Kind::Tile(tile) => tile.radius == 0,
            Kind::Overlay(_) => false,
        };
        is_square && self.opacity == 255 && self.rect == whole
    }
}

/// Returns whether two parts are one to a viewer: the same feed, or the same overlay.
fn is_same(a: &Arc<Part>, b: &Arc<Part>) -> bool {
    match (a.feed(), b.feed()) {
        (Some(a), Some(b)) => a == b,
        (None, None) => Arc::ptr_eq(a, b),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn between(from: Rect, to: Rect, share: f32) -> Rect {
    let pixels = |from: u32, to: u32| {
        let place = from as f32 + (to as f32 - from as f32) * share;
        (place.round() as u32) & !1
    };
    Rect {
        x: pixels(from.x, to.x),
        y: pixels(from.y, to.y),
        width: pixels(from.width, to.width).max(2),
        height: pixels(from.height, to.height).max(2),
    }
}

fn mean(from: u8, to: u8, share: f32) -> u8 {
    (f32::from(from) + (f32::from(to) - f32::from(from)) * share).round() as u8
}

/// Sets out and arrives gently.
fn eased(share: f32) -> f32 {
    let share = share.clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

#[cfg(test)]
mod tests {
    use media_rules::{FeedId, Scene, Tile, Transition};

    use super::*;
    use crate::artist::Artist;

    fn scenery(tiles: &[(&str, Rect)]) -> Scenery {
        let tile = |(name, rect): &(&str, Rect)| Tile::new(FeedId::new("a", name), *rect);
        let scene = Scene {
            transition: Transition::Slide(std::time::Duration::from_millis(300)),
            ..Scene::new(1, tiles.iter().map(tile).collect())
        };
        Artist::new((720, 1280), None).draw(scene)
    }

    fn seen(shot: &Shot) -> Vec<(String, Rect, u8)> {
        let item = |item: &Item| {
            (item.part.feed().unwrap().identity().to_owned(), item.rect, item.opacity)
        };
        shot.items.iter().map(item).collect()
    }

    const fn rect(x: u32, width: u32) -> Rect {
        Rect { x, y: 0, width, height: 100 }
    }

    #[test]
    fn who_stays_travels_who_comes_fades_in_and_who_leaves_fades_out_beneath() {
        let from = Shot::of(&scenery(&[("alice", rect(0, 400)), ("bob", rect(400, 300))]));
        let to = scenery(&[("carol", rect(300, 100)), ("alice", rect(200, 100))]);

        let start = seen(&from.towards(&to, 0.0));
        assert_eq!(start[0], ("bob".into(), rect(400, 300), 255));
        assert_eq!(start[1], ("carol".into(), rect(300, 100), 0));
        assert_eq!(start[2], ("alice".into(), rect(0, 400), 255));

        let middle = seen(&from.towards(&to, 0.5));
        assert_eq!(middle[0], ("bob".into(), rect(400, 300), 128));
        assert_eq!(middle[2], ("alice".into(), rect(100, 250), 255));

        let end = from.towards(&to, 1.0);
        assert_eq!(seen(&end)[1..], seen(&Shot::of(&to)));
        assert_eq!(seen(&end)[0].2, 0);
    }

    #[test]
    fn every_step_is_even_and_never_back() {
        let from = Shot::of(&scenery(&[("alice", rect(0, 720))]));
        let to = scenery(&[("alice", rect(540, 180))]);
        let mut last = 0;
        for step in 0..=30_u8 {
            let Rect { x, y, width, height } =
                from.towards(&to, f32::from(step) / 30.0).items[0].rect;
            assert!([x, y, width, height].iter().all(|n| n % 2 == 0) && x >= last);
            assert!(x + width <= 720);
            last = x;
        }
        assert_eq!(last, 540);
    }
}
