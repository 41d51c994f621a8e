//! Makes one picture of the program from what the stage says is seen: the backdrop, then every part,
//! the farthest first.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video::{VideoBufferPool, VideoFormat, VideoFrameRef, VideoInfo};
use media_rules::{Align, FeedId, MediaTime, Rect};

use crate::face::Face;
use crate::motion::{Item, Shot};
use crate::paint::{Sheet, Surface};
use crate::scenery::{Backdrop, Counting, Digits, Drawing, Kind, OverlayArt, Part, aligned};
use crate::stage::View;

/// Makes pictures of one size.
pub(crate) struct Canvas {
    info: VideoInfo,
    pool: VideoBufferPool,
    faces: Faces,
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
        Ok(Self { info, pool, faces: Faces::default() })
    }

    /// Returns what its pictures are, for whoever keeps one.
    pub(crate) fn caps(&self) -> anyhow::Result<gst::Caps> {
        Ok(self.info.to_caps()?)
    }

    /// Draws the picture that is due at `at`, with the feeds' pictures as `picture` gives them.
    pub(crate) fn draw(
        &mut self,
        view: &View,
        at: MediaTime,
        picture: impl Fn(&FeedId) -> Option<gst::Sample>,
    ) -> anyhow::Result<gst::Buffer> {
        let mut buffer = self.pool.acquire_buffer(None)?;
        if let Some((before, share)) = &view.beneath {
            self.draw_shot(&mut buffer, before, at, &picture)?;
            let mut above = self.pool.acquire_buffer(None)?;
            self.draw_shot(&mut above, &view.shot, at, &picture)?;
            let above = VideoFrameRef::from_buffer_ref_readable(&above, &self.info)?;
            let pixels = buffer.get_mut().context("the pool gave away a buffer in use")?;
            let mut frame = VideoFrameRef::from_buffer_ref_writable(pixels, &self.info)?;
            Surface::of(&mut frame).lay(&Sheet::of(&above, None), 0, 0, *share);
        } else {
            self.draw_shot(&mut buffer, &view.shot, at, &picture)?;
        }
        self.faces.forget_unused();
        Ok(buffer)
    }

    fn draw_shot(
        &mut self,
        buffer: &mut gst::Buffer,
        shot: &Shot,
        at: MediaTime,
        picture: &impl Fn(&FeedId) -> Option<gst::Sample>,
    ) -> anyhow::Result<()> {
        let whole = Rect { x: 0, y: 0, width: self.info.width(), height: self.info.height() };
        let pixels = buffer.get_mut().context("the pool gave away a buffer in use")?;
        let mut frame = VideoFrameRef::from_buffer_ref_writable(pixels, &self.info)?;
        let mut surface = Surface::of(&mut frame);
        // What lies beneath something that covers everything is not seen.
        let covering = shot.items.iter().rposition(|item| item.covers(whole));
        match &shot.backdrop {
            _ if covering.is_some() => {}
            Backdrop::Colour(colour) => surface.fill(whole, *colour),
            Backdrop::Image(raster) => surface.lay(&raster.sheet(), 0, 0, 255),
        }
        for item in &shot.items[covering.unwrap_or(0)..] {
            match &item.part.kind {
                Kind::Tile(tile) => {
                    let face = self.faces.of(&item.part, item.rect)?;
                    face.show(tile, picture(&tile.feed).as_ref())?;
                    face.lay_on(&mut surface, item.rect, item.opacity)?;
                }
                Kind::Overlay(overlay) => lay_overlay(&mut surface, item, overlay, at),
            }
        }
        Ok(())
    }
}

fn lay_overlay(surface: &mut Surface<'_>, item: &Item, overlay: &OverlayArt, at: MediaTime) {
    let opacity = u16::from(overlay.opacity) * u16::from(item.opacity) / 255;
    let opacity = u8::try_from(opacity).expect("a share of a byte is one");
    let Rect { x, y, width, height } = item.rect;
    if let Some(colour) = overlay.backing {
        surface.tint(item.rect, colour, opacity);
    }
    let middle = |part: usize| aligned(Align::Middle, y, height, part);
    match &overlay.drawing {
        Drawing::Still(raster, align) => {
            let x = aligned(*align, x, width, raster.width());
            surface.lay(&raster.sheet(), x, middle(raster.height()), opacity);
        }
        Drawing::Time(counting, digits, align) => {
            lay_time(surface, item.rect, (*counting, digits, *align), at, opacity);
        }
    }
}

fn lay_time(
    surface: &mut Surface<'_>,
    rect: Rect,
    (counting, digits, align): (Counting, &Digits, Align),
    at: MediaTime,
    opacity: u8,
) {
    let text = counting.text(at);
    let length = digits.of(&text).map(|digit| digit.width()).sum();
    let mut x = aligned(align, rect.x, rect.width, length);
    for digit in digits.of(&text) {
        let y = aligned(Align::Middle, rect.y, rect.height, digit.height());
        surface.lay(&digit.sheet(), x, y, opacity);
        x += i32::try_from(digit.width()).expect("a digit is small");
    }
}

/// The faces of the tiles that are seen, by part and size: a tile that travels changes its size.
#[derive(Default)]
struct Faces {
    known: HashMap<(usize, u32, u32), Known>,
}

struct Known {
    face: Face,
    is_used: bool,
    /// Keeps another part from being at the same place in memory.
    _part: Arc<Part>,
}

impl Faces {
    fn of(&mut self, part: &Arc<Part>, rect: Rect) -> anyhow::Result<&mut Face> {
        let Kind::Tile(tile) = &part.kind else { anyhow::bail!("only tiles have faces") };
        let key = (Arc::as_ptr(part).addr(), rect.width, rect.height);
        let known = match self.known.entry(key) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let face = Face::new(tile, rect.width, rect.height)?;
                place.insert(Known { face, is_used: true, _part: Arc::clone(part) })
            }
        };
        known.is_used = true;
        Ok(&mut known.face)
    }

    /// Forgets the faces that were not drawn since the last call, and the pictures on them.
    fn forget_unused(&mut self) {
        self.known.retain(|_, known| std::mem::replace(&mut known.is_used, false));
    }
}

#[cfg(test)]
mod goldens;
