//! Puts into a program's pictures what they show: who is where, the room's time, its countdowns and
//! its battle. The room keeps the sheet, the program task copies from it; neither waits for the other.

use std::collections::VecDeque;

use media_rules::{CuePace, EncodedFrame, FrameCodec, MediaTime, Scene, Tile, with_cue};
use room_rules::{CountdownState, EventBody, ProductEvent, ShopEvent};
use serde::{Deserialize, Serialize};
use signaling::RoomClock;
use tokio::sync::watch;
use wire_format::{Cue, CueBattle, CueCountdown, CueTile, encode_cue};

use crate::room_layout::LayoutWatch;

/// A picture may still show the layout of some scenes ago.
const LAYOUTS: usize = 8;

/// How much pictures tell.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cues {
    /// Nothing.
    Off,
    /// Room time and who is where.
    Layout,
    /// Countdowns and the battle, too.
    #[default]
    Full,
}

/// What the room has to say about its pictures.
#[derive(Debug)]
pub(crate) struct CueSheet {
    sheet: watch::Sender<Sheet>,
    wanted: Cues,
}

#[derive(Clone, Debug, Default)]
struct Sheet {
    /// Rises with what is worth telling at once.
    revision: u64,
    /// By revision of the scene, the newest last. Full: the oldest is forgotten.
    layouts: VecDeque<(u64, Vec<CueTile>)>,
    countdowns: Vec<CueCountdown>,
    battle: Option<CueBattle>,
    pinned: Option<String>,
}

impl CueSheet {
    /// Creates an empty sheet and what copies from it.
    pub(crate) fn new(wanted: Cues, clock: RoomClock, layouts: LayoutWatch) -> (Self, CueWriter) {
        let (sender, receiver) = watch::channel(Sheet::default());
        let pace = CuePace::default();
        let writer = CueWriter { sheet: receiver, pace, clock, wanted, layouts };
        (Self { sheet: sender, wanted }, writer)
    }

    /// Takes a scene that the program is to show on a canvas of `(width, height)` pixels.
    pub(crate) fn handle_scene(&self, scene: &Scene, canvas: (u32, u32)) {
        let seen = scene.tiles.iter().filter(|tile| !tile.rect.is_empty());
        let tiles: Vec<_> = seen.map(|tile| place(tile, canvas)).collect();
        self.sheet.send_modify(|sheet| {
            sheet.layouts.retain(|(revision, _)| *revision != scene.revision);
            if sheet.layouts.len() == LAYOUTS {
                sheet.layouts.pop_front();
            }
            sheet.layouts.push_back((scene.revision, tiles));
        });
    }

    /// Takes what the room has told its members.
    pub(crate) fn handle_event(&self, event: &EventBody) {
        if self.wanted != Cues::Full {
            return;
        }
        self.sheet.send_if_modified(|sheet| sheet.handle_event(event));
    }
}

impl Sheet {
    /// Returns whether that changed the sheet.
    fn handle_event(&mut self, event: &EventBody) -> bool {
        match event {
            EventBody::Countdown(countdown) => {
                let before = self.countdowns.clone();
                self.countdowns.retain(|known| known.id != countdown.id.as_str());
                if countdown.state == CountdownState::Counting {
                    self.countdowns.push(CueCountdown {
                        id: countdown.id.as_str().to_owned(),
                        open_at: countdown.open_at,
                        kind: countdown.kind,
                    });
                    // Those that fire first are told first, and told if not all fit.
                    self.countdowns.sort_by_key(|countdown| countdown.open_at);
                }
                let is_news = before != self.countdowns;
                self.revision += u64::from(is_news);
                is_news
            }
            EventBody::PkUpdated(battle) => {
                let scores = battle.scores.points.clone();
                let told = battle
                    .end_at
                    .filter(|_| battle.result.is_none())
                    .map(|end_at| CueBattle { pk: battle.pk.as_str().to_owned(), end_at, scores });
                let key = |battle: &Option<CueBattle>| {
                    battle.as_ref().map(|battle| (battle.pk.clone(), battle.end_at))
                };
                self.revision += u64::from(key(&told) != key(&self.battle));
                let is_news = told != self.battle;
                self.battle = told;
                is_news
            }
            // A score rides along with the next cue: in a hot battle it changes with every picture.
            EventBody::PkScore { pk, scores, .. } => {
                let Some(battle) = self.battle.as_mut().filter(|battle| battle.pk == pk.as_str())
                else {
                    return false;
                };
                battle.scores.clone_from(&scores.points);
                true
            }
            EventBody::Shop(ShopEvent::Product(event)) => {
                let ProductEvent::Pinned(pinned) = event else { return false };
                let pinned = pinned.as_ref().map(ToString::to_string);
                self.revision += u64::from(pinned != self.pinned);
                let is_news = pinned != self.pinned;
                self.pinned = pinned;
                is_news
            }
            EventBody::RoomState { .. }
            | EventBody::Settings(_)
            | EventBody::Order(_)
            | EventBody::StageUpdated(_)
            | EventBody::SeatUpdated(_)
            | EventBody::SeatRequest { .. }
            | EventBody::SaleUpdated(_)
            | EventBody::Shop(
                ShopEvent::Order(_)
                | ShopEvent::Auction(_)
                | ShopEvent::Coupon(_)
                | ShopEvent::Quiz(_),
            )
            | EventBody::Gifts(_)
            | EventBody::Giveaway(_)
            | EventBody::Chat(_)
            | EventBody::Talk(_)
            | EventBody::React(_) => false,
        }
    }
}

/// The program task's end of a [`CueSheet`].
#[derive(Debug)]
pub(crate) struct CueWriter {
    sheet: watch::Receiver<Sheet>,
    pace: CuePace,
    clock: RoomClock,
    wanted: Cues,
    layouts: LayoutWatch,
}

impl CueWriter {
    /// Returns the frame with a cue in it, if it is a picture that should have one. `scene` is the
    /// revision of the scene that it shows.
    pub(crate) fn write(&mut self, mut frame: EncodedFrame, scene: u64) -> EncodedFrame {
        if frame.codec != FrameCodec::H264 {
            return frame;
        }
        self.layouts.handle_picture(frame.at, scene);
        if self.wanted == Cues::Off {
            return frame;
        }
        let sheet = self.sheet.borrow();
        // Both only ever rise, so their sum changes whenever one does.
        let revision = sheet.revision + scene;
        if self.pace.handle_picture(frame.at, frame.is_key, revision) {
            let layout = sheet.layouts.iter().find(|(revision, _)| *revision == scene);
            let cue = Cue {
                layout: scene,
                tiles: layout.map(|(_, tiles)| tiles.clone()).unwrap_or_default(),
                countdowns: sheet.countdowns.clone(),
                battle: sheet.battle.clone(),
                pinned: sheet.pinned.clone(),
            };
            let text = encode_cue(&cue, room_millis(self.clock, frame.at) as u64);
            frame.data = with_cue(&frame.data, &text);
        }
        frame
    }
}

/// Returns the room time of a moment of the media clock, in milliseconds.
pub(crate) fn room_millis(clock: RoomClock, at: MediaTime) -> f64 {
    let now = mixer::media_now();
    // The moment may also be ahead: a picture is stamped with when it is due.
    let ahead = at.since(now).as_secs_f64() - now.since(at).as_secs_f64();
    clock.now_millis() + ahead * 1e3
}

fn place(tile: &Tile, (width, height): (u32, u32)) -> CueTile {
    let share = |pixels: u32, whole: u32| {
        u16::try_from(u64::from(pixels) * 10_000 / u64::from(whole.max(1))).unwrap_or(u16::MAX)
    };
    let rect = tile.rect;
    let place = [
        share(rect.x, width),
        share(rect.y, height),
        share(rect.width, width),
        share(rect.height, height),
    ];
    CueTile(tile.feed.to_string(), place)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use media_rules::{FeedId, Rect, cue_of};
    use room_rules::{PkId, RoomId, Scores};
    use serde_json::{Value, json};

    use super::*;
    use crate::mail::Mailbox;

    const START_MS: u64 = 1_790_000_000_000;

    fn sheet(wanted: Cues, clock: RoomClock) -> (CueSheet, CueWriter) {
        let (mailbox, _) = Mailbox::new();
        CueSheet::new(wanted, clock, LayoutWatch::new(mailbox, clock))
    }

    fn scene(revision: u64, feeds: &[&str]) -> Scene {
        let width = 720 / feeds.len() as u32;
        let tile = |(index, feed): (usize, &&str)| {
            let rect = Rect { x: index as u32 * width, y: 160, width, height: 640 };
            Tile::new(FeedId::new("a", feed), rect)
        };
        Scene::new(revision, feeds.iter().enumerate().map(tile).collect())
    }

    fn told(writer: &mut CueWriter, at: MediaTime, scene: u64) -> Option<Value> {
        let picture = Bytes::from_static(&[0, 0, 1, 0x41, 1]);
        let frame = EncodedFrame { codec: FrameCodec::H264, at, is_key: false, data: picture };
        cue_of(&writer.write(frame, scene).data).map(|cue| serde_json::from_str(&cue).unwrap())
    }

    fn score(points: [u64; 2]) -> EventBody {
        let rooms = ["a", "b"].map(|room| RoomId::parse(room).unwrap()).into();
        let pk = PkId::parse("a-1-pk1").unwrap();
        EventBody::PkScore {
            pk,
            version: 1,
            scores: Scores { rooms, points: points.into() },
            top: None,
        }
    }

    #[test]
    fn a_picture_tells_of_the_scene_that_it_shows_not_of_the_one_that_is_wanted() {
        let clock = RoomClock::start_at(Duration::from_millis(START_MS));
        let (sheet, mut writer) = sheet(Cues::Full, clock);
        sheet.handle_scene(&scene(1, &["alice"]), (720, 1280));
        sheet.handle_scene(&scene(2, &["alice", "bob"]), (720, 1280));

        let at = mixer::media_now();
        let first = told(&mut writer, at, 1).unwrap();
        assert_eq!(
            (&first["lr"], &first["l"]),
            (&json!(1), &json!([["a/alice", [0, 1250, 10_000, 5_000]]]))
        );
        let off = first["st"].as_u64().unwrap().abs_diff(START_MS);
        assert!(off < 2_000, "room time is off by {off} ms");

        let second = told(&mut writer, at + Duration::from_millis(33), 2).unwrap();
        assert_eq!(second["l"][1], json!(["a/bob", [5_000, 1250, 5_000, 5_000]]));
        assert_eq!(second["st"].as_u64().unwrap() - first["st"].as_u64().unwrap(), 33);
    }

    #[test]
    fn a_score_waits_for_the_next_cue() {
        let (sheet, mut writer) = sheet(Cues::Full, RoomClock::start());
        let battle = CueBattle {
            pk: "a-1-pk1".to_owned(),
            end_at: room_rules::ServerTime::from_unix_millis(START_MS),
            scores: vec![0, 0],
        };
        sheet.sheet.send_modify(|sheet| sheet.battle = Some(battle));
        let start = mixer::media_now();
        let at = |number: u32| start + Duration::from_millis(33) * number;
        for number in 0..3 {
            assert!(told(&mut writer, at(number), 1).is_some());
        }
        sheet.handle_event(&score([10, 20]));
        assert_eq!(told(&mut writer, at(3), 1), None);
        let battle = &told(&mut writer, at(40), 1).unwrap()["pk"];
        assert_eq!(battle, &json!(["a-1-pk1", START_MS, 10, 20]));
    }

    #[test]
    fn the_pinned_product_is_told_as_soon_as_it_is_pinned() {
        let (sheet, mut writer) = sheet(Cues::Full, RoomClock::start());
        let pin = |product| EventBody::Shop(ShopEvent::Product(ProductEvent::Pinned(product)));
        let start = mixer::media_now();
        let at = |number: u32| start + Duration::from_millis(33) * number;
        for number in 0..4 {
            let _ = told(&mut writer, at(number), 1);
        }
        sheet.handle_event(&pin(room_rules::ProductId::parse("a-1-product1")));
        assert_eq!(told(&mut writer, at(4), 1).unwrap()["pin"], "a-1-product1");
        sheet.handle_event(&pin(None));
        assert_eq!(told(&mut writer, at(5), 1).unwrap().get("pin"), None);
    }

    #[test]
    fn less_is_told_where_less_is_wanted() {
        let (sheet, mut writer) = sheet(Cues::Off, RoomClock::start());
        sheet.handle_scene(&scene(1, &["alice"]), (720, 1280));
        assert_eq!(told(&mut writer, mixer::media_now(), 1), None);
    }
}
