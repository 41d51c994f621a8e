//! What a tile looks like, drawn once for each picture of its feed: the picture scaled and cut, its
//! frame, the name and the mute mark. A feed that sends fewer pictures than the program has, or none,
//! costs only the laying of its face.

use anyhow::Context;
use gstreamer as gst;
use gstreamer_video::{
    VideoConverter, VideoConverterConfig, VideoFormat, VideoFrameRef, VideoInfo,
    VideoResamplerMethod,
};
use media_rules::Rect;
use tracing::trace;

use crate::artist::LABEL_GAP;
use crate::fit::place;
use crate::paint::{Coverage, Sheet, Surface};
use crate::scenery::TileArt;

/// A drawn tile of one size.
pub(crate) struct Face {
    info: VideoInfo,
    pixels: gst::Buffer,
    coverage: Option<Coverage>,
    scaler: Option<Scaler>,
    drawn: Drawn,
}

/// What a face shows.
enum Drawn {
    Nothing,
    Placeholder,
    /// Holds the picture, so that no other one can be in its place in memory.
    Picture(gst::Sample),
}

impl Face {
    /// Creates the face of a tile that is `width` x `height` now, both even.
    pub(crate) fn new(art: &TileArt, width: u32, height: u32) -> anyhow::Result<Self> {
        let info = VideoInfo::builder(VideoFormat::I420, width, height).build()?;
        let pixels = gst::Buffer::with_size(info.size())?;
        let coverage = (art.radius > 0)
            .then(|| Coverage::rounded(width as usize, height as usize, art.radius as usize));
        Ok(Self { info, pixels, coverage, scaler: None, drawn: Drawn::Nothing })
    }

    /// Draws `picture`, or what stands for it, unless that is what the face shows already.
    pub(crate) fn show(
        &mut self,
        art: &TileArt,
        picture: Option<&gst::Sample>,
    ) -> anyhow::Result<()> {
        let is_drawn = match (&self.drawn, picture) {
            (Drawn::Picture(drawn), Some(picture)) => drawn.as_ptr() == picture.as_ptr(),
            (Drawn::Placeholder, None) => true,
            (Drawn::Nothing | Drawn::Placeholder | Drawn::Picture(_), _) => false,
        };
        if is_drawn {
            return Ok(());
        }
        let shown = picture.map_or(Err(None), |picture| {
            // One host's odd picture must not cost the others theirs.
            self.draw_picture(art, picture).map_err(Some)
        });
        if let Err(error) = &shown {
            if let Some(error) = error {
                trace!(%error, "A picture cannot be shown.");
            }
            self.surface(|surface, whole| {
                surface.fill(whole, art.ground);
                let free = |whole: u32, part: usize| (i64::from(whole) - part as i64) as i32 / 2;
                let x = free(whole.width, art.placeholder.width());
                let y = free(whole.height, art.placeholder.height());
                surface.lay(&art.placeholder.sheet(), x, y, 255);
            })?;
        }
        self.trim(art)?;
        self.drawn = picture.map_or(Drawn::Placeholder, |picture| Drawn::Picture(picture.clone()));
        Ok(())
    }

    /// Lays the face on a picture.
    pub(crate) fn lay_on(
        &self,
        surface: &mut Surface<'_>,
        rect: Rect,
        opacity: u8,
    ) -> anyhow::Result<()> {
        let frame = VideoFrameRef::from_buffer_ref_readable(&self.pixels, &self.info)?;
        let (x, y) = (i32::try_from(rect.x)?, i32::try_from(rect.y)?);
        surface.lay(&Sheet::of(&frame, self.coverage.as_ref()), x, y, opacity);
        Ok(())
    }

    fn draw_picture(&mut self, art: &TileArt, sample: &gst::Sample) -> anyhow::Result<()> {
        let caps = sample.caps().context("a decoded picture has no caps")?;
        let source = VideoInfo::from_caps(caps)?;
        let whole = self.whole();
        let (part, target) = place(source.width(), source.height(), whole, art.fit);
        if target != whole {
            self.surface(|surface, whole| surface.fill(whole, art.ground))?;
        }
        let scaler = match self.scaler.take() {
            Some(scaler) if scaler.fits(&source, part, target) => scaler,
            Some(_) | None => Scaler::new(source, &self.info, part, target)?,
        };
        let scaler = self.scaler.insert(scaler);
        let source = sample.buffer().context("a decoded picture has no pixels")?;
        let source = VideoFrameRef::from_buffer_ref_readable(source, &scaler.source)?;
        let pixels = self.pixels.get_mut().context("a face is still being read")?;
        let mut target = VideoFrameRef::from_buffer_ref_writable(pixels, &scaler.target_info)?;
        scaler.converter.frame_ref(&source, &mut target);
        Ok(())
    }

    /// Draws what is around and over the picture.
    fn trim(&mut self, art: &TileArt) -> anyhow::Result<()> {
        self.surface(|surface, whole| {
            let Rect { width, height, .. } = whole;
            if let Some((border, colour)) = art.border {
                let border = border.min(width / 2).min(height / 2);
                let strip = |x, y, width, height| Rect { x, y, width, height };
                surface.fill(strip(0, 0, width, border), colour);
                surface.fill(strip(0, height - border, width, border), colour);
                surface.fill(strip(0, 0, border, height), colour);
                surface.fill(strip(width - border, 0, border, height), colour);
            }
            let edge = LABEL_GAP + art.border.map_or(0, |(border, _)| border);
            let (mut x, bottom) = (pixels(edge), pixels(height) - pixels(edge));
            for mark in [&art.mark, &art.label].into_iter().flatten() {
                surface.lay(&mark.sheet(), x, bottom - mark.height() as i32, 255);
                x += mark.width() as i32 + pixels(LABEL_GAP);
            }
        })
    }

    fn surface(&mut self, draw: impl FnOnce(&mut Surface<'_>, Rect)) -> anyhow::Result<()> {
        let whole = self.whole();
        let pixels = self.pixels.get_mut().context("a face is still being read")?;
        let mut frame = VideoFrameRef::from_buffer_ref_writable(pixels, &self.info)?;
        draw(&mut Surface::of(&mut frame), whole);
        Ok(())
    }

    fn whole(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.info.width(), height: self.info.height() }
    }
}

fn pixels(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Cuts, scales and places pictures of one size.
struct Scaler {
    converter: VideoConverter,
    source: VideoInfo,
    /// The face, labelled as the source is so that only its size is converted.
    target_info: VideoInfo,
    part: Rect,
    target: Rect,
}

impl Scaler {
    fn new(source: VideoInfo, face: &VideoInfo, part: Rect, target: Rect) -> anyhow::Result<Self> {
        let target_info = VideoInfo::builder(face.format(), face.width(), face.height())
            .colorimetry(&source.colorimetry())
            .chroma_site(source.chroma_site())
            .interlace_mode(source.interlace_mode())
            .fps(source.fps())
            .build()?;
        let pixels = |number: u32| i32::try_from(number).context("a picture is too large");
        let mut config = VideoConverterConfig::new();
        config.set_resampler_method(VideoResamplerMethod::Linear);
        config.set_fill_border(false);
        config.set_threads(1);
        config.set_src_x(pixels(part.x)?);
        config.set_src_y(pixels(part.y)?);
        config.set_src_width(Some(pixels(part.width)?));
        config.set_src_height(Some(pixels(part.height)?));
        config.set_dest_x(pixels(target.x)?);
        config.set_dest_y(pixels(target.y)?);
        config.set_dest_width(Some(pixels(target.width)?));
        config.set_dest_height(Some(pixels(target.height)?));
        let converter = VideoConverter::new(&source, &target_info, Some(config))?;
        Ok(Self { converter, source, target_info, part, target })
    }

    fn fits(&self, source: &VideoInfo, part: Rect, target: Rect) -> bool {
        self.source == *source && self.part == part && self.target == target
    }
}
