//! How much each pixel of a raster hides of what is beneath it. Rows know where nothing is hidden and
//! where all is, so that laying a raster costs no more than the pixels that need blending.

/// How much is hidden, for the plane of luma and for those of colour, which are half as large each way.
#[derive(Debug)]
pub(crate) struct Coverage {
    pub(super) planes: [Plane; 2],
}

/// One value for each pixel of a plane: 0 hides nothing, 255 all.
#[derive(Debug)]
pub(super) struct Plane {
    width: usize,
    values: Vec<u8>,
    rows: Vec<Row>,
}

/// Nothing before `start` and from `end` on; everything from `solid_start` to `solid_end`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Row {
    pub(super) start: usize,
    pub(super) solid_start: usize,
    pub(super) solid_end: usize,
    pub(super) end: usize,
}

impl Coverage {
    /// Takes one value for each pixel of a raster of even size.
    pub(crate) fn new(width: usize, height: usize, values: Vec<u8>) -> Self {
        assert!(
            width.is_multiple_of(2) && height.is_multiple_of(2) && values.len() == width * height
        );
        let mut halved = Vec::with_capacity(values.len() / 4);
        for pair in values.chunks_exact(width * 2) {
            let (upper, lower) = pair.split_at(width);
            for (upper, lower) in upper.chunks_exact(2).zip(lower.chunks_exact(2)) {
                let sum: u16 = upper.iter().chain(lower).map(|value| u16::from(*value)).sum();
                halved.push(u8::try_from((sum + 2) / 4).expect("a mean of bytes is one"));
            }
        }
        Self { planes: [Plane::new(width, values), Plane::new(width / 2, halved)] }
    }

    /// Covers a rectangle but for its rounded corners.
    pub(crate) fn rounded(width: usize, height: usize, radius: usize) -> Self {
        let mut values = vec![255; width * height];
        let radius = radius.min(width / 2).min(height / 2);
        for y in 0..radius {
            for x in 0..radius {
                let value = corner(x, y, radius);
                for (x, y) in [
                    (x, y),
                    (width - 1 - x, y),
                    (x, height - 1 - y),
                    (width - 1 - x, height - 1 - y),
                ] {
                    values[y * width + x] = value;
                }
            }
        }
        Self::new(width, height, values)
    }
}

/// How much a pixel of a corner lies inside the circle that rounds it, from the edges inwards.
pub(super) fn corner(x: usize, y: usize, radius: usize) -> u8 {
    let from_centre = |at: usize| radius as f32 - (at as f32 + 0.5);
    let distance = from_centre(x).hypot(from_centre(y));
    // The edge is one pixel soft.
    ((radius as f32 - distance + 0.5).clamp(0.0, 1.0) * 255.0) as u8
}

impl Plane {
    fn new(width: usize, values: Vec<u8>) -> Self {
        let rows = values.chunks_exact(width).map(Row::of).collect();
        Self { width, values, rows }
    }

    pub(super) fn row(&self, y: usize) -> (&[u8], Row) {
        (&self.values[y * self.width..(y + 1) * self.width], self.rows[y])
    }
}

impl Row {
    fn of(values: &[u8]) -> Self {
        let Some(start) = values.iter().position(|value| *value > 0) else {
            return Self { start: 0, solid_start: 0, solid_end: 0, end: 0 };
        };
        let end = values.iter().rposition(|value| *value > 0).map_or(start, |last| last + 1);
        // The longest run, which is the whole middle of whatever has soft edges only.
        let (mut solid, mut run) = (end..end, start..start);
        for (x, value) in values.iter().enumerate().take(end).skip(start) {
            if *value == 255 {
                run.end = x + 1;
                if solid.is_empty() || run.len() > solid.len() {
                    solid = run.clone();
                }
            } else {
                run = x + 1..x + 1;
            }
        }
        Self { start, solid_start: solid.start, solid_end: solid.end, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_knows_where_it_hides_nothing_and_where_all() {
        let row = Row::of(&[0, 0, 9, 255, 7, 255, 255, 255, 80, 0]);
        assert_eq!(row, Row { start: 2, solid_start: 5, solid_end: 8, end: 9 });
        let nothing = Row::of(&[0; 8]);
        assert_eq!((nothing.start, nothing.end), (0, 0));
        let soft = Row::of(&[9; 4]);
        assert_eq!(soft, Row { start: 0, solid_start: 4, solid_end: 4, end: 4 });
    }

    #[test]
    fn rounded_corners_are_the_same_on_all_sides_and_nothing_else_is_cut() {
        let coverage = Coverage::rounded(40, 20, 6);
        let luma = |x: usize, y: usize| coverage.planes[0].row(y).0[x];
        assert_eq!([luma(0, 0), luma(39, 0), luma(0, 19), luma(39, 19)], [0; 4]);
        for (x, y) in [(20, 0), (0, 10), (6, 6), (39, 10), (20, 19), (3, 3)] {
            assert_eq!(luma(x, y), 255, "{x}, {y}");
        }
        assert!((1..255).contains(&luma(1, 2)));
        assert_eq!(coverage.planes[1].row(0).1.solid_start, 3);
    }
}
