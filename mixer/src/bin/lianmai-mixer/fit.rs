//! Which part of a picture goes where in a tile. A host's picture may change its size at any
//! frame (browsers scale down under load), so this is worked out anew whenever it does.

use media_rules::{Fit, Rect};

/// Returns the part of a picture of `width` x `height` that is shown, and where on the canvas.
/// All numbers are even, as 4:2:0 chroma needs.
pub(crate) fn place(width: u32, height: u32, tile: Rect, fit: Fit) -> (Rect, Rect) {
    let whole = Rect { x: 0, y: 0, width, height };
    match fit {
        Fit::Cover => (inscribe(tile.width, tile.height, whole), tile),
        Fit::Contain => (whole, inscribe(width, height, tile)),
        Fit::Fill => (whole, tile),
    }
}

/// Returns `tile` cut to the canvas, or `None` if nothing of it is left.
pub(crate) fn clip(tile: Rect, canvas: (u32, u32)) -> Option<Rect> {
    let (x, y) = (even(tile.x), even(tile.y));
    let width = even(tile.width.min(canvas.0.checked_sub(x)?));
    let height = even(tile.height.min(canvas.1.checked_sub(y)?));
    (width > 0 && height > 0).then_some(Rect { x, y, width, height })
}

/// Returns the largest rectangle of the shape `width` : `height` in the middle of `outer`.
fn inscribe(width: u32, height: u32, outer: Rect) -> Rect {
    let (shape_w, shape_h) = (u64::from(width), u64::from(height));
    let (outer_w, outer_h) = (u64::from(outer.width), u64::from(outer.height));
    let (width, height) = if outer_w * shape_h <= outer_h * shape_w {
        (outer_w, outer_w * shape_h / shape_w)
    } else {
        (outer_h * shape_w / shape_h, outer_h)
    };
    let fits = |pixels: u64| even(u32::try_from(pixels).expect("it lies inside `outer`")).max(2);
    let (width, height) = (fits(width).min(outer.width), fits(height).min(outer.height));
    Rect {
        x: outer.x + even((outer.width - width) / 2),
        y: outer.y + even((outer.height - height) / 2),
        width,
        height,
    }
}

const fn even(pixels: u32) -> u32 {
    pixels & !1
}

#[cfg(test)]
mod tests {
    use super::*;

    const TILE: Rect = Rect { x: 360, y: 160, width: 360, height: 640 };

    fn rect(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn cover_cuts_the_overhang_and_fills_the_tile() {
        assert_eq!(place(360, 640, TILE, Fit::Cover), (rect(0, 0, 360, 640), TILE));
        assert_eq!(place(1280, 720, TILE, Fit::Cover), (rect(438, 0, 404, 720), TILE));
        assert_eq!(place(360, 1000, TILE, Fit::Cover), (rect(0, 180, 360, 640), TILE));
    }

    #[test]
    fn contain_shows_the_whole_picture_in_the_middle() {
        let (part, target) = place(1280, 720, TILE, Fit::Contain);
        assert_eq!(part, rect(0, 0, 1280, 720));
        assert_eq!(target, rect(360, 378, 360, 202));
    }

    #[test]
    fn fill_shows_the_whole_picture_on_the_whole_tile() {
        assert_eq!(place(1280, 720, TILE, Fit::Fill), (rect(0, 0, 1280, 720), TILE));
    }

    #[test]
    fn a_tile_never_leaves_the_canvas() {
        assert_eq!(clip(rect(700, 0, 360, 640), (720, 1280)), Some(rect(700, 0, 20, 640)));
        assert_eq!(clip(rect(720, 0, 360, 640), (720, 1280)), None);
        assert_eq!(clip(rect(0, 4000, 360, 640), (720, 1280)), None);
        assert_eq!(clip(rect(1, 1, 3, 3), (720, 1280)), Some(rect(0, 0, 2, 2)));
    }

    #[test]
    fn odd_and_tiny_pictures_stay_inside() {
        for width in [2, 3, 17, 4096] {
            for height in [2, 5, 99, 2160] {
                for fit in [Fit::Cover, Fit::Contain, Fit::Fill] {
                    let (part, target) = place(width, height, TILE, fit);
                    assert!(part.x + part.width <= width && part.y + part.height <= height);
                    assert!(target.x + target.width <= 720 && target.y + target.height <= 800);
                    assert!(part.width > 0 && target.height > 0);
                }
            }
        }
    }
}
