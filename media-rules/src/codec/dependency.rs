//! The dependency descriptor: which frames need which, told outside the payload.
//!
//! A keyframe brings a structure of templates; every frame then names one of them. Decode targets
//! are what a receiver may choose among, each a pair of layers; a template says what its frames mean
//! to each of them.
//!
//! <https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension>

use super::{FrameInfo, Opening};
use crate::bits::Bits;

const MAX_TEMPLATES: usize = 64;
/// A descriptor of this many bytes has no more than the fields that every one has.
const SHORT_LEN: usize = 3;

/// Remembers the structure that the last keyframe brought.
#[derive(Debug)]
pub(super) struct DependencyReader {
    structure: Option<Box<Structure>>,
}

/// What the frames of a stream have in common.
#[derive(Debug)]
struct Structure {
    template_offset: u8,
    templates: Vec<Template>,
    /// By decode target.
    targets: Vec<Target>,
}

#[derive(Clone, Copy, Debug)]
struct Template {
    spatial: u8,
    temporal: u8,
    indications: Indications,
}

/// The highest layers that a decode target shows.
#[derive(Clone, Copy, Debug, Default)]
struct Target {
    spatial: u8,
    temporal: u8,
}

/// By decode target, two bits of what a frame is to it.
#[derive(Clone, Copy, Debug, Default)]
struct Indications(u64);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Indication {
    NotPresent,
    Discardable,
    /// Whoever decodes this frame can decode all later ones of the target.
    Switch,
    Required,
}

impl DependencyReader {
    pub(super) const fn new() -> Self {
        Self { structure: None }
    }

    /// Reads a descriptor. Returns `None` if it makes no sense, or not without the structure that
    /// a lost packet brought.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<FrameInfo> {
        let mut bits = Bits::new(bytes);
        let _begins_frame = bits.flag()?;
        let ends_frame = bits.flag()?;
        let template = bits.small(6)?;
        bits.fixed(16)?; // Number of the frame.
        let (mut has_active, mut has_own) = (false, false);
        if bytes.len() > SHORT_LEN {
            let has_structure = bits.flag()?;
            has_active = bits.flag()?;
            has_own = bits.flag()?;
            bits.fixed(2)?; // Own frame and chain distances, which come last.
            if has_structure {
                self.structure = Some(Box::new(Structure::parse(&mut bits)?));
            }
        }
        let structure = self.structure.as_ref()?;
        if has_active {
            bits.fixed(u32::try_from(structure.targets.len()).ok()?)?;
        }
        let number = template.wrapping_sub(structure.template_offset) & 0x3f;
        let mut frame = *structure.templates.get(usize::from(number))?;
        if has_own {
            frame.indications = Indications::parse(&mut bits, structure.targets.len())?;
        }
        Some(FrameInfo { ends_frame, ..structure.frame_info(&frame) })
    }
}

impl Structure {
    fn parse(bits: &mut Bits<'_>) -> Option<Self> {
        let template_offset = bits.small(6)?;
        let target_count = usize::from(bits.small(5)?) + 1;
        let mut templates = Vec::new();
        let (mut spatial, mut temporal) = (0_u8, 0_u8);
        loop {
            if templates.len() == MAX_TEMPLATES {
                return None;
            }
            templates.push(Template { spatial, temporal, indications: Indications::default() });
            match bits.fixed(2)? {
                0 => {}
                1 => temporal += 1,
                2 => (spatial, temporal) = (spatial + 1, 0),
                _ => break,
            }
        }
        for template in &mut templates {
            template.indications = Indications::parse(bits, target_count)?;
        }
        let mut targets = vec![Target::default(); target_count];
        for template in &templates {
            for (at, target) in targets.iter_mut().enumerate() {
                if template.indications.of(at) != Indication::NotPresent {
                    target.spatial = target.spatial.max(template.spatial);
                    target.temporal = target.temporal.max(template.temporal);
                }
            }
        }
        skip_distances(bits, templates.len())?;
        skip_chains(bits, templates.len(), target_count)?;
        if bits.flag()? {
            // Sizes of the spatial layers.
            for _ in 0..=spatial {
                bits.fixed(32)?;
            }
        }
        Some(Self { template_offset, templates, targets })
    }

    fn frame_info(&self, frame: &Template) -> FrameInfo {
        let Template { spatial, temporal, indications } = *frame;
        let indicated = |(at, target)| (indications.of(at), target);
        let targets = || self.targets.iter().enumerate().map(indicated);
        let opened = targets()
            .filter(|(is, target)| *is == Indication::Switch && target.spatial == spatial)
            .map(|(_, target)| target.temporal)
            .max();
        FrameInfo {
            temporal,
            spatial,
            is_discardable: targets()
                .all(|(is, _)| matches!(is, Indication::NotPresent | Indication::Discardable)),
            serves_higher_layers: targets()
                .any(|(is, target)| is != Indication::NotPresent && target.spatial > spatial),
            opening: opened.map_or(Opening::default(), |to| Opening { from: temporal, to }),
            ..FrameInfo::default()
        }
    }
}

impl Indications {
    fn parse(bits: &mut Bits<'_>, targets: usize) -> Option<Self> {
        let mut all = 0;
        for at in 0..targets {
            all |= u64::from(bits.fixed(2)?) << (2 * at);
        }
        Some(Self(all))
    }

    const fn of(self, target: usize) -> Indication {
        match self.0 >> (2 * target) & 3 {
            0 => Indication::NotPresent,
            1 => Indication::Discardable,
            2 => Indication::Switch,
            _ => Indication::Required,
        }
    }
}

/// By template, how many frames back the frames lie that it refers to.
fn skip_distances(bits: &mut Bits<'_>, templates: usize) -> Option<()> {
    for _ in 0..templates {
        while bits.flag()? {
            bits.fixed(4)?;
        }
    }
    Some(())
}

/// Chains of frames of which none may be missing.
fn skip_chains(bits: &mut Bits<'_>, templates: usize, targets: usize) -> Option<()> {
    let count = bits.below(u32::try_from(targets).ok()? + 1)?;
    if count == 0 {
        return Some(());
    }
    for _ in 0..targets {
        bits.below(count)?;
    }
    for _ in 0..templates {
        for _ in 0..count {
            bits.fixed(4)?;
        }
    }
    Some(())
}
