//! Turns text into pixels. Names come in any script, often several in one, so letters are shaped and
//! taken from whichever installed font has them. This takes milliseconds: it is done once for each
//! text and never while a picture is due.

use std::path::Path;

use cosmic_text::{
    Align as Place, Attrs, Buffer, Color, Ellipsize, EllipsizeHeightLimit, Family, FontSystem,
    Metrics, Shaping, SwashCache, Weight, Wrap, fontdb,
};
use image::{Rgba, RgbaImage};
use media_rules::{Align, Colour};
use tracing::warn;

/// Where fonts are looked for, with all folders below.
const FONT_FOLDERS: [&str; 2] = ["/usr/share/fonts", "/usr/local/share/fonts"];

/// The first choice; letters that it lacks are taken from the others.
const FAMILY: &str = "DejaVu Sans";

/// Chinese shapes where Chinese and Japanese share a character.
const LOCALE: &str = "zh-CN";

/// From line to line, in heights of a letter.
const LINE_HEIGHT: f32 = 1.25;

/// The fonts of this machine.
pub(crate) struct Lettering {
    fonts: FontSystem,
    shapes: SwashCache,
}

/// What to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// The words.
    pub(crate) text: &'a str,
    /// Height of the letters (the em) in pixels.
    pub(crate) size: u16,
    /// Their colour.
    pub(crate) colour: Colour,
    /// How wide the text may become.
    pub(crate) width: u32,
    /// How many lines may be filled; what is left over is shown by an ellipsis.
    pub(crate) lines: u32,
    /// Where lines stand that are shorter than the longest.
    pub(crate) align: Align,
}

impl Lettering {
    /// Looks at the fonts of this machine.
    pub(crate) fn new() -> Self {
        let mut found = fontdb::Database::new();
        for folder in FONT_FOLDERS {
            if Path::new(folder).is_dir() {
                found.load_fonts_dir(folder);
            }
        }
        if found.is_empty() {
            warn!("There are no fonts: the picture stays without text.");
        }
        let fonts = FontSystem::new_with_locale_and_db(LOCALE.to_owned(), found);
        Self { fonts, shapes: SwashCache::new() }
    }

    /// Writes on nothing; the drawing is as wide as the longest line and as high as all of them.
    pub(crate) fn write(&mut self, line: Line<'_>) -> RgbaImage {
        let size = f32::from(line.size.max(1));
        let line_height = (size * LINE_HEIGHT).ceil();
        let mut buffer = Buffer::new(&mut self.fonts, Metrics::new(size, line_height));
        buffer.set_size(Some(line.width as f32), None);
        buffer.set_wrap(if line.lines > 1 { Wrap::WordOrGlyph } else { Wrap::None });
        let limit = EllipsizeHeightLimit::Lines(line.lines.max(1) as usize);
        buffer.set_ellipsize(Ellipsize::End(limit));
        let attributes = Attrs::new().family(Family::Name(FAMILY)).weight(Weight::BOLD);
        let place = match line.align {
            Align::Left => Place::Left,
            Align::Middle => Place::Center,
            Align::Right => Place::Right,
        };
        buffer.set_text(line.text, &attributes, Shaping::Advanced, Some(place));
        buffer.shape_until_scroll(&mut self.fonts, false);

        let (mut longest, mut lines) = (0_f32, 0);
        for run in buffer.layout_runs().take(line.lines.max(1) as usize) {
            longest = longest.max(run.line_w);
            lines += 1;
        }
        let width = (longest.ceil() as u32).min(line.width).max(1);
        let height = (line_height * lines.max(1) as f32) as u32;
        // Lines are aligned within all the width that there may be.
        let left = match line.align {
            Align::Left => 0,
            Align::Middle => (line.width - width) / 2,
            Align::Right => line.width - width,
        };
        let mut drawing = RgbaImage::new(width, height);
        let Colour { red, green, blue } = line.colour;
        let colour = Color::rgb(red, green, blue);
        buffer.draw(&mut self.fonts, &mut self.shapes, colour, |x, y, w, h, colour| {
            for (x, y) in
                (0..w.cast_signed()).flat_map(|i| (0..h.cast_signed()).map(move |j| (x + i, y + j)))
            {
                put(&mut drawing, x - left.cast_signed(), y, colour);
            }
        });
        drawing
    }
}

/// Adds a pixel of a letter, which may overlap its neighbour's.
fn put(drawing: &mut RgbaImage, x: i32, y: i32, colour: Color) {
    let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
    let Some(pixel) = drawing.get_pixel_mut_checked(x, y) else { return };
    if pixel.0[3] < colour.a() {
        *pixel = Rgba([colour.r(), colour.g(), colour.b(), colour.a()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line<'_> {
        let (size, colour) = (32, Colour::WHITE);
        Line { text, size, colour, width: 400, lines: 1, align: Align::Left }
    }

    fn ink(drawing: &RgbaImage) -> usize {
        drawing.pixels().filter(|pixel| pixel.0[3] > 127).count()
    }

    #[test]
    fn every_script_that_names_come_in_has_letters_of_its_own() {
        let mut lettering = Lettering::new();
        let unknown = lettering.write(line("\u{10ffff}"));
        for text in ["Alice", "李雷", "さくら", "서연", "Алиса", "Ελένη"] {
            let drawing = lettering.write(line(text));
            let first = text.chars().next().unwrap().to_string();
            assert!(ink(&drawing) > 100, "{text} has {} pixels", ink(&drawing));
            assert_ne!(lettering.write(line(&first)), unknown, "{text}: a box instead of a letter");
        }
        let [first, second] = ["李", "雷"].map(|text| lettering.write(line(text)));
        assert_ne!(first, second);
    }

    #[test]
    fn a_long_name_is_cut_to_its_width_and_a_long_text_to_its_lines() {
        let mut lettering = Lettering::new();
        let long = "a name that is longer than anybody's";
        let short = lettering.write(Line { width: 120, ..line(long) });
        assert!((60..=120).contains(&short.width()), "{}", short.width());
        assert_eq!(short.height(), 40);

        let text = lettering.write(Line { width: 120, lines: 3, ..line(long) });
        assert_eq!((text.height(), text.width() <= 120), (120, true));
    }

    #[test]
    fn nothing_at_all_is_no_mishap() {
        let drawing = Lettering::new().write(line(""));
        assert_eq!(ink(&drawing), 0);
    }
}
