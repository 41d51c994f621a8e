//! Goal: everybody is seen, nobody covers anybody, and every number suits 4:2:0 pictures.
//! Method: the exact places of the usual canvas, then every number of performers on many canvases.

use media_rules::{FeedId, Fit, Rect, layout};

const PORTRAIT: (u32, u32) = (720, 1280);

fn feeds(count: usize) -> Vec<FeedId> {
    (0..count).map(|index| FeedId::new("room", &format!("host-{index}"))).collect()
}

fn rects(count: usize, is_battle: bool, canvas: (u32, u32)) -> Vec<Rect> {
    let tiles = layout::scene(&feeds(count), is_battle, canvas, |_| false);
    tiles.into_iter().map(|tile| tile.rect).collect()
}

#[test]
fn one_fills_the_canvas() {
    assert_eq!(rects(1, false, PORTRAIT), [Rect { x: 0, y: 0, width: 720, height: 1280 }]);
}

#[test]
fn two_stand_side_by_side() {
    let left = Rect { x: 0, y: 160, width: 360, height: 640 };
    let right = Rect { x: 360, ..left };
    for is_battle in [false, true] {
        assert_eq!(rects(2, is_battle, PORTRAIT), [left, right]);
    }
    assert_eq!(rects(1, true, PORTRAIT), [left], "the opponent's half stays free");
}

#[test]
fn three_and_four_share_a_grid_of_two_by_two() {
    let corner = Rect { x: 360, y: 640, width: 360, height: 640 };
    assert_eq!(rects(4, false, PORTRAIT)[3], corner);
    assert_eq!(rects(3, false, PORTRAIT), rects(4, false, PORTRAIT)[..3]);
}

#[test]
fn the_tenth_is_left_out() {
    assert_eq!(rects(10, false, PORTRAIT).len(), layout::MAX_TILES);
}

#[test]
fn the_muted_are_seen_and_not_heard() {
    let feeds = feeds(2);

    let tiles = layout::scene(&feeds, true, PORTRAIT, |feed| *feed == feeds[1]);

    assert_eq!(tiles.iter().map(|tile| tile.gain_percent).collect::<Vec<_>>(), [100, 0]);
    assert!(tiles.iter().all(|tile| tile.fit == Fit::Cover));
}

#[test]
fn tiles_are_even_inside_and_apart() {
    for canvas in [PORTRAIT, (1280, 720), (1080, 1920), (360, 640), (722, 1278), (500, 500)] {
        for count in 0..=layout::MAX_TILES {
            let rects = rects(count, count == 2, canvas);
            assert_eq!(rects.len(), count);
            for (index, a) in rects.iter().enumerate() {
                let case = format!("{count} on {canvas:?}: {a:?}");
                assert!([a.x, a.y, a.width, a.height].iter().all(|n| n % 2 == 0), "{case}");
                assert!(a.width > 0 && a.height > 0, "{case}");
                assert!(a.x + a.width <= canvas.0 && a.y + a.height <= canvas.1, "{case}");
                for b in &rects[..index] {
                    let apart = a.x >= b.x + b.width
                        || b.x >= a.x + a.width
                        || a.y >= b.y + b.height
                        || b.y >= a.y + a.height;
                    assert!(apart, "{case} covers {b:?}");
                }
            }
        }
    }
}
