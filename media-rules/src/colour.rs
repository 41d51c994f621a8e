//! A colour as people write it, and as pictures hold it.

/// A colour with 8 bits each of red, green and blue.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Colour {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl Colour {
    /// Where nothing is: a dark colour of the brand and never black, so that a viewer can tell a
    /// program without a host from a broken one.
    pub const SLATE: Self = Self::new(0x45, 0x2c, 0x54);

    /// A tile whose host cannot be seen.
    pub const EMPTY_TILE: Self = Self::new(0x5d, 0x4a, 0x6c);

    /// White.
    pub const WHITE: Self = Self::new(0xff, 0xff, 0xff);

    /// Returns a colour of its parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let is_hex = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let [_, red, green, blue] =
            u32::from_str_radix(is_hex.then_some(digits)?, 16).ok()?.to_be_bytes();
        Some(Self { red, green, blue })
    }

    /// Returns Y, U and V in studio range (ITU-R BT.601, section 2.5.3), which is what WebRTC makes
    /// of a camera's picture.
    pub fn yuv(self) -> [u8; 3] {
        let [red, green, blue] = [self.red, self.green, self.blue].map(i32::from);
        let luma = ((66 * red + 129 * green + 25 * blue + 128) >> 8) + 16;
        let u = ((-38 * red - 74 * green + 112 * blue + 128) >> 8) + 128;
        let v = ((112 * red - 94 * green - 18 * blue + 128) >> 8) + 128;
        // The factors keep every colour within 16..=240.
        [luma, u, v].map(|value| u8::try_from(value).expect("it is in studio range"))
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_read_as_it_is_written() {
        let colour = Colour::parse("#0aF09c").unwrap();
        assert_eq!(colour, Colour::new(0x0a, 0xf0, 0x9c));
        assert_eq!(colour.to_string(), "#0af09c");
        for text in ["", "#", "#12345", "#1234567", "123456", "#+12345", "#12345g", "#ééé"] {
            assert_eq!(Colour::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_usual_colours_have_their_usual_values() {
        assert_eq!(Colour::WHITE.yuv(), [235, 128, 128]);
        assert_eq!(Colour::new(0, 0, 0).yuv(), [16, 128, 128]);
        assert_eq!(Colour::new(255, 0, 0).yuv(), [82, 90, 240]);
        assert_eq!(Colour::new(0, 0, 255).yuv(), [41, 240, 110]);
        assert_eq!(Colour::SLATE.yuv(), [64, 142, 136]);
        assert_eq!(Colour::EMPTY_TILE.yuv(), [88, 140, 134]);
    }
}
