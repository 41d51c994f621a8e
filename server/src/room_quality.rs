//! How much is made of a room's picture: what somebody chose, and which of the renditions are worth
//! being encoded because somebody takes them.

use media_rules::MediaTime;
use media_rules::layer::{EncodingSet, Offer, Offers, OnDemand};
use mixer::{Quality, Rendition, RenditionName};
use signaling::Refused;
use wire_format::{Code, QualityChoice, QualityLimits, QualityView, RenditionSize, RenditionView};

/// Less than this is no picture.
const MIN_KBPS: u32 = 150;

/// What a room's picture is made at.
#[derive(Debug)]
pub(crate) struct RoomQuality {
    canvas: (u32, u32),
    max_kbps: u32,
    configured: Quality,
    chosen: Quality,
    /// What viewers take, as was told last.
    viewed: EncodingSet,
    demand: OnDemand,
}

/// What a program is told of its quality.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Making {
    /// What its mixer makes.
    pub quality: Quality,
    /// What viewers may be given.
    pub offers: Offers,
}

impl RoomQuality {
    /// Begins with what is configured; nobody may choose more than `max_kbps`.
    pub(crate) fn new(configured: &Quality, canvas: (u32, u32), max_kbps: u32) -> Self {
        Self {
            canvas,
            max_kbps: max_kbps.max(configured.video_kbps),
            configured: configured.clone(),
            chosen: configured.clone(),
            viewed: EncodingSet::default(),
            demand: OnDemand::default(),
        }
    }

    /// Takes what somebody chose. Returns whether that is something else than before.
    ///
    /// # Errors
    /// `BAD_REQUEST` if it is beyond the limits or does not fit the canvas.
    pub(crate) fn choose(&mut self, choice: &QualityChoice) -> Result<bool, Refused> {
        let bad = |message: String| Refused::new(Code::BadRequest, message);
        let (least, most) = (MIN_KBPS.min(self.configured.video_kbps), self.max_kbps);
        let video_kbps = choice.video_kbps.unwrap_or(self.configured.video_kbps);
        if !(least..=most).contains(&video_kbps) {
            return Err(bad(format!("video_kbps may be {least} to {most}")));
        }
        let renditions = match &choice.renditions {
            None => self.configured.renditions.clone(),
            Some(sizes) => sizes
                .iter()
                .map(|size| {
                    let name = size.as_str();
                    Rendition::named(name, self.canvas)
                        .ok_or_else(|| bad(format!("{name} is no smaller than the program")))
                })
                .collect::<Result<_, _>>()?,
        };
        let chosen = Quality { video_kbps, renditions };
        Ok(std::mem::replace(&mut self.chosen, chosen.clone()) != chosen)
    }

    /// Takes what viewers take of the program's encodings.
    pub(crate) fn handle_viewed(&mut self, taken: EncodingSet, now: MediaTime) {
        self.viewed = taken;
        self.demand.handle_taken(taken, now);
    }

    /// Takes which renditions somebody pulls.
    pub(crate) fn handle_pulled(&mut self, is_pulled: impl Fn(&Rendition) -> bool, now: MediaTime) {
        let chosen = self.chosen.renditions.iter();
        let pulled = chosen.filter(|it| is_pulled(it)).map(encoding).collect::<EncodingSet>();
        // Viewers are heard of when something changes, and a while after the last of them.
        self.demand.handle_taken(pulled, now);
    }

    /// Returns what is to be made. What was chosen until just now goes on for whoever is shown it.
    pub(crate) fn making(&self, now: MediaTime) -> Making {
        let wanted = self.demand.wanted(now);
        let is_left = |it: &Rendition| self.viewed.contains(encoding(it));
        let is_made = |it: &Rendition| {
            wanted.contains(encoding(it)) && (self.chosen.renditions.contains(it) || is_left(it))
        };
        let renditions = Rendition::all(self.canvas).filter(is_made).collect();
        let quality = Quality { video_kbps: self.chosen.video_kbps, renditions };
        Making { quality, offers: self.offers() }
    }

    /// Returns the renditions that there are.
    pub(crate) fn renditions(&self) -> &[Rendition] {
        &self.chosen.renditions
    }

    /// Returns what applies, as others may see it.
    pub(crate) fn view(&self, now: MediaTime) -> QualityView {
        let made = self.making(now).quality.renditions;
        let view = |it: &Rendition| RenditionView {
            name: size(it),
            width: it.width,
            height: it.height,
            kbps: it.kbps,
            active: made.contains(it),
        };
        QualityView {
            video_kbps: self.chosen.video_kbps,
            renditions: self.chosen.renditions.iter().map(view).collect(),
            limits: QualityLimits {
                min_kbps: MIN_KBPS.min(self.configured.video_kbps),
                max_kbps: self.max_kbps,
                renditions: Rendition::all(self.canvas).map(|it| size(&it)).collect(),
            },
        }
    }

    fn offers(&self) -> Offers {
        let offer = |(width, height): (u32, u32), kbps: u32| Offer {
            size: (width.try_into().unwrap_or(u16::MAX), height.try_into().unwrap_or(u16::MAX)),
            bps: u64::from(kbps) * 1_000,
        };
        let mut offers = Offers::default();
        offers.insert(0, offer(self.canvas, self.chosen.video_kbps));
        for rendition in &self.chosen.renditions {
            let size = (rendition.width, rendition.height);
            offers.insert(encoding(rendition), offer(size, rendition.kbps));
        }
        offers
    }
}

/// Returns the number of a rendition among the encodings of a program's feed; 0 is the whole picture.
pub(crate) fn encoding_of(name: RenditionName) -> u8 {
    u8::try_from(1 + name.place()).expect("a handful of renditions")
}

fn encoding(rendition: &Rendition) -> u8 {
    encoding_of(rendition.name)
}

fn size(rendition: &Rendition) -> RenditionSize {
    match rendition.name {
        RenditionName::Ld => RenditionSize::Ld,
        RenditionName::Sd => RenditionSize::Sd,
        RenditionName::Hd => RenditionSize::Hd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANVAS: (u32, u32) = (720, 1280);

    fn room() -> RoomQuality {
        let configured = Quality { video_kbps: 1500, renditions: Vec::new() };
        RoomQuality::new(&configured, CANVAS, 6000)
    }

    fn choice(body: &str) -> QualityChoice {
        QualityChoice::decode(body.as_bytes()).unwrap()
    }

    fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    fn taken(encodings: &[u8]) -> EncodingSet {
        encodings.iter().copied().collect()
    }

    fn made(room: &RoomQuality, now: MediaTime) -> Vec<&'static str> {
        room.making(now).quality.renditions.iter().map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn what_is_left_out_is_as_the_server_is_configured() {
        let mut room = room();
        assert_eq!(
            room.choose(&choice(r#"{"video_kbps":2500,"renditions":["sd","ld"]}"#)),
            Ok(true)
        );
        assert_eq!(room.chosen.video_kbps, 2500);
        assert_eq!(room.chosen.renditions.len(), 2);
        assert!(room.chosen.renditions[0].height < room.chosen.renditions[1].height);
        assert_eq!(room.choose(&choice(r#"{"renditions":["ld"]}"#)), Ok(true));
        assert_eq!(room.chosen.video_kbps, 1500);
        assert_eq!(room.choose(&choice("{}")), Ok(true));
        assert_eq!(room.choose(&choice("{}")), Ok(false), "nothing is new");
        assert_eq!(room.chosen, room.configured);
    }

    #[test]
    fn what_is_beyond_the_limits_is_refused_and_changes_nothing() {
        let mut room = room();
        for body in [
            r#"{"video_kbps":149}"#,
            r#"{"video_kbps":6001}"#,
            r#"{"renditions":["hd"]}"#,
            r#"{"video_kbps":2000,"renditions":["ld","hd"]}"#,
        ] {
            assert_eq!(room.choose(&choice(body)).unwrap_err().code, Code::BadRequest, "{body}");
        }
        assert_eq!(room.chosen, room.configured);
        for kbps in [150, 6000] {
            assert_eq!(room.choose(&choice(&format!(r#"{{"video_kbps":{kbps}}}"#))), Ok(true));
        }
        // A server that was configured beyond its own limit may go on as it did.
        let configured = Quality { video_kbps: 9000, renditions: Vec::new() };
        let mut generous = RoomQuality::new(&configured, CANVAS, 6000);
        assert_eq!(generous.choose(&choice("{}")), Ok(false));
        assert_eq!(generous.view(at(0)).limits.max_kbps, 9000);
    }

    #[test]
    fn a_rendition_is_offered_from_the_start_and_made_while_somebody_takes_it() {
        let mut room = room();
        assert!(!room.making(at(0)).offers.is_choice());
        room.choose(&choice(r#"{"renditions":["ld","sd"]}"#)).unwrap();
        assert!(room.making(at(0)).offers.is_choice());
        assert!(made(&room, at(0)).is_empty());

        room.handle_viewed(taken(&[0, 1]), at(1_000));
        assert_eq!(made(&room, at(1_000)), ["ld"]);
        room.handle_pulled(|it| it.name.as_str() == "sd", at(5_000));
        room.handle_viewed(taken(&[0]), at(5_000));
        assert_eq!(made(&room, at(10_999)), ["ld", "sd"]);
        assert_eq!(made(&room, at(11_000)), ["sd"], "ten seconds after the last viewer");
        let view = room.view(at(11_000));
        assert_eq!(view.renditions.iter().map(|it| it.active).collect::<Vec<_>>(), [false, true]);
        assert!(made(&room, at(15_000)).is_empty());
    }

    #[test]
    fn a_rendition_that_is_taken_away_goes_on_until_its_viewers_are_elsewhere() {
        let mut room = room();
        room.choose(&choice(r#"{"renditions":["ld"]}"#)).unwrap();
        room.handle_viewed(taken(&[0, 1]), at(1_000));
        room.choose(&choice(r#"{"renditions":[]}"#)).unwrap();
        assert!(!room.making(at(1_100)).offers.is_choice(), "nobody new is shown it");
        assert_eq!(made(&room, at(1_100)), ["ld"]);
        room.handle_viewed(taken(&[0]), at(1_400));
        assert!(made(&room, at(1_400)).is_empty());
    }
}
