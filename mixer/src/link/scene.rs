//! A scene as fields of a message. Every kind is a byte, in the order in which its names are declared.

use std::time::Duration;

use media_rules::{
    Align, Border, Colour, Content, Fill, Fit, ImageName, Overlay, Placeholder, Scene, Side,
    TextStyle, Tile, Transition,
};

use super::LinkError;
use super::fields::{Fields, put_feed, put_list, put_option, put_rect, put_text};

/// Most tiles of a scene. A room has nine seats, so this only stops garbage.
const MAX_TILES: u16 = 64;

/// Most overlays of a scene; again only against garbage.
const MAX_OVERLAYS: u16 = 64;

pub(super) fn put_scene(out: &mut Vec<u8>, scene: &Scene) {
    out.extend_from_slice(&scene.revision.to_le_bytes());
    put_fill(out, &scene.background);
    put_list(out, &scene.tiles, put_tile);
    put_list(out, &scene.overlays, put_overlay);
    let (kind, length) = match scene.transition {
        Transition::Cut => (0, Duration::ZERO),
        Transition::Fade(length) => (1, length),
        Transition::Slide(length) => (2, length),
    };
    out.push(kind);
    let millis = u16::try_from(length.as_millis()).unwrap_or(u16::MAX);
    out.extend_from_slice(&millis.to_le_bytes());
    let patience = u16::try_from(scene.patience.as_millis()).unwrap_or(u16::MAX);
    out.extend_from_slice(&patience.to_le_bytes());
}

pub(super) fn scene(fields: &mut Fields) -> Result<Scene, LinkError> {
    Ok(Scene {
        revision: fields.u64()?,
        background: fill(fields)?,
        tiles: fields.list(MAX_TILES, tile)?,
        overlays: fields.list(MAX_OVERLAYS, overlay)?,
        transition: transition(fields)?,
        patience: Duration::from_millis(fields.u16()?.into()),
    })
}

fn transition(fields: &mut Fields) -> Result<Transition, LinkError> {
    let kind = fields.u8()?;
    let length = Duration::from_millis(fields.u16()?.into());
    match kind {
        0 => Ok(Transition::Cut),
        1 => Ok(Transition::Fade(length)),
        2 => Ok(Transition::Slide(length)),
        _ => Err(LinkError::BadValue),
    }
}

fn put_tile(out: &mut Vec<u8>, tile: &Tile) {
    put_feed(out, &tile.feed);
    put_rect(out, tile.rect);
    out.push(tile.z);
    out.push(match tile.fit {
        Fit::Cover => 0,
        Fit::Contain => 1,
        Fit::Fill => 2,
    });
    put_option(out, tile.border, |out, border| {
        out.extend_from_slice(&border.width.to_le_bytes());
        put_colour(out, border.colour);
    });
    out.extend_from_slice(&tile.radius.to_le_bytes());
    put_option(out, tile.label.as_deref(), put_text);
    out.push(u8::from(tile.has_mute_mark));
    put_fill(out, &tile.placeholder.fill);
    put_text(out, &tile.placeholder.name);
    out.push(tile.gain_percent);
    out.push(tile.duck_db);
}

fn tile(fields: &mut Fields) -> Result<Tile, LinkError> {
    Ok(Tile {
        feed: fields.feed()?,
        rect: fields.rect()?,
        z: fields.u8()?,
        fit: match fields.u8()? {
            0 => Fit::Cover,
            1 => Fit::Contain,
            2 => Fit::Fill,
            _ => return Err(LinkError::BadValue),
        },
        border: fields
            .option(|fields| Ok(Border { width: fields.u16()?, colour: colour(fields)? }))?,
        radius: fields.u16()?,
        label: fields.option(Fields::text)?,
        has_mute_mark: fields.flag()?,
        placeholder: Placeholder { fill: fill(fields)?, name: fields.text()? },
        gain_percent: fields.u8()?,
        duck_db: fields.u8()?,
    })
}

fn put_overlay(out: &mut Vec<u8>, overlay: &Overlay) {
    put_rect(out, overlay.rect);
    out.push(overlay.z);
    out.push(overlay.opacity_percent);
    match &overlay.content {
        Content::Image(name) => {
            out.push(0);
            put_text(out, name.as_str());
        }
        Content::Text { text, style } => {
            out.push(1);
            put_text(out, text);
            put_style(out, *style);
        }
        Content::Clock { zero_ms, style } => {
            out.push(2);
            out.extend_from_slice(&zero_ms.to_le_bytes());
            put_style(out, *style);
        }
        Content::Countdown { ends_at, style } => {
            out.push(3);
            out.extend_from_slice(&ends_at.nanos().to_le_bytes());
            put_style(out, *style);
        }
        Content::ScoreBar { left, right } => {
            out.push(4);
            for side in [left, right] {
                out.extend_from_slice(&side.score.to_le_bytes());
                put_colour(out, side.colour);
            }
        }
    }
}

fn overlay(fields: &mut Fields) -> Result<Overlay, LinkError> {
    let (rect, z, opacity_percent) = (fields.rect()?, fields.u8()?, fields.u8()?);
    let content = match fields.u8()? {
        0 => Content::Image(image(fields)?),
        1 => Content::Text { text: fields.text()?, style: style(fields)? },
        2 => Content::Clock { zero_ms: fields.u64()?.cast_signed(), style: style(fields)? },
        3 => Content::Countdown { ends_at: fields.time()?, style: style(fields)? },
        4 => Content::ScoreBar { left: side(fields)?, right: side(fields)? },
        _ => return Err(LinkError::BadValue),
    };
    Ok(Overlay { rect, z, opacity_percent, content })
}

fn side(fields: &mut Fields) -> Result<Side, LinkError> {
    Ok(Side { score: fields.u64()?, colour: colour(fields)? })
}

fn put_style(out: &mut Vec<u8>, style: TextStyle) {
    out.extend_from_slice(&style.size.to_le_bytes());
    put_colour(out, style.colour);
    put_option(out, style.backing, put_colour);
    out.push(match style.align {
        Align::Left => 0,
        Align::Middle => 1,
        Align::Right => 2,
    });
}

fn style(fields: &mut Fields) -> Result<TextStyle, LinkError> {
    Ok(TextStyle {
        size: fields.u16()?,
        colour: colour(fields)?,
        backing: fields.option(colour)?,
        align: match fields.u8()? {
            0 => Align::Left,
            1 => Align::Middle,
            2 => Align::Right,
            _ => return Err(LinkError::BadValue),
        },
    })
}

fn put_fill(out: &mut Vec<u8>, fill: &Fill) {
    match fill {
        Fill::Colour(colour) => {
            out.push(0);
            put_colour(out, *colour);
        }
        Fill::Image(name) => {
            out.push(1);
            put_text(out, name.as_str());
        }
    }
}

fn fill(fields: &mut Fields) -> Result<Fill, LinkError> {
    match fields.u8()? {
        0 => Ok(Fill::Colour(colour(fields)?)),
        1 => Ok(Fill::Image(image(fields)?)),
        _ => Err(LinkError::BadValue),
    }
}

fn image(fields: &mut Fields) -> Result<ImageName, LinkError> {
    ImageName::parse(&fields.text()?).ok_or(LinkError::BadValue)
}

fn put_colour(out: &mut Vec<u8>, colour: Colour) {
    out.extend_from_slice(&[colour.red, colour.green, colour.blue]);
}

fn colour(fields: &mut Fields) -> Result<Colour, LinkError> {
    Ok(Colour { red: fields.u8()?, green: fields.u8()?, blue: fields.u8()? })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media_rules::{FeedId, MediaTime, Rect};

    use super::*;

    fn full_scene() -> Scene {
        let rect = Rect { x: 2, y: 160, width: 360, height: 640 };
        let colour = |red| Colour::new(red, 2, 3);
        let image = ImageName::parse("logo.png").unwrap();
        let tile = |name, fit| Tile {
            z: 7,
            fit,
            border: Some(Border { width: 4, colour: colour(9) }),
            radius: 12,
            label: Some("李雷".into()),
            has_mute_mark: true,
            placeholder: Placeholder { fill: Fill::Image(image.clone()), name: "Ana".into() },
            gain_percent: 80,
            ..Tile::new(FeedId::new("a", name), rect)
        };
        let style = |align, backing| TextStyle { size: 28, colour: colour(4), backing, align };
        let (left, middle) = (style(Align::Left, None), style(Align::Middle, Some(colour(5))));
        let side = |score| Side { score, colour: colour(6) };
        let contents = [
            Content::Image(image.clone()),
            Content::Text { text: "3, 2, 1, 上链接".into(), style: style(Align::Right, None) },
            Content::Clock { zero_ms: -28_800_000, style: left },
            Content::Countdown { ends_at: MediaTime::from_millis(77), style: middle },
            Content::ScoreBar { left: side(u64::MAX), right: side(0) },
        ];
        let overlay = |content| Overlay { rect, z: 90, opacity_percent: 60, content };
        Scene {
            revision: 3,
            background: Fill::Image(image.clone()),
            tiles: vec![
                Tile::new(FeedId::new("a", "plain"), rect),
                tile("alice", Fit::Contain),
                tile("bob", Fit::Fill),
            ],
            overlays: contents.map(overlay).into(),
            transition: Transition::Slide(Duration::from_millis(300)),
            patience: Duration::from_secs(3),
        }
    }

    fn read(bytes: &[u8]) -> Result<Scene, LinkError> {
        let mut fields = Fields::new(Bytes::copy_from_slice(bytes));
        let scene = scene(&mut fields)?;
        fields.end(scene)
    }

    #[test]
    fn every_part_of_a_scene_comes_back_as_it_was() {
        let fade = Transition::Fade(Duration::from_millis(200));
        for scene in [full_scene(), Scene { transition: fade, ..Scene::new(4, Vec::new()) }] {
            let mut bytes = Vec::new();
            put_scene(&mut bytes, &scene);
            assert_eq!(read(&bytes), Ok(scene));
        }
    }

    #[test]
    fn a_cut_scene_is_refused_and_a_broken_one_never_panics() {
        let mut whole = Vec::new();
        put_scene(&mut whole, &full_scene());
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "cut at {length}");
        }
        let mut refused = 0;
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0xff;
            refused += u32::from(read(&broken).is_err());
        }
        assert!(refused > 50, "{refused} refused");
    }
}
