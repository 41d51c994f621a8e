//! Draws one picture of the program: the slate, then every tile, scaled and cut in one pass by
//! GStreamer's converter.
//!
//! The slate is a plain dark colour of the brand and never black: whatever is missing, a viewer
//! can tell a program without a host from a broken one. Colours are copied as they come; giving
//! the canvas a colour space of its own would send every picture through a path four times slower.

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video::{
    VideoBufferPool, VideoConverter, VideoConverterConfig, VideoFormat, VideoFrameExt,
    VideoFrameRef, VideoInfo, VideoResamplerMethod,
};
use media_rules::{Fit, Rect};
use tracing::trace;

use crate::fit::place;

/// The colour where no tile is, as Y, U, V.
const SLATE: [u8; 3] = [64, 142, 136];

/// The colour of a tile whose host cannot be seen.
const EMPTY_TILE: [u8; 3] = [88, 140, 134];

/// A tile to draw.
pub(crate) struct Drawing {
    /// Where, inside the canvas.
    pub(crate) tile: Rect,
    /// How a picture of another shape fills it.
    pub(crate) fit: Fit,
    /// The decoded picture; `None` draws an empty tile.
    pub(crate) picture: Option<gst::Sample>,
}

/// Makes pictures of one size.
pub(crate) struct Canvas {
    info: VideoInfo,
    pool: VideoBufferPool,
    /// By place in the drawing order; made anew when a picture changes its size.
    scalers: Vec<Option<Scaler>>,
}

impl Canvas {
    /// Creates a canvas of `width` x `height`, both even.
    pub(crate) fn new(width: u32, height: u32) -> anyhow::Result<Self> {
        let info = VideoInfo::builder(VideoFormat::I420, width, height).build()?;
        let pool = VideoBufferPool::new();
        let mut config = pool.config();
        let size = u32::try_from(info.size()).context("the canvas is too large")?;
        config.set_params(Some(&info.to_caps()?), size, 4, 0);
        pool.set_config(config)?;
        pool.set_active(true)?;
        Ok(Self { info, pool, scalers: Vec::new() })
    }

    /// Draws one picture.
    pub(crate) fn draw(&mut self, drawings: &[Drawing]) -> anyhow::Result<gst::Buffer> {
        let mut buffer = self.pool.acquire_buffer(None)?;
        let picture = buffer.get_mut().context("the pool gave away a buffer in use")?;
        let (width, height) = (self.info.width(), self.info.height());
        self.fill(picture, Rect { x: 0, y: 0, width, height }, SLATE)?;

        self.scalers.resize_with(drawings.len(), || None);
        for (index, drawing) in drawings.iter().enumerate() {
            let is_drawn = match &drawing.picture {
                Some(sample) => self.draw_sample(picture, index, drawing, sample),
                None => Err(anyhow::anyhow!("there is no picture")),
            };
            // One host's odd picture must not cost the others theirs.
            if let Err(error) = is_drawn {
                trace!(%error, "An empty tile was drawn.");
                self.fill(picture, drawing.tile, EMPTY_TILE)?;
            }
        }
        Ok(buffer)
    }

    fn draw_sample(
        &mut self,
        picture: &mut gst::BufferRef,
        index: usize,
        drawing: &Drawing,
        sample: &gst::Sample,
    ) -> anyhow::Result<()> {
        let caps = sample.caps().context("a decoded picture has no caps")?;
        let source = VideoInfo::from_caps(caps)?;
        let (part, target) = place(source.width(), source.height(), drawing.tile, drawing.fit);
        if target != drawing.tile {
            self.fill(picture, drawing.tile, EMPTY_TILE)?;
        }

        let slot = &mut self.scalers[index];
        let scaler = match slot.take() {
            Some(scaler) if scaler.fits(&source, part, target) => scaler,
            Some(_) | None => Scaler::new(source, &self.info, part, target)?,
        };
        let scaler = slot.insert(scaler);
        let source = sample.buffer().context("a decoded picture has no pixels")?;
        let source = VideoFrameRef::from_buffer_ref_readable(source, &scaler.source)?;
        let mut target = VideoFrameRef::from_buffer_ref_writable(picture, &scaler.canvas)?;
        scaler.converter.frame_ref(&source, &mut target);
        Ok(())
    }

    fn fill(
        &self,
        picture: &mut gst::BufferRef,
        area: Rect,
        colour: [u8; 3],
    ) -> anyhow::Result<()> {
        let mut frame = VideoFrameRef::from_buffer_ref_writable(picture, &self.info)?;
        for (plane, value) in colour.into_iter().enumerate() {
            let stride = usize::try_from(frame.plane_stride()[plane])?;
            // Planes 1 and 2 are half as wide and half as high (4:2:0).
            let shift = u32::from(plane > 0);
            let [x, y, width, height] =
                [area.x, area.y, area.width, area.height].map(|pixels| (pixels >> shift) as usize);
            let rows = frame.plane_data_mut(u32::try_from(plane)?)?;
            for row in rows.chunks_mut(stride).skip(y).take(height) {
                row[x..x + width].fill(value);
            }
        }
        Ok(())
    }
}

/// Cuts, scales and places pictures of one size.
struct Scaler {
    converter: VideoConverter,
    source: VideoInfo,
    /// The canvas, labelled as the source is so that only its size is converted.
    canvas: VideoInfo,
    part: Rect,
    target: Rect,
}

impl Scaler {
    fn new(
        source: VideoInfo,
        canvas: &VideoInfo,
        part: Rect,
        target: Rect,
    ) -> anyhow::Result<Self> {
        let canvas = VideoInfo::builder(canvas.format(), canvas.width(), canvas.height())
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
        let converter = VideoConverter::new(&source, &canvas, Some(config))?;
        Ok(Self { converter, source, canvas, part, target })
    }

    fn fits(&self, source: &VideoInfo, part: Rect, target: Rect) -> bool {
        self.source == *source && self.part == part && self.target == target
    }
}
