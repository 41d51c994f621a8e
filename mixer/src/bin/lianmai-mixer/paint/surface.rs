//! A 4:2:0 picture that is being drawn. Colours are laid as they are: whatever colour space a host's
//! picture is in, the program is in, too, because converting between them costs four times as much.

use gstreamer_video::{VideoFrameExt, VideoFrameRef};
use media_rules::Rect;

use super::Coverage;
use super::coverage::Row;

/// What is drawn on: three planes, the second and third half as large each way.
pub(crate) struct Surface<'a> {
    planes: [&'a mut [u8]; 3],
    strides: [usize; 3],
    width: i32,
    height: i32,
}

/// What is laid on a surface.
#[derive(Clone, Copy)]
pub(crate) struct Sheet<'a> {
    pub(crate) planes: [&'a [u8]; 3],
    pub(crate) strides: [usize; 3],
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// `None` hides everything.
    pub(crate) coverage: Option<&'a Coverage>,
}

impl<'a> Surface<'a> {
    /// Draws on a mapped I420 picture.
    pub(crate) fn of(frame: &'a mut VideoFrameRef<&mut gstreamer::BufferRef>) -> Self {
        let info = frame.info();
        let (width, height) = (info.width(), info.height());
        let strides = strides(frame.plane_stride());
        let [luma, u, v, _] = frame.planes_data_mut();
        let pixels = |count: u32| i32::try_from(count).expect("pictures are a few thousand wide");
        Self { planes: [luma, u, v], strides, width: pixels(width), height: pixels(height) }
    }

    #[cfg(test)]
    /// Draws on planes without gaps between their rows.
    pub(crate) fn packed(planes: [&'a mut [u8]; 3], width: usize, height: usize) -> Self {
        let pixels = |count: usize| i32::try_from(count).expect("pictures are a few thousand wide");
        let strides = [width, width / 2, width / 2];
        Self { planes, strides, width: pixels(width), height: pixels(height) }
    }

    /// Fills a rectangle with a colour, given as Y, U, V.
    pub(crate) fn fill(&mut self, area: Rect, colour: [u8; 3]) {
        self.tint(area, colour, 255);
    }

    /// Fills a rectangle with a colour that hides `opacity` of 255 of what is there.
    pub(crate) fn tint(&mut self, area: Rect, colour: [u8; 3], opacity: u8) {
        let end = |start: u32, length: u32, whole: i32| {
            start.saturating_add(length).min(whole.unsigned_abs())
        };
        let right = end(area.x, area.width, self.width);
        let bottom = end(area.y, area.height, self.height);
        if area.x >= right || area.y >= bottom {
            return;
        }
        for (plane, value) in colour.into_iter().enumerate() {
            let shift = u32::from(plane > 0);
            let [x, y, right, bottom] =
                [area.x, area.y, right, bottom].map(|pixels| (pixels >> shift) as usize);
            let stride = self.strides[plane];
            for row in self.planes[plane].chunks_mut(stride).take(bottom).skip(y) {
                match opacity {
                    255 => row[x..right].fill(value),
                    _ => row[x..right].iter_mut().for_each(|old| *old = mix(*old, value, opacity)),
                }
            }
        }
    }

    /// Lays `sheet` with its upper left corner at an even place, which may be outside. It hides
    /// `opacity` of 255 of what its coverage says.
    pub(crate) fn lay(&mut self, sheet: &Sheet<'_>, x: i32, y: i32, opacity: u8) {
        let (x, y) = (x & !1, y & !1);
        let (width, height) = (pixels(sheet.width), pixels(sheet.height));
        // What is visible, in pixels of the sheet.
        let (left, top) = ((-x).max(0), (-y).max(0));
        let (right, bottom) = (width.min(self.width - x), height.min(self.height - y));
        if left >= right || top >= bottom || opacity == 0 {
            return;
        }
        for plane in 0..3 {
            let shift = u32::from(plane > 0);
            let [left, top, right, bottom] =
                [left, top, right, bottom].map(|n| (n >> shift) as usize);
            for row in top..bottom {
                let at = (pixels(row) + (y >> shift)) * pixels(self.strides[plane]);
                let start =
                    usize::try_from(at + (x >> shift) + pixels(left)).expect("it is inside");
                let new = &sheet.planes[plane][row * sheet.strides[plane]..][left..right];
                let old = &mut self.planes[plane][start..start + (right - left)];
                match sheet.coverage {
                    None => lay_evenly(old, new, opacity),
                    Some(coverage) => {
                        let (values, row) = coverage.planes[plane.min(1)].row(row);
                        lay_row(old, new, &values[left..right], row.cut(left, right), opacity);
                    }
                }
            }
        }
    }
}

impl<'a> Sheet<'a> {
    /// Takes a mapped I420 picture.
    pub(crate) fn of(
        frame: &'a VideoFrameRef<&gstreamer::BufferRef>,
        coverage: Option<&'a Coverage>,
    ) -> Self {
        let (width, height) = (frame.info().width() as usize, frame.info().height() as usize);
        let [luma, u, v, _] = frame.planes_data();
        let strides = strides(frame.plane_stride());
        Self { planes: [luma, u, v], strides, width, height, coverage }
    }
}

impl Row {
    /// Returns the part between `left` and `right`, counted from `left`.
    fn cut(self, left: usize, right: usize) -> Self {
        let inside = |x: usize| x.clamp(left, right) - left;
        Self {
            start: inside(self.start),
            solid_start: inside(self.solid_start),
            solid_end: inside(self.solid_end),
            end: inside(self.end),
        }
    }
}

fn strides(strides: &[i32]) -> [usize; 3] {
    [0, 1, 2].map(|plane| usize::try_from(strides[plane]).expect("rows go from left to right"))
}

fn pixels(count: usize) -> i32 {
    i32::try_from(count).expect("pictures are a few thousand wide")
}

fn lay_row(old: &mut [u8], new: &[u8], coverage: &[u8], row: Row, opacity: u8) {
    let Row { start, solid_start, solid_end, end } = row;
    if opacity < 255 {
        for ((old, new), cover) in
            old[start..end].iter_mut().zip(&new[start..end]).zip(&coverage[start..end])
        {
            *old = mix(*old, *new, scale(*cover, opacity));
        }
        return;
    }
    for soft in [start..solid_start, solid_end..end] {
        for ((old, new), cover) in
            old[soft.clone()].iter_mut().zip(&new[soft.clone()]).zip(&coverage[soft])
        {
            *old = mix(*old, *new, *cover);
        }
    }
    old[solid_start..solid_end].copy_from_slice(&new[solid_start..solid_end]);
}

fn lay_evenly(old: &mut [u8], new: &[u8], opacity: u8) {
    if opacity == 255 {
        old.copy_from_slice(new);
    } else {
        old.iter_mut().zip(new).for_each(|(old, new)| *old = mix(*old, *new, opacity));
    }
}

/// Returns `old` with `cover` of 255 of it replaced by `new`. Sixteen bits are enough, so that
/// the compiler can do many pixels at once.
fn mix(old: u8, new: u8, cover: u8) -> u8 {
    let sum = u16::from(new) * u16::from(cover) + u16::from(old) * u16::from(255 - cover);
    by_255(sum)
}

fn scale(value: u8, share: u8) -> u8 {
    by_255(u16::from(value) * u16::from(share))
}

/// Divides by 255 and rounds to the nearest, exactly, for every product of two bytes.
fn by_255(sum: u16) -> u8 {
    let sum = sum + 128;
    ((sum + (sum >> 8)) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 16;

    fn draw(draw: impl FnOnce(&mut Surface<'_>)) -> [Vec<u8>; 3] {
        let mut planes = [vec![10; WIDTH * WIDTH], vec![20; 64], vec![30; 64]];
        let [luma, u, v] = &mut planes;
        draw(&mut Surface::packed([luma, u, v], WIDTH, WIDTH));
        planes
    }

    fn sheet<'a>(planes: &'a [Vec<u8>; 3], coverage: Option<&'a Coverage>) -> Sheet<'a> {
        let [luma, u, v] = planes;
        Sheet { planes: [luma, u, v], strides: [8, 4, 4], width: 8, height: 8, coverage }
    }

    fn block() -> [Vec<u8>; 3] {
        [vec![100; 64], vec![110; 16], vec![120; 16]]
    }

    #[test]
    fn the_division_is_exact() {
        for sum in 0..=255 * 255_u32 {
            let exact = (sum + 127) / 255;
            assert_eq!(u32::from(by_255(sum as u16)), exact, "{sum}");
        }
    }

    #[test]
    fn a_rectangle_is_filled_and_nothing_beside_it() {
        let planes = draw(|s| s.fill(Rect { x: 4, y: 2, width: 100, height: 6 }, [1, 2, 3]));
        for (at, value) in planes[0].iter().enumerate() {
            let is_in = (2..8).contains(&(at / WIDTH)) && at % WIDTH >= 4;
            assert_eq!(*value, if is_in { 1 } else { 10 });
        }
        assert_eq!(planes[1].iter().filter(|value| **value == 2).count(), 3 * 6);
        let outside = Rect { x: 16, y: 0, width: 4, height: 4 };
        assert_eq!(draw(|s| s.fill(outside, [1, 2, 3])), draw(|_| {}));
    }

    #[test]
    fn half_an_opacity_is_the_middle() {
        let planes = draw(|s| s.tint(Rect { x: 0, y: 0, width: 16, height: 16 }, [110; 3], 128));
        assert_eq!([planes[0][0], planes[1][0], planes[2][0]], [60, 65, 70]);
        let block = block();
        let planes = draw(|s| s.lay(&sheet(&block, None), 0, 0, 128));
        assert_eq!([planes[0][0], planes[1][0], planes[2][0]], [55, 65, 75]);
        assert_eq!(planes[0][8], 10);
    }

    #[test]
    fn what_hangs_over_an_edge_is_cut_on_every_side() {
        let block = block();
        let coverage = Coverage::rounded(8, 8, 2);
        for coverage in [None, Some(&coverage)] {
            for (x, y, seen) in [(-4, -4, 16), (12, 12, 16), (-8, 0, 0), (0, 16, 0), (4, -6, 16)] {
                let planes = draw(|s| s.lay(&sheet(&block, coverage), x, y, 255));
                let changed = planes[0].iter().filter(|value| **value > 60).count();
                assert!(changed.abs_diff(seen) <= 4, "{changed} pixels at {x}, {y}");
            }
        }
    }

    #[test]
    fn rounded_corners_show_what_is_beneath() {
        let block = block();
        let coverage = Coverage::rounded(8, 8, 4);
        let planes = draw(|s| s.lay(&sheet(&block, Some(&coverage)), 4, 4, 255));
        assert_eq!(planes[0][4 * WIDTH + 4], 10, "the corner");
        assert_eq!(planes[0][8 * WIDTH + 8], 100, "the middle");
        let faint = draw(|s| s.lay(&sheet(&block, Some(&coverage)), 4, 4, 128));
        assert_eq!(faint[0][8 * WIDTH + 8], 55);
    }
}
