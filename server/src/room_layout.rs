//! How the picture of a room is laid out: what somebody chose, who is on stage and what the battle
//! stands at become a scene. The rules are `media_rules::layout`.

use std::path::PathBuf;
use std::time::Duration;

use media_rules::layout::{Choice, Figures, Motif, Performer as Stander, StandIn};
use media_rules::{FeedId, Fill, ImageName, MediaTime, Scene, Tile, Transition};
use room_rules::{BattleState, BattleView, EventBody, Performer, RoomId, Scores, ServerTime};
use signaling::{IfMatch, Refused, RoomClock};
use wire_format::{Code, LayoutApplied, LayoutView, encode_layout_applied};

use crate::cues::room_millis;
use crate::films::names_in;
use crate::mail::{Mail, Mailbox};
use crate::room_media::feed_of;

/// A host's first picture may take so long from the moment that something came of them.
const OPENING: Duration = Duration::from_secs(3);

/// The scene of a room and all that it depends on.
#[derive(Debug)]
pub(crate) struct RoomLayout {
    canvas: (u32, u32),
    /// Where images are looked for; without a folder there are none.
    images: Option<PathBuf>,
    choice: Choice,
    performers: Vec<Stander>,
    is_battle: bool,
    /// Which battle's scores are shown.
    scores: Option<Scores>,
    zero_ms: i64,
    /// Films over the performers.
    films: Vec<Tile>,
    /// What is seen while nobody is on stage.
    stand_in: StandIn,
    /// How the newest picture follows the one before it.
    change: (Transition, Duration),
    scene: Scene,
}

impl RoomLayout {
    /// Creates the layout of a room in which nobody is on stage.
    pub(crate) fn new(canvas: (u32, u32), images: Option<PathBuf>, clock: RoomClock) -> Self {
        Self {
            canvas,
            images,
            choice: Choice::default(),
            performers: Vec::new(),
            is_battle: false,
            scores: None,
            zero_ms: zero_ms(clock),
            films: Vec::new(),
            stand_in: StandIn::Slate,
            change: (Transition::Cut, Scene::PATIENCE),
            scene: Scene::new(0, Vec::new()),
        }
    }

    /// Returns what the program is to show.
    pub(crate) const fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Returns the layout as others may see it.
    pub(crate) fn view(&self) -> LayoutView {
        LayoutView {
            choice: self.choice.clone(),
            scene: self.scene.clone(),
            preset: self.choice.preset(self.performers.len(), self.is_battle),
            canvas: self.canvas,
        }
    }

    /// Takes who is on stage now.
    pub(crate) fn handle_stage(&mut self, stage: &[Performer], is_battle: bool) {
        let stander = |performer: &Performer| Stander {
            feed: feed_of(performer),
            name: performer.name.to_string(),
            is_muted: performer.muted,
        };
        let performers: Vec<_> = stage.iter().map(stander).collect();
        let is_opening = self.performers.is_empty() && !performers.is_empty();
        self.performers = performers;
        self.is_battle = is_battle;
        // What stood in stays until there is something of the first host to be seen.
        let patience = if is_opening { OPENING } else { Scene::PATIENCE };
        self.redraw(None, patience);
    }

    /// Takes the films that are played in and what stands in while nobody is on stage. A film that
    /// came or went may say how the picture changes. Returns whether it does.
    pub(crate) fn set_played_in(
        &mut self,
        films: Vec<Tile>,
        stand_in: StandIn,
        transition: Option<Transition>,
    ) -> bool {
        if self.films == films && self.stand_in == stand_in {
            return false;
        }
        (self.films, self.stand_in) = (films, stand_in);
        self.redraw(transition, self.change.1);
        true
    }

    /// Takes what somebody chose, if the layout is the one that they meant to replace.
    ///
    /// # Errors
    /// `PRECONDITION_FAILED` if it is not, `BAD_REQUEST` if the choice does not fit this room.
    pub(crate) fn choose(&mut self, choice: Choice, condition: &IfMatch) -> Result<(), Refused> {
        if let IfMatch::Tags(tags) = condition
            && !tags.contains(&self.scene.revision.to_string())
        {
            let message = format!("the layout is of revision {}", self.scene.revision);
            return Err(Refused::new(Code::PreconditionFailed, message));
        }
        choice
            .check(self.canvas)
            .map_err(|misfit| Refused::new(Code::BadRequest, misfit.to_string()))?;
        if let Some(missing) = images(&choice).find(|name| !self.has_image(name)) {
            let message = format!("there is no image {}", missing.as_str());
            return Err(Refused::new(Code::BadRequest, message));
        }
        self.choice = choice;
        self.redraw(None, Scene::PATIENCE);
        Ok(())
    }

    /// Takes what the room has told its members. Returns whether the picture changes by it.
    pub(crate) fn handle_event(&mut self, event: &EventBody) -> bool {
        let scores = match event {
            EventBody::PkUpdated(battle) => shown_scores(battle),
            EventBody::PkScore { scores, .. } if self.scores.is_some() => Some(scores.clone()),
            EventBody::PkScore { .. }
            | EventBody::RoomState { .. }
            | EventBody::Settings(_)
            | EventBody::Order(_)
            | EventBody::StageUpdated(_)
            | EventBody::SeatUpdated(_)
            | EventBody::SeatRequest { .. }
            | EventBody::Countdown(_)
            | EventBody::SaleUpdated(_)
            | EventBody::Shop(_)
            | EventBody::Gifts(_)
            | EventBody::Giveaway(_)
            | EventBody::Chat(_)
            | EventBody::Talk(_)
            | EventBody::React(_) => return false,
        };
        self.scores = scores;
        let before = self.scene.clone();
        // Newer figures are no other layout.
        self.draw(self.scene.revision);
        before != self.scene
    }

    /// Draws another layout.
    fn redraw(&mut self, transition: Option<Transition>, patience: Duration) {
        self.change = (transition.unwrap_or(self.choice.transition), patience);
        self.draw(self.scene.revision + 1);
    }

    fn draw(&mut self, revision: u64) {
        let figures = Figures { zero_ms: self.zero_ms, scores: self.scores_by_place() };
        let performers = &self.performers;
        let mut scene =
            self.choice.scene(revision, performers, self.is_battle, self.canvas, figures);
        if self.performers.is_empty() {
            self.stand_in.stand_in(&mut scene);
        }
        scene.tiles.extend_from_slice(&self.films);
        (scene.transition, scene.patience) = self.change;
        self.scene = scene;
    }

    /// Returns the scores with that of whoever stands first in front. A bar has two ends, so the score
    /// of more rooms is not drawn.
    fn scores_by_place(&self) -> Option<[u64; 2]> {
        let Scores { rooms, points } = self.scores.as_ref()?;
        let points = <[u64; 2]>::try_from(points.as_slice()).ok()?;
        let first = self.performers.first().map(|stander| &stander.feed);
        let is_of = |room: &RoomId, feed: &FeedId| feed.room() == room.as_str();
        let is_turned = first.is_some_and(|feed| is_of(&rooms[1], feed));
        Some(if is_turned { [points[1], points[0]] } else { points })
    }

    /// Returns the images that there are.
    pub(crate) fn image_names(&self) -> Vec<String> {
        let is_image = |name: &str| ImageName::parse(name).is_some();
        self.images.as_deref().map_or_else(Vec::new, |folder| names_in(folder, is_image))
    }

    /// Returns whether there is an image of that name.
    pub(crate) fn has_image(&self, name: &ImageName) -> bool {
        // A look at a local folder, and only for who directs a room.
        self.images.as_ref().is_some_and(|folder| folder.join(name.as_str()).is_file())
    }
}

/// Notices the first picture of each layout on its way out.
#[derive(Debug)]
pub(crate) struct LayoutWatch {
    mailbox: Mailbox,
    clock: RoomClock,
    told: u64,
}

impl LayoutWatch {
    /// Creates a watch that tells `mailbox`.
    pub(crate) const fn new(mailbox: Mailbox, clock: RoomClock) -> Self {
        Self { mailbox, clock, told: 0 }
    }

    /// Takes a picture that shows the scene `revision` and is due at `at`.
    pub(crate) fn handle_picture(&mut self, at: MediaTime, revision: u64) {
        if revision <= self.told {
            return;
        }
        let at = room_millis(self.clock, at);
        let at = ServerTime::from_unix_millis(at as u64);
        // A room that is too busy to hear of it now hears of it with the next picture.
        if self.mailbox.send(Mail::LayoutApplied { revision, at }).is_ok() {
            self.told = revision;
        }
    }
}

/// Encodes the news for the room's members, unless the layout is not the newest any more.
pub(crate) fn applied_news(
    layout: &RoomLayout,
    revision: u64,
    at: ServerTime,
    now: ServerTime,
) -> Option<String> {
    let view = layout.view();
    let is_newest = view.scene.revision == revision;
    let has_labels = view.choice.has_labels;
    let applied = LayoutApplied { revision, at, preset: view.preset, has_labels };
    is_newest.then(|| encode_layout_applied(&applied, now))
}

fn shown_scores(battle: &BattleView) -> Option<Scores> {
    match battle.state {
        BattleState::Preparing | BattleState::Battling | BattleState::Punishing => {
            Some(battle.scores.clone())
        }
        BattleState::Inviting | BattleState::Linking | BattleState::Linked | BattleState::Idle => {
            None
        }
    }
}

fn images(choice: &Choice) -> impl Iterator<Item = &ImageName> {
    let fills =
        [&choice.background, &choice.placeholder].into_iter().filter_map(|fill| match fill {
            Fill::Image(name) => Some(name),
            Fill::Colour(_) => None,
        });
    let ornaments = choice.ornaments.iter().filter_map(|ornament| match &ornament.motif {
        Motif::Image(name) => Some(name),
        Motif::Text { .. }
        | Motif::Clock { .. }
        | Motif::Countdown { .. }
        | Motif::Score { .. } => None,
    });
    fills.chain(ornaments)
}

/// Returns room time when the media clock stood at zero. Rounded, so that two rooms of one server
/// come to the same, whose pictures may then be one.
fn zero_ms(clock: RoomClock) -> i64 {
    const STEP_MS: f64 = 50.0;
    let zero = room_millis(clock, MediaTime::default());
    ((zero / STEP_MS).round() * STEP_MS) as i64
}

#[cfg(test)]
mod tests {
    use media_rules::layout::{Arrangement, Ornament, Preset};
    use media_rules::{Colour, Content, Rect};
    use room_rules::{PkId, SeatIndex, UserId};

    use super::*;

    fn room(name: &str) -> RoomId {
        RoomId::parse(name).unwrap()
    }

    fn performer(of: &str, user: &str) -> Performer {
        let user = UserId::parse(user).unwrap();
        let name = user.as_str().into();
        Performer { room: room(of), user, name, seat: SeatIndex::HOST, muted: false }
    }

    fn layout() -> RoomLayout {
        let mut layout = RoomLayout::new((720, 1280), None, RoomClock::start());
        layout.handle_stage(&[performer("a", "alice"), performer("a", "bob")], false);
        layout
    }

    fn chosen(preset: Preset) -> Choice {
        Choice { arrangement: Arrangement::Preset(preset), ..Choice::default() }
    }

    #[test]
    fn a_choice_is_kept_while_people_come_and_go_and_every_change_has_a_revision() {
        let mut layout = layout();
        assert_eq!(layout.scene().revision, 1);
        layout.choose(chosen(Preset::PkTopBottom), &IfMatch::Missing).unwrap();
        assert_eq!(layout.scene().revision, 2);
        layout.handle_stage(&[performer("a", "alice")], false);

        let view = layout.view();
        assert_eq!((view.scene.revision, view.preset), (3, Some(Preset::PkTopBottom)));
        assert_eq!(view.scene.tiles[0].rect, Rect { x: 0, y: 0, width: 720, height: 640 });
    }

    #[test]
    fn who_speaks_of_another_layout_changes_nothing() {
        let mut layout = layout();
        let tags = |tag: &str| IfMatch::Tags(vec![tag.to_owned()]);
        let refused = layout.choose(chosen(Preset::Solo), &tags("7")).unwrap_err();
        assert_eq!(refused.code, Code::PreconditionFailed);
        assert_eq!(layout.view().preset, Some(Preset::PkLeftRight));
        layout.choose(chosen(Preset::Solo), &tags("1")).unwrap();
    }

    #[test]
    fn an_image_that_is_not_there_and_what_hangs_over_the_canvas_are_refused() {
        let mut layout = layout();
        let image = Fill::Image(ImageName::parse("stage.png").unwrap());
        let choice = Choice { background: image, ..Choice::default() };
        let refused = layout.choose(choice, &IfMatch::Missing).unwrap_err();
        assert_eq!(refused.code, Code::BadRequest);

        let motif = Motif::Score { colours: [Colour::WHITE; 2] };
        let rect = Rect { x: 700, y: 0, width: 40, height: 40 };
        let ornaments = vec![Ornament { rect, z: 0, opacity_percent: 100, motif }];
        let choice = Choice { ornaments, ..Choice::default() };
        let refused = layout.choose(choice, &IfMatch::Missing).unwrap_err();
        assert_eq!(refused.code, Code::BadRequest);
        assert_eq!(layout.scene().revision, 1);
    }

    #[test]
    fn a_score_is_a_newer_figure_and_stands_where_its_room_stands() {
        let mut layout = layout();
        let motif = Motif::Score { colours: [Colour::WHITE; 2] };
        let rect = Rect { x: 0, y: 0, width: 720, height: 40 };
        let ornaments = vec![Ornament { rect, z: 0, opacity_percent: 100, motif }];
        layout.choose(Choice { ornaments, ..Choice::default() }, &IfMatch::Missing).unwrap();
        layout.handle_stage(&[performer("b", "ben"), performer("a", "alice")], true);
        let revision = layout.scene().revision;
        assert!(layout.scene().overlays.is_empty(), "nothing was told of a battle");

        let rooms = || ["a", "b"].map(room).into();
        layout.scores = Some(Scores { rooms: rooms(), points: vec![0, 0] });
        let scores = Scores { rooms: rooms(), points: vec![10, 30] };
        let pk = PkId::parse("a-1-pk1").unwrap();
        assert!(layout.handle_event(&EventBody::PkScore { pk, version: 2, scores, top: None }));

        assert_eq!(layout.scene().revision, revision);
        let Content::ScoreBar { left, right } = layout.scene().overlays[0].content else {
            panic!("a score bar");
        };
        assert_eq!((left.score, right.score), (30, 10), "room b stands on the left");
    }

    #[test]
    fn what_stands_in_stays_for_the_first_host_and_films_come_and_go_as_they_say() {
        let mut layout = RoomLayout::new((720, 1280), None, RoomClock::start());
        let whole = Rect { x: 0, y: 0, width: 720, height: 1280 };
        let film = |number| Tile::new(FeedId::clip("a", number), whole);
        let stand_in = StandIn::Film(Box::new(film(1)));
        assert!(layout.set_played_in(Vec::new(), stand_in.clone(), None));
        assert_eq!(layout.scene().tiles, [film(1)]);
        assert!(!layout.set_played_in(Vec::new(), stand_in, None), "the same again");

        layout.handle_stage(&[performer("a", "alice")], false);
        let scene = layout.scene();
        assert_eq!((scene.tiles.len(), scene.patience), (1, OPENING));
        assert_eq!(scene.tiles[0].feed, FeedId::new("a", "alice"));
        assert!(layout.set_played_in(Vec::new(), StandIn::Slate, None));
        assert_eq!(layout.scene().patience, OPENING, "the host is still awaited");

        let fade = Transition::Fade(Duration::from_millis(200));
        let revision = layout.scene().revision;
        assert!(layout.set_played_in(vec![film(2)], StandIn::Slate, Some(fade)));
        let scene = layout.scene();
        assert_eq!((scene.revision, scene.transition), (revision + 1, fade));
        assert_eq!(scene.tiles[1], film(2));
        layout.handle_stage(&[performer("a", "alice"), performer("a", "bob")], false);
        let scene = layout.scene();
        assert_eq!((scene.transition, scene.patience), (Transition::Cut, Scene::PATIENCE));
    }

    #[test]
    fn a_layout_is_told_with_its_first_picture_and_once() {
        let clock = RoomClock::start();
        let (mailbox, mut mail) = Mailbox::new();
        let mut watch = LayoutWatch::new(mailbox, clock);
        let now = mixer::media_now();
        for (millis, revision) in [(0, 0), (33, 1), (66, 1), (99, 1), (133, 2), (166, 1)] {
            watch.handle_picture(now + Duration::from_millis(millis), revision);
        }
        let mut told = Vec::new();
        while let Ok(Mail::LayoutApplied { revision, at }) = mail.try_recv() {
            told.push((revision, at.unix_millis()));
        }
        assert_eq!(told.iter().map(|(revision, _)| *revision).collect::<Vec<_>>(), [1, 2]);
        let apart = told[1].1 - told[0].1;
        assert!((98..=102).contains(&apart), "{apart} ms in room time as on the media clock");
    }
}
