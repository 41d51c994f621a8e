//! A finished drawing in 4:2:0, ready to be laid on pictures: made once, laid thirty times a second.

use image::RgbaImage;
use media_rules::Colour;

use super::{Coverage, Sheet};

/// A drawing of even size.
#[derive(Debug)]
pub(crate) struct Raster {
    width: usize,
    height: usize,
    planes: [Vec<u8>; 3],
    /// `None` hides everything beneath.
    coverage: Option<Coverage>,
}

impl Raster {
    /// Converts a drawing; an odd last row or column is given a see-through neighbour.
    pub(crate) fn new(drawing: &RgbaImage) -> Self {
        let (width, height) = (even_up(drawing.width()), even_up(drawing.height()));
        let pixel = |x: usize, y: usize| {
            let pixel = drawing.get_pixel_checked(x as u32, y as u32);
            pixel.map_or([0; 4], |pixel| pixel.0)
        };
        let mut luma = Vec::with_capacity(width * height);
        let mut covers = Vec::with_capacity(width * height);
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let [red, green, blue, cover] = pixel(x, y);
            luma.push(Colour::new(red, green, blue).yuv()[0]);
            covers.push(cover);
        }
        let (mut u, mut v) = (Vec::new(), Vec::new());
        for (y, x) in
            (0..height).step_by(2).flat_map(|y| (0..width).step_by(2).map(move |x| (y, x)))
        {
            let four = [pixel(x, y), pixel(x + 1, y), pixel(x, y + 1), pixel(x + 1, y + 1)];
            let [_, mean_u, mean_v] = mean_colour(four).yuv();
            u.push(mean_u);
            v.push(mean_v);
        }
        let is_solid = covers.iter().all(|cover| *cover == 255);
        let coverage = (!is_solid).then(|| Coverage::new(width, height, covers));
        Self { width, height, planes: [luma, u, v], coverage }
    }

    /// Returns the width in pixels.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// Returns the height in pixels.
    pub(crate) const fn height(&self) -> usize {
        self.height
    }

    /// Returns what can be laid on a surface.
    pub(crate) fn sheet(&self) -> Sheet<'_> {
        let [luma, u, v] = &self.planes;
        let half = self.width / 2;
        Sheet {
            planes: [luma, u, v],
            strides: [self.width, half, half],
            width: self.width,
            height: self.height,
            coverage: self.coverage.as_ref(),
        }
    }
}

/// Returns the mean of four pixels as far as they are visible: what is see-through has no colour.
fn mean_colour(four: [[u8; 4]; 4]) -> Colour {
    let weight: u32 = four.iter().map(|pixel| u32::from(pixel[3])).sum();
    let mean = |part: usize| {
        let sum: u32 = four.iter().map(|pixel| u32::from(pixel[part]) * u32::from(pixel[3])).sum();
        u8::try_from(sum.checked_div(weight).unwrap_or(0)).expect("a mean of bytes is one")
    };
    Colour::new(mean(0), mean(1), mean(2))
}

fn even_up(pixels: u32) -> usize {
    (pixels as usize).next_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn colour_comes_from_what_is_visible_only() {
        let mut drawing = RgbaImage::from_pixel(3, 2, Rgba([0, 0, 0, 0]));
        drawing.put_pixel(0, 0, Rgba([255, 0, 0, 255]));
        let raster = Raster::new(&drawing);
        assert_eq!((raster.width(), raster.height()), (4, 2));
        let red = Colour::new(255, 0, 0).yuv();
        assert_eq!([raster.planes[0][0], raster.planes[1][0], raster.planes[2][0]], red);
        assert!(raster.coverage.is_some());
    }

    #[test]
    fn a_solid_drawing_needs_no_blending() {
        let solid = RgbaImage::from_pixel(4, 4, Rgba([1, 2, 3, 255]));
        assert!(Raster::new(&solid).sheet().coverage.is_none());
    }
}
