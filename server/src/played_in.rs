//! What is played into a room's program besides its performers: films that its directors order, and
//! what stands in while nobody is on stage. It decides what the mixer loads and what the picture
//! shows; it fetches nothing and mixes nothing.
//!
//! ```text
//! Fetching ──here──▶ Loading ──ready──▶ Playing ──end, stopped──▶ over
//!     └───────────────── failed, too slow, the mixer died ──────▶ over
//! ```
//!
//! A film that was playing when its mixer died is not played again: it may be what killed it.

mod stand_ins;

use std::collections::VecDeque;
use std::time::Duration;

use media_rules::layout::{MAX_INSERTS, StandIn};
use media_rules::{FeedId, Tile, Transition};
use mixer::link::{Clip, ClipNews};
use room_rules::ServerTime;
use signaling::{Occasion, Refused};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use wire_format::{Code, FilmState, InsertEnd, InsertOrder, InsertView, StandInOrder, StandInView};

use crate::films::{Film, LocalFilm};
use stand_ins::StandIns;

/// A film of which nothing was heard for so long is not coming.
const FETCH_WITHIN: Duration = Duration::from_secs(75);

/// A film that cannot be shown this long after it is here is given up.
const LOAD_WITHIN: Duration = Duration::from_secs(15);

/// News of a film's end may be lost; after its end and this it is over in any case.
const OVERTIME: Duration = Duration::from_secs(3);

/// What is played into one room.
#[derive(Debug)]
pub(crate) struct PlayedIn {
    room: String,
    canvas: (u32, u32),
    longest: Duration,
    /// Of films, whatever they are for; none is used twice.
    numbers: u64,
    inserts: Vec<Showing>,
    stand_ins: StandIns,
    /// How the next picture follows, if a film says so.
    transition: Option<Transition>,
    news: VecDeque<PlayNews>,
}

/// What follows from something that happened.
#[derive(Debug)]
pub(crate) enum PlayNews {
    /// A film must be fetched, under this number, for as long as somebody wants it.
    Fetch(u64, Url, CancellationToken),
    /// A film is on screen since then.
    Started(InsertView, ServerTime),
    /// A film is over.
    Ended(String, InsertEnd),
}

/// A film that is played, or about to be.
#[derive(Debug)]
struct Showing {
    number: u64,
    order: InsertOrder,
    film: Option<LocalFilm>,
    /// Ends the fetching of a film that is given up.
    fetch_guard: Option<DropGuard>,
    state: State,
    length: Option<Duration>,
    /// When it is given up, or over.
    until: Option<ServerTime>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Fetching,
    Loading,
    /// From the layout `revision` on, once that is known.
    Playing {
        revision: Option<u64>,
        is_told: bool,
    },
}

impl PlayedIn {
    /// Starts with nothing in the program of `room`.
    pub(crate) fn new(room: &str, canvas: (u32, u32), longest: Duration) -> Self {
        Self {
            room: room.to_owned(),
            canvas,
            longest,
            numbers: 0,
            inserts: Vec::new(),
            stand_ins: StandIns::new(room, canvas),
            transition: None,
            news: VecDeque::new(),
        }
    }

    /// Takes a film that somebody wants to be played in.
    ///
    /// # Errors
    /// If it does not fit the canvas, or there are too many.
    pub(crate) fn insert(
        &mut self,
        order: InsertOrder,
        film: Film,
        now: ServerTime,
    ) -> Result<InsertView, Refused> {
        let misfit = order.insert.check(self.canvas);
        misfit.map_err(|misfit| Refused::new(Code::BadRequest, misfit.to_string()))?;
        if self.inserts.len() >= MAX_INSERTS {
            let message = format!("{MAX_INSERTS} films are played in already");
            return Err(Refused::new(Code::Conflict, message));
        }
        self.numbers += 1;
        let number = self.numbers;
        let mut showing = Showing {
            number,
            order,
            film: None,
            fetch_guard: None,
            state: State::Fetching,
            length: None,
            until: None,
        };
        match film {
            Film::Here(film) => showing.load(film, now),
            Film::There(url) => {
                showing.until = Some(now + FETCH_WITHIN);
                let cancelled = CancellationToken::new();
                showing.fetch_guard = Some(cancelled.clone().drop_guard());
                self.news.push_back(PlayNews::Fetch(number, url, cancelled));
            }
        }
        let view = showing.view(self.canvas);
        self.inserts.push(showing);
        Ok(view)
    }

    /// Ends a film.
    ///
    /// # Errors
    /// If there is none of that name.
    pub(crate) fn remove(&mut self, id: &str) -> Result<(), Refused> {
        let at = self.inserts.iter().position(|showing| showing.id() == id);
        let at = at.ok_or_else(|| Refused::new(Code::NotFound, "there is no such insert"))?;
        self.end(at, InsertEnd::Stopped);
        Ok(())
    }

    /// Returns every film.
    pub(crate) fn list(&self) -> Vec<InsertView> {
        self.inserts.iter().map(|showing| showing.view(self.canvas)).collect()
    }

    /// Takes what shall stand in.
    pub(crate) fn set_stand_in(
        &mut self,
        occasion: Occasion,
        order: StandInOrder,
        film: Option<Film>,
    ) {
        self.numbers += 1;
        let fetch = self.stand_ins.set(occasion, order, film, self.numbers);
        let news = |(url, cancelled)| PlayNews::Fetch(self.numbers, url, cancelled);
        self.news.extend(fetch.map(news));
    }

    /// Returns what stands in.
    pub(crate) fn stand_in_view(&self, occasion: Occasion) -> StandInView {
        self.stand_ins.view(occasion)
    }

    /// Returns whether something was chosen to stand in.
    pub(crate) fn has_stand_in(&self, occasion: Occasion) -> bool {
        self.stand_ins.view(occasion).order != StandInOrder::Nothing
    }

    /// Takes what must stand in now, if anything.
    pub(crate) fn set_needed(&mut self, occasion: Option<Occasion>) {
        self.stand_ins.set_needed(occasion, &mut self.numbers);
    }

    /// Takes in a film that was fetched.
    pub(crate) fn handle_fetched(
        &mut self,
        number: u64,
        fetched: Result<LocalFilm, String>,
        now: ServerTime,
    ) {
        let Some(at) = self.inserts.iter().position(|showing| showing.number == number) else {
            self.stand_ins.handle_fetched(number, fetched, &mut self.numbers);
            return;
        };
        match fetched {
            Ok(film) => self.inserts[at].load(film, now),
            Err(reason) => self.end(at, InsertEnd::Failed(reason)),
        }
    }

    /// Takes what the mixer says of a film.
    pub(crate) fn handle_clip(&mut self, feed: &FeedId, news: ClipNews, now: ServerTime) {
        let of = |showing: &Showing| FeedId::clip(&self.room, showing.number) == *feed;
        let Some(at) = self.inserts.iter().position(of) else {
            self.stand_ins.handle_clip(feed, news);
            return;
        };
        match news {
            ClipNews::Ready { length } => {
                let showing = &mut self.inserts[at];
                if showing.state != State::Loading {
                    return;
                }
                showing.state = State::Playing { revision: None, is_told: false };
                showing.length = length;
                let lasts = length.unwrap_or(self.longest) + OVERTIME;
                showing.until = (!showing.order.is_loop).then(|| now + lasts);
                self.transition = showing.order.transition;
            }
            ClipNews::Ended => self.end(at, InsertEnd::End),
            ClipNews::Failed { reason } => self.end(at, InsertEnd::Failed(reason)),
        }
    }

    /// Takes that the mixer ended, by itself or not; its films ended with it.
    pub(crate) fn handle_mixer_ended(&mut self, has_died: bool) {
        while let Some(at) = self.inserts.iter().position(|showing| showing.film.is_some()) {
            self.end(at, InsertEnd::Failed("the mixer ended".to_owned()));
        }
        self.stand_ins.handle_mixer_ended(has_died, &mut self.numbers);
    }

    /// Takes that the picture of the layout `revision` has everything that is playing now.
    pub(crate) fn handle_drawn(&mut self, drawn: u64) {
        for showing in &mut self.inserts {
            if let State::Playing { revision: revision @ None, .. } = &mut showing.state {
                *revision = Some(drawn);
            }
        }
    }

    /// Takes that viewers see the layout `revision` since `at`.
    pub(crate) fn handle_applied(&mut self, applied: u64, at: ServerTime) {
        for showing in &mut self.inserts {
            if let State::Playing { revision: Some(revision), is_told: is_told @ false } =
                &mut showing.state
                && *revision <= applied
            {
                *is_told = true;
                let view = showing.view(self.canvas);
                self.news.push_back(PlayNews::Started(view, at));
            }
        }
    }

    /// Gives up what takes too long.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime) {
        let is_due = |showing: &Showing| showing.until.is_some_and(|until| until <= now);
        while let Some(at) = self.inserts.iter().position(is_due) {
            let end = match self.inserts[at].state {
                State::Playing { .. } => InsertEnd::End,
                State::Fetching | State::Loading => {
                    InsertEnd::Failed("it did not load in time".to_owned())
                }
            };
            self.end(at, end);
        }
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.inserts.iter().filter_map(|showing| showing.until).min()
    }

    /// Returns the next thing that follows, oldest first.
    pub(crate) fn poll_news(&mut self) -> Option<PlayNews> {
        self.news.pop_front()
    }

    /// Returns whether a film is played or about to be.
    pub(crate) const fn is_playing(&self) -> bool {
        !self.inserts.is_empty()
    }

    /// Returns the films that the mixer must have.
    pub(crate) fn clips(&self) -> Vec<Clip> {
        let clip = |showing: &Showing| {
            Some(Clip {
                feed: FeedId::clip(&self.room, showing.number),
                file: showing.film.as_ref()?.path().to_owned(),
                is_loop: showing.order.is_loop,
                longest: self.longest,
            })
        };
        let inserts = self.inserts.iter().filter_map(clip);
        inserts.chain(self.stand_ins.clip(self.longest)).collect()
    }

    /// Returns the films that are seen.
    pub(crate) fn tiles(&self) -> Vec<Tile> {
        let is_seen = |showing: &&Showing| matches!(showing.state, State::Playing { .. });
        let tile = |showing: &Showing| {
            let feed = FeedId::clip(&self.room, showing.number);
            showing.order.insert.tile(feed, self.canvas)
        };
        self.inserts.iter().filter(is_seen).map(tile).collect()
    }

    /// Returns what stands in at this occasion, as it can be seen now.
    pub(crate) fn stand_in(&self, occasion: Occasion) -> StandIn {
        self.stand_ins.shown(occasion)
    }

    /// Returns how a film that came or went changes the picture, once.
    pub(crate) const fn take_transition(&mut self) -> Option<Transition> {
        self.transition.take()
    }

    fn end(&mut self, at: usize, end: InsertEnd) {
        let showing = self.inserts.remove(at);
        if matches!(showing.state, State::Playing { .. }) {
            self.transition = showing.order.transition;
        }
        self.news.push_back(PlayNews::Ended(showing.id(), end));
    }
}

impl Showing {
    fn id(&self) -> String {
        format!("i{}", self.number)
    }

    fn load(&mut self, film: LocalFilm, now: ServerTime) {
        self.film = Some(film);
        self.fetch_guard.take();
        self.state = State::Loading;
        self.until = Some(now + LOAD_WITHIN);
    }

    fn view(&self, canvas: (u32, u32)) -> InsertView {
        InsertView {
            id: self.id(),
            order: self.order.clone(),
            rect: self.order.insert.place.rect(canvas),
            state: match self.state {
                State::Fetching => FilmState::Fetching,
                State::Loading => FilmState::Loading,
                State::Playing { .. } => FilmState::Playing,
            },
            length_ms: self.length.and_then(|length| u64::try_from(length.as_millis()).ok()),
        }
    }
}

#[cfg(test)]
mod tests;
