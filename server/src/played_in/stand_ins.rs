//! What stands in while nobody is on stage: before the host came, and when everybody is gone. A film
//! is loaded when it is needed, so that one which nobody sees costs nothing. One that cannot be played
//! leaves the slate.

use std::time::Duration;

use media_rules::layout::{InsertPlace, StandIn};
use media_rules::{FeedId, Tile};
use mixer::link::{Clip, ClipNews};
use signaling::Occasion;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use wire_format::{FilmState, StandInOrder, StandInView};

use crate::films::{Film, LocalFilm};

/// A film whose mixer died so often is not tried again.
const MOST_DEATHS: u32 = 2;

/// What stands in, and when.
#[derive(Debug)]
pub(super) struct StandIns {
    room: String,
    canvas: (u32, u32),
    needed: Option<Occasion>,
    warm_up: Choice,
    away: Choice,
}

/// What was chosen for one occasion.
#[derive(Debug)]
struct Choice {
    order: StandInOrder,
    state: State,
    deaths: u32,
}

#[derive(Debug)]
enum State {
    /// There is no film.
    Plain,
    /// Under this number; ends when something else is chosen.
    Fetching(u64, DropGuard),
    /// It is here, and nobody needs it.
    Here(LocalFilm),
    /// The mixer has it under this number.
    Loading(LocalFilm, u64),
    Ready(LocalFilm, u64),
    Failed(String),
}

impl Choice {
    const fn nothing() -> Self {
        Self { order: StandInOrder::Nothing, state: State::Plain, deaths: 0 }
    }
}

impl StandIns {
    pub(super) fn new(room: &str, canvas: (u32, u32)) -> Self {
        let (warm_up, away) = (Choice::nothing(), Choice::nothing());
        Self { room: room.to_owned(), canvas, needed: None, warm_up, away }
    }

    /// Takes a choice; returns what must be fetched, as `number`, and what ends that.
    pub(super) fn set(
        &mut self,
        occasion: Occasion,
        order: StandInOrder,
        film: Option<Film>,
        number: u64,
    ) -> Option<(Url, CancellationToken)> {
        let is_needed = self.needed == Some(occasion);
        let (state, fetch) = match film {
            None => (State::Plain, None),
            Some(Film::Here(film)) if is_needed => (State::Loading(film, number), None),
            Some(Film::Here(film)) => (State::Here(film), None),
            Some(Film::There(url)) => {
                let cancelled = CancellationToken::new();
                let guard = cancelled.clone().drop_guard();
                (State::Fetching(number, guard), Some((url, cancelled)))
            }
        };
        *self.of(occasion) = Choice { order, state, deaths: 0 };
        fetch
    }

    /// Takes what is needed now; a film that is has a new number, from `numbers`.
    pub(super) fn set_needed(&mut self, needed: Option<Occasion>, numbers: &mut u64) {
        if self.needed == needed {
            return;
        }
        self.needed = needed;
        for occasion in [Occasion::WarmUp, Occasion::Away] {
            let is_needed = needed == Some(occasion);
            let choice = self.of(occasion);
            let state = std::mem::replace(&mut choice.state, State::Plain);
            choice.state = match (state, is_needed) {
                (State::Here(film), true) => State::Loading(film, next(numbers)),
                (State::Loading(film, _) | State::Ready(film, _), false) => State::Here(film),
                (other, _) => other,
            };
        }
    }

    /// Takes in a film that was fetched.
    pub(super) fn handle_fetched(
        &mut self,
        number: u64,
        fetched: Result<LocalFilm, String>,
        numbers: &mut u64,
    ) {
        for occasion in [Occasion::WarmUp, Occasion::Away] {
            let is_needed = self.needed == Some(occasion);
            let choice = self.of(occasion);
            if matches!(&choice.state, State::Fetching(wanted, _guard) if *wanted == number) {
                choice.state = match fetched {
                    Ok(film) if is_needed => State::Loading(film, next(numbers)),
                    Ok(film) => State::Here(film),
                    Err(reason) => State::Failed(reason),
                };
                return;
            }
        }
    }

    /// Takes what the mixer says of a film.
    pub(super) fn handle_clip(&mut self, feed: &FeedId, news: ClipNews) {
        let room = self.room.clone();
        for occasion in [Occasion::WarmUp, Occasion::Away] {
            let choice = self.of(occasion);
            let (State::Loading(film, number) | State::Ready(film, number)) = &choice.state else {
                continue;
            };
            if FeedId::clip(&room, *number) == *feed {
                choice.state = match news {
                    ClipNews::Ready { .. } => State::Ready(film.clone(), *number),
                    // A loop has no end.
                    ClipNews::Ended => State::Failed("it ended".to_owned()),
                    ClipNews::Failed { reason } => State::Failed(reason),
                };
                return;
            }
        }
    }

    /// Takes that the mixer ended; what is needed is loaded by the next, unless it is deadly.
    pub(super) fn handle_mixer_ended(&mut self, has_died: bool, numbers: &mut u64) {
        for occasion in [Occasion::WarmUp, Occasion::Away] {
            let choice = self.of(occasion);
            let (State::Loading(film, _) | State::Ready(film, _)) = &choice.state else { continue };
            let film = film.clone();
            choice.deaths += u32::from(has_died);
            choice.state = if choice.deaths < MOST_DEATHS {
                State::Loading(film, next(numbers))
            } else {
                State::Failed("the mixer died of it".to_owned())
            };
        }
    }

    /// Returns the film that the mixer must have.
    pub(super) fn clip(&self, longest: Duration) -> Option<Clip> {
        let choice = self.looked_at(self.needed?);
        let (State::Loading(film, number) | State::Ready(film, number)) = &choice.state else {
            return None;
        };
        let feed = FeedId::clip(&self.room, *number);
        Some(Clip { feed, file: film.path().to_owned(), is_loop: true, longest })
    }

    /// Returns what can be seen.
    pub(super) fn shown(&self, occasion: Occasion) -> StandIn {
        let choice = self.looked_at(occasion);
        match (&choice.order, &choice.state) {
            (StandInOrder::Image(name), _) => StandIn::Image(name.clone()),
            (StandInOrder::Film(_, fit, volume), State::Ready(_, number)) => {
                let rect = InsertPlace::Fullscreen.rect(self.canvas);
                let feed = FeedId::clip(&self.room, *number);
                let tile = Tile { fit: *fit, gain_percent: *volume, ..Tile::new(feed, rect) };
                StandIn::Film(Box::new(tile))
            }
            (StandInOrder::Nothing | StandInOrder::Film(..), _) => StandIn::Slate,
        }
    }

    pub(super) fn view(&self, occasion: Occasion) -> StandInView {
        let choice = self.looked_at(occasion);
        let (state, error) = match &choice.state {
            State::Plain | State::Here(_) => (None, None),
            State::Fetching(..) => (Some(FilmState::Fetching), None),
            State::Loading(..) => (Some(FilmState::Loading), None),
            State::Ready(..) => (Some(FilmState::Ready), None),
            State::Failed(reason) => (Some(FilmState::Failed), Some(reason.clone())),
        };
        StandInView { order: choice.order.clone(), state, error }
    }

    const fn of(&mut self, occasion: Occasion) -> &mut Choice {
        match occasion {
            Occasion::WarmUp => &mut self.warm_up,
            Occasion::Away => &mut self.away,
        }
    }

    const fn looked_at(&self, occasion: Occasion) -> &Choice {
        match occasion {
            Occasion::WarmUp => &self.warm_up,
            Occasion::Away => &self.away,
        }
    }
}

const fn next(numbers: &mut u64) -> u64 {
    *numbers += 1;
    *numbers
}
