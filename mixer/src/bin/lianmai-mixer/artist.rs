//! Draws ahead of time what a scene needs besides its feeds, in a thread of its own: shaping letters
//! and decoding images takes longer than there is between two pictures. A scene goes on to the
//! picture tick when all of it is drawn, so it still comes on as a whole. What the scene before had as
//! well is not drawn again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::Context;
use image::{RgbaImage, imageops};
use media_rules::{
    Align, Colour, Content, Fill, ImageName, Overlay, Rect, Scene, Side, TextStyle, Tile,
};
use tracing::warn;

use crate::paint::{Lettering, Line, Raster, label, mute_mark, outlined, placeholder, score_bar};
use crate::picture_tick::{Cue, SceneCue, SceneryCue};
use crate::scenery::{
    Backdrop, Counting, Digits, Drawing, Kind, OverlayArt, Part, Scenery, TileArt,
};

/// Images wider or higher than this are not decoded: a small file could claim gigabytes.
const MOST_PIXELS: u32 = 4096;

/// The largest and the smallest letters of a name, in pixels.
const LABEL_SIZES: (u32, u32) = (16, 28);

/// Between the edge of a tile and its name.
pub(crate) const LABEL_GAP: u32 = 8;

/// Starts the thread; it ends when the sender is dropped. The queue holds scenes
/// only, which are rare.
pub(crate) fn start(
    canvas: (u32, u32),
    images: Option<PathBuf>,
    next: Sender<Cue>,
) -> std::io::Result<Sender<SceneCue>> {
    let (cues, inbox) = channel();
    let run = move || Artist::new(canvas, images).run(&inbox, &next);
    std::thread::Builder::new().name("artist".into()).spawn(run)?;
    Ok(cues)
}

/// Draws sceneries.
pub(crate) struct Artist {
    canvas: (u32, u32),
    images: Option<PathBuf>,
    lettering: Lettering,
    /// What the newest scene has, to be used again.
    tiles: Vec<(Tile, Arc<Part>)>,
    overlays: Vec<(Overlay, Arc<Part>)>,
    backdrop: Option<(ImageName, Arc<Raster>)>,
}

impl Artist {
    /// Creates an artist who finds images in the folder `images`.
    pub(crate) fn new(canvas: (u32, u32), images: Option<PathBuf>) -> Self {
        let (tiles, overlays, backdrop) = (Vec::new(), Vec::new(), None);
        Self { canvas, images, lettering: Lettering::new(), tiles, overlays, backdrop }
    }

    fn run(mut self, inbox: &Receiver<SceneCue>, next: &Sender<Cue>) {
        while let Ok(SceneCue { scene, feeds }) = inbox.recv() {
            let scenery = Arc::new(self.draw(scene));
            if next.send(Cue::Scenery(SceneryCue { scenery, feeds })).is_err() {
                return;
            }
        }
    }

    /// Draws what `scene` needs.
    pub(crate) fn draw(&mut self, scene: Scene) -> Scenery {
        let Scene { revision, background, tiles, overlays, transition, patience } = scene;
        let mut parts = Vec::new();
        let before = std::mem::take(&mut self.tiles);
        for tile in tiles.into_iter().filter(|tile| !tile.rect.is_empty()) {
            // How loud somebody is cannot be seen.
            let tile = Tile { gain_percent: 100, ..tile };
            let part = match before.iter().find(|(known, _)| *known == tile) {
                Some((_, part)) => Arc::clone(part),
                None => Arc::new(self.tile(&tile)),
            };
            parts.push((tile.z, Arc::clone(&part)));
            self.tiles.push((tile, part));
        }
        let before = std::mem::take(&mut self.overlays);
        for overlay in overlays {
            let part = match before.iter().find(|(known, _)| *known == overlay) {
                Some((_, part)) => Arc::clone(part),
                None => match self.overlay(&overlay) {
                    Ok(part) => Arc::new(part),
                    Err(error) => {
                        warn!(error = format!("{error:#}"), "An overlay is left out.");
                        continue;
                    }
                },
            };
            parts.push((overlay.z, Arc::clone(&part)));
            self.overlays.push((overlay, part));
        }
        // Stable: of equals the later one is nearer, and overlays come after tiles.
        parts.sort_by_key(|(z, _)| *z);
        let parts = parts.into_iter().map(|(_, part)| part).collect();
        let backdrop = self.backdrop(&background);
        Scenery { revision, transition, patience, backdrop, parts }
    }

    fn tile(&mut self, tile: &Tile) -> Part {
        let Rect { width, height, .. } = tile.rect;
        let size = (height / 22).clamp(LABEL_SIZES.0, LABEL_SIZES.1);
        let size = u16::try_from(size).expect("letters are small");
        let mark_size = u32::from(size) * 5 / 4;
        let room =
            width.saturating_sub(3 * LABEL_GAP + if tile.has_mute_mark { mark_size } else { 0 });
        let name = tile.label.as_deref().filter(|name| !name.is_empty());
        let name = name.map(|name| Raster::new(&label(&mut self.lettering, name, size, room)));
        let ground = match &tile.placeholder.fill {
            Fill::Colour(colour) => *colour,
            Fill::Image(_) => Colour::EMPTY_TILE,
        };
        let empty = self.filled(&tile.placeholder.fill, ground, (width, height));
        let empty = placeholder(&mut self.lettering, empty, &tile.placeholder.name);
        let art = TileArt {
            feed: tile.feed.clone(),
            fit: tile.fit,
            border: tile.border.map(|border| (u32::from(border.width), border.colour.yuv())),
            radius: u32::from(tile.radius),
            ground: ground.yuv(),
            placeholder: Raster::new(&empty),
            label: name,
            mark: tile.has_mute_mark.then(|| Raster::new(&mute_mark(mark_size))),
        };
        Part { rect: tile.rect, kind: Kind::Tile(Box::new(art)) }
    }

    fn overlay(&mut self, overlay: &Overlay) -> anyhow::Result<Part> {
        let Rect { width, height, .. } = overlay.rect;
        let mut backing = None;
        let drawing = match &overlay.content {
            Content::Image(name) => {
                let image = self.image(name)?;
                Drawing::Still(Raster::new(&contained(&image, width, height)), Align::Middle)
            }
            Content::Text { text, style } => {
                backing = style.backing;
                let drawing = self.text(text, *style, (width, height));
                Drawing::Still(Raster::new(&drawing), style.align)
            }
            Content::Clock { zero_ms, style } => {
                backing = style.backing;
                Drawing::Time(Counting::Day(*zero_ms), self.digits(*style), style.align)
            }
            Content::Countdown { ends_at, style } => {
                backing = style.backing;
                Drawing::Time(Counting::Until(*ends_at), self.digits(*style), style.align)
            }
            Content::ScoreBar { left, right } => {
                let bar = self.score((width, height), [*left, *right]);
                Drawing::Still(Raster::new(&bar), Align::Middle)
            }
        };
        let opacity = u32::from(overlay.opacity_percent.min(100)) * 255 / 100;
        let opacity = u8::try_from(opacity).expect("it is a share of 255");
        let art = OverlayArt { opacity, backing: backing.map(Colour::yuv), drawing };
        Ok(Part { rect: overlay.rect, kind: Kind::Overlay(Box::new(art)) })
    }

    fn score(&mut self, size: (u32, u32), sides: [Side; 2]) -> RgbaImage {
        score_bar(&mut self.lettering, size, sides)
    }

    fn text(&mut self, text: &str, style: TextStyle, (width, height): (u32, u32)) -> RgbaImage {
        let line_height = (f32::from(style.size) * 1.25).ceil() as u32;
        let lines = (height / line_height.max(1)).max(1);
        let TextStyle { size, colour, backing, align } = style;
        let line = Line { text, size, colour, width, lines, align };
        let written = self.lettering.write(line);
        let mut written = if backing.is_some() { written } else { outlined(&written) };
        let (width, height) = (width.min(written.width()), height.min(written.height()));
        imageops::crop(&mut written, 0, 0, width, height).to_image()
    }

    /// Draws each digit by itself, all of them equally wide, so that a time does not jitter.
    fn digits(&mut self, style: TextStyle) -> Digits {
        let TextStyle { size, colour, backing, align: _ } = style;
        let mut write = |digit: char| {
            let text = digit.to_string();
            let width = u32::from(size) * 2;
            let line = Line { text: &text, size, colour, width, lines: 1, align: Align::Left };
            let written = self.lettering.write(line);
            if backing.is_some() { written } else { outlined(&written) }
        };
        let drawings: Vec<_> = Digits::ALL.chars().map(&mut write).collect();
        let widest = drawings.iter().map(RgbaImage::width).max().unwrap_or(0);
        let cell = |drawing: &RgbaImage| {
            let is_digit = drawing.width() * 3 > widest * 2;
            let width = if is_digit { widest } else { drawing.width() };
            let mut cell = RgbaImage::new(width, drawing.height());
            imageops::overlay(&mut cell, drawing, i64::from(width - drawing.width()) / 2, 0);
            Raster::new(&cell)
        };
        Digits(drawings.iter().map(cell).collect())
    }

    fn backdrop(&mut self, fill: &Fill) -> Backdrop {
        let (name, colour) = match fill {
            Fill::Colour(colour) => return Backdrop::Colour(colour.yuv()),
            Fill::Image(name) => (name, Colour::SLATE),
        };
        if let Some((known, raster)) = &self.backdrop
            && known == name
        {
            return Backdrop::Image(Arc::clone(raster));
        }
        let raster = Arc::new(Raster::new(&self.filled(fill, colour, self.canvas)));
        self.backdrop = Some((name.clone(), Arc::clone(&raster)));
        Backdrop::Image(raster)
    }

    /// Draws a surface; an image that cannot be read is replaced by `colour`.
    fn filled(&self, fill: &Fill, colour: Colour, (width, height): (u32, u32)) -> RgbaImage {
        let ground = image::Rgba([colour.red, colour.green, colour.blue, 255]);
        let mut drawing = RgbaImage::from_pixel(width, height, ground);
        if let Fill::Image(name) = fill {
            match self.image(name) {
                Ok(image) => imageops::overlay(&mut drawing, &covered(&image, width, height), 0, 0),
                Err(error) => warn!(error = format!("{error:#}"), "A colour stands for an image."),
            }
        }
        drawing
    }

    fn image(&self, name: &ImageName) -> anyhow::Result<RgbaImage> {
        let folder = self.images.as_ref().context("there is no folder of images")?;
        let mut reader = image::ImageReader::open(folder.join(name.as_str()))
            .with_context(|| format!("the image {}", name.as_str()))?;
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(MOST_PIXELS);
        limits.max_image_height = Some(MOST_PIXELS);
        reader.limits(limits);
        let image = reader.decode().with_context(|| format!("the image {}", name.as_str()))?;
        Ok(image.into_rgba8())
    }
}

/// Scales the whole image into a rectangle.
fn contained(image: &RgbaImage, width: u32, height: u32) -> RgbaImage {
    let share = (f64::from(width) / f64::from(image.width()))
        .min(f64::from(height) / f64::from(image.height()));
    let side = |length: u32| ((f64::from(length) * share).round() as u32).max(1);
    let (width, height) = (side(image.width()).min(width), side(image.height()).min(height));
    imageops::resize(image, width, height, imageops::FilterType::Triangle)
}

/// Scales the middle of the image so that it fills a rectangle.
fn covered(image: &RgbaImage, width: u32, height: u32) -> RgbaImage {
    let (shape, wanted) = (
        u64::from(image.width()) * u64::from(height),
        u64::from(image.height()) * u64::from(width),
    );
    let (part_width, part_height) = if shape > wanted {
        ((wanted / u64::from(height)) as u32, image.height())
    } else {
        (image.width(), (shape / u64::from(width)) as u32)
    };
    let (x, y) = ((image.width() - part_width) / 2, (image.height() - part_height) / 2);
    let part = imageops::crop_imm(image, x, y, part_width.max(1), part_height.max(1));
    imageops::resize(&part.to_image(), width, height, imageops::FilterType::Triangle)
}
