//! What a room's program shows besides its performers, and pictures of it as files.

use media_rules::layout::StandIn;
use mixer::link::ClipNews;
use room_rules::{MediaChange, Member, ServerTime};
use signaling::{Answer, Occasion, ProgramPicture, ProgramRequest, Refused};
use wire_format::{
    Code, InsertList, InsertOrder, InsertView, StandInOrder, StandInView, encode_insert_ended,
    encode_insert_started,
};

use super::{FeedId, RoomMedia};
use crate::films::LocalFilm;
use crate::mail::Mail;
use crate::played_in::PlayNews;

impl RoomMedia {
    /// Carries out what somebody wants of the program. Whoever asked may have left.
    pub(crate) fn handle_program(&mut self, request: ProgramRequest, now: ServerTime) {
        match request {
            ProgramRequest::List { reply } => {
                let inserts = self.played_in.list();
                let (films, images) = (self.parts.films.names(), self.layout.image_names());
                drop(reply.send(Ok(InsertList { inserts, films, images })));
            }
            ProgramRequest::Add { member, order, reply } => {
                let _ = reply.send(self.insert(&member, *order, now));
            }
            ProgramRequest::Remove { id, reply } => {
                let _ = reply.send(self.played_in.remove(&id));
            }
            ProgramRequest::ShowStandIn { occasion, reply } => {
                let _ = reply.send(Ok(self.played_in.stand_in_view(occasion)));
            }
            ProgramRequest::SetStandIn { member, occasion, order, reply } => {
                let _ = reply.send(self.set_stand_in(&member, occasion, *order, now));
            }
            ProgramRequest::Snapshot { member, width, reply } => {
                self.snapshot(&member, width, reply, now);
                return;
            }
        }
        self.weigh_demand(now);
    }

    fn insert(
        &mut self,
        member: &Member,
        order: InsertOrder,
        now: ServerTime,
    ) -> Result<InsertView, Refused> {
        self.admit(member, now)?;
        let film = self.parts.films.admit(&order.source)?;
        self.played_in.insert(order, film, now)
    }

    fn set_stand_in(
        &mut self,
        member: &Member,
        occasion: Occasion,
        order: StandInOrder,
        now: ServerTime,
    ) -> Result<StandInView, Refused> {
        self.admit(member, now)?;
        let film = match &order {
            StandInOrder::Nothing => None,
            StandInOrder::Image(name) if !self.layout.has_image(name) => {
                let message = format!("there is no image {}", name.as_str());
                return Err(Refused::new(Code::BadRequest, message));
            }
            StandInOrder::Image(_) => None,
            StandInOrder::Film(source, ..) => Some(self.parts.films.admit(source)?),
        };
        self.played_in.set_stand_in(occasion, order, film);
        self.look_for_somebody();
        Ok(self.played_in.stand_in_view(occasion))
    }

    /// Takes that something comes of a performer, or nothing any more.
    pub(crate) fn handle_media(&mut self, feed: &FeedId, change: MediaChange, now: ServerTime) {
        self.gone.retain(|gone| gone != feed && self.stage.contains(gone));
        if change == MediaChange::Stopped && self.stage.contains(feed) {
            self.gone.push(feed.clone());
        }
        self.look_for_somebody();
        self.weigh_demand(now);
    }

    /// Lays out the stage anew if somebody came back to it, or the last one is gone.
    fn look_for_somebody(&mut self) {
        if self.is_deserted() != self.is_away {
            self.lay_out();
        }
    }

    /// Lays out whoever is on stage. If nothing comes of any of them, what was chosen stands in.
    pub(super) fn lay_out(&mut self) {
        self.is_away = self.is_deserted();
        let (stage, is_battle) = &self.performers;
        self.layout.handle_stage(if self.is_away { &[] } else { stage }, *is_battle);
    }

    /// Returns whether nobody is to be seen and something was chosen for that.
    fn is_deserted(&self) -> bool {
        let is_gone = |feed: &FeedId| self.gone.contains(feed);
        let has_left = !self.stage.is_empty() && self.stage.iter().all(is_gone);
        has_left && self.played_in.has_stand_in(Occasion::Away)
    }

    /// Takes in a film that was fetched.
    pub(crate) fn handle_fetched(
        &mut self,
        number: u64,
        fetched: Result<LocalFilm, String>,
        now: ServerTime,
    ) {
        self.played_in.handle_fetched(number, fetched, now);
        self.weigh_demand(now);
    }

    /// Takes what the mixer says of a film.
    pub(crate) fn handle_clip(&mut self, feed: &FeedId, news: ClipNews, now: ServerTime) {
        self.played_in.handle_clip(feed, news, now);
        self.weigh_demand(now);
    }

    /// Takes that the mixer has ended.
    pub(crate) fn handle_mixer_ended(&mut self, has_died: bool, now: ServerTime) {
        self.played_in.handle_mixer_ended(has_died);
        self.weigh_demand(now);
    }

    /// Takes that viewers see the layout `revision` since `at`.
    pub(crate) fn handle_applied(&mut self, revision: u64, at: ServerTime) {
        self.played_in.handle_applied(revision, at);
    }

    /// Returns what members must hear of films; lets those be fetched that must be.
    pub(crate) fn poll_told(&mut self, now: ServerTime) -> Option<String> {
        loop {
            match self.played_in.poll_news()? {
                PlayNews::Fetch(number, url, cancelled) => {
                    let (films, mailbox) = (self.parts.films.clone(), self.mailbox.clone());
                    let draining = self.parts.draining.clone();
                    let fetch = async move {
                        let fetched = films.fetch(url).await;
                        // A room that is over, or too busy, gives the film up by itself.
                        let _ = mailbox.send(Mail::Fetched { number, fetched });
                    };
                    let fetch = cancelled.run_until_cancelled_owned(fetch);
                    self.parts.tasks.spawn(draining.run_until_cancelled_owned(fetch));
                }
                PlayNews::Started(view, since) => {
                    return Some(encode_insert_started(&view, since, now));
                }
                PlayNews::Ended(id, end) => return Some(encode_insert_ended(&id, &end, now)),
            }
        }
    }

    /// Gives somebody a picture of the program as a file. One that does not run starts for it.
    fn snapshot(
        &mut self,
        member: &Member,
        width: Option<u16>,
        reply: Answer<ProgramPicture>,
        now: ServerTime,
    ) {
        if let Err(refused) = self.album.admit(member, now) {
            let _ = reply.send(Err(refused));
            return;
        }
        let whole = u16::try_from(self.parts.program.canvas.0).unwrap_or(u16::MAX);
        let width = width.unwrap_or(whole).min(whole) & !1;
        if let Some(picture) = self.album.fresh(width, now) {
            let _ = reply.send(Ok(picture));
            return;
        }
        if !self.shows() && !self.demand.is_wanted() {
            let refused = Refused::new(Code::NotLive, "there is nothing to be seen");
            let _ = reply.send(Err(refused));
            return;
        }
        if let Some(wish) = self.album.wait(width, reply, now) {
            self.demand.handle_glance(now);
            self.show();
            self.program.request_snapshot(wish);
        }
    }

    /// Takes in a picture that the mixer made.
    pub(crate) fn handle_snapshot(&mut self, number: u64, picture: ProgramPicture) {
        self.album.handle_picture(number, picture, self.room.as_str());
    }

    /// Asks again for pictures that did not come, and for one that is to be looked at.
    pub(super) fn look_at_album(&mut self, now: ServerTime) {
        for wish in self.album.handle_timeout(now) {
            self.program.request_snapshot(wish);
        }
        if let Some(inspector) = self.parts.inspector.clone()
            && self.demand.is_wanted()
            && self.inspect_at <= now
        {
            self.inspect_at = now + inspector.every();
            let wish = self.album.inspect(&inspector, inspector.width(), now);
            self.program.request_snapshot(wish);
        }
    }

    /// Returns when [`look_at_album`](Self::look_at_album) is due.
    pub(super) fn poll_album(&self) -> Option<ServerTime> {
        let is_inspected = self.parts.inspector.is_some() && self.demand.is_wanted();
        let inspected = is_inspected.then_some(self.inspect_at);
        self.album.poll_timeout().into_iter().chain(inspected).min()
    }

    /// Returns whether the program has anything to show.
    pub(super) fn shows(&self) -> bool {
        let warms_up = !self.was_live && self.played_in.has_stand_in(Occasion::WarmUp);
        !self.stage.is_empty() || self.played_in.is_playing() || warms_up
    }

    /// Puts into the picture what is played in now.
    pub(super) fn draw_played_in(&mut self) {
        let occasion = match (self.stage.is_empty() || self.is_away, self.was_live) {
            (false, _) => None,
            (true, false) => Some(Occasion::WarmUp),
            (true, true) => Some(Occasion::Away),
        };
        self.played_in.set_needed(occasion.filter(|_| self.demand.is_wanted()));
        let stand_in = occasion.map_or(StandIn::Slate, |when| self.played_in.stand_in(when));
        let transition = self.played_in.take_transition();
        self.layout.set_played_in(self.played_in.tiles(), stand_in, transition);
        self.played_in.handle_drawn(self.layout.scene().revision);
    }
}
