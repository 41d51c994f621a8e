//! The sessions of one room, by whatever carrier they came.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;

use room_rules::{
    ChatId, ChatLine, Event, EventBody, Member, ServerTime, SessionId, Stream, TalkEvent, UserId,
};
use signaling::{Ending, Outbox, Text};
use wire_format::{Lane, Participant, Participants, encode_event};

use crate::event_rings::EventRings;
use crate::fan_out::{ChatFan, Line, live_frames};
use crate::gauge::Counted;
use crate::sids::Sids;

/// More than wait and are kept for who comes back, together.
const SAID: usize = 128;

/// Where each session takes its messages, and what they were told lately.
#[derive(Debug)]
pub(crate) struct Sessions {
    all: HashMap<SessionId, Session>,
    /// A rush of orders is answered user by user, and lists are read page by page: neither must take a
    /// look at everybody each time.
    by_user: BTreeMap<UserId, Vec<SessionId>>,
    pub(crate) sids: Sids,
    rings: EventRings,
    chat: ChatFan,
    /// Whose the last lines are, as many as may be shown still. Full: the oldest is forgotten.
    said: VecDeque<(u64, ChatId, UserId)>,
}

#[derive(Debug)]
struct Session {
    member: Member,
    outbox: Outbox,
    /// Data channels bring it everything but what must not be lost.
    by_data_channel: bool,
    _counted: Counted,
}

impl Session {
    fn push(&self, lane: Lane, text: Text) {
        match lane {
            Lane::Gift | Lane::Chat | Lane::Ambient if self.by_data_channel => {}
            Lane::Control | Lane::Gift | Lane::Chat | Lane::Ambient => self.outbox.push(lane, text),
        }
    }
}

impl Sessions {
    /// Creates the sessions of a room that has told what is in `rings`.
    pub(crate) fn new(rings: EventRings, sids: Sids) -> Self {
        Self {
            all: HashMap::new(),
            by_user: BTreeMap::new(),
            sids,
            rings,
            chat: ChatFan::new(),
            said: VecDeque::new(),
        }
    }

    /// Enters a session; one that is there already gets its new outbox. Returns whether its user was not
    /// here before.
    pub(crate) fn insert(&mut self, session: SessionId, member: Member, outbox: Outbox) -> bool {
        let is_new = !self.by_user.contains_key(&member.user);
        self.take_out(session);
        self.by_user.entry(member.user.clone()).or_default().push(session);
        let counted = Counted::new("server_members");
        self.all
            .insert(session, Session { member, outbox, by_data_channel: false, _counted: counted });
        is_new
    }

    /// Takes a session out; an unknown one is ignored. It may come back for a while. Returns its user if
    /// it was their last.
    pub(crate) fn remove(&mut self, session: SessionId, now: ServerTime) -> Option<UserId> {
        self.sids.handle_leave(session, now);
        self.take_out(session)
    }

    fn take_out(&mut self, session: SessionId) -> Option<UserId> {
        let gone = self.all.remove(&session)?;
        let theirs = self.by_user.get_mut(&gone.member.user).expect("every session has a user");
        theirs.retain(|id| *id != session);
        if theirs.is_empty() {
            self.by_user.remove(&gone.member.user);
            return Some(gone.member.user);
        }
        None
    }

    /// Returns up to `count` of those who are here, by name, from whoever follows `after`.
    pub(crate) fn participants(&self, after: Option<&UserId>, count: usize) -> Participants {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut users = self.by_user.range::<UserId, _>((from, Bound::Unbounded));
        let page = users.by_ref().take(count).map(|(user, sessions)| {
            let newest = sessions.last().expect("who is here has a session");
            let member = &self.all[newest].member;
            Participant {
                user: user.to_string(),
                name: member.name.to_string(),
                role: member.role.as_str(),
                sessions: sessions.len(),
            }
        });
        let page = page.collect();
        Participants { page, online: self.by_user.len(), has_more: users.next().is_some() }
    }

    /// Returns whose session it is.
    pub(crate) fn user(&self, session: SessionId) -> Option<&UserId> {
        self.all.get(&session).map(|session| &session.member.user)
    }

    /// Returns the outbox of `session`.
    pub(crate) fn outbox(&self, session: SessionId) -> Option<&Outbox> {
        self.all.get(&session).map(|session| &session.outbox)
    }

    /// Takes that data channels bring a session's gifts, chat and reactions, or do not any more.
    pub(crate) fn set_carrier(&mut self, session: SessionId, by_data_channel: bool) {
        if let Some(session) = self.all.get_mut(&session) {
            session.by_data_channel = by_data_channel;
        }
    }

    /// Tells every session of an event, encoded once, at once or in the next frame of its stream.
    pub(crate) fn tell(&mut self, event: &Event, now: ServerTime) {
        let (stream, q) = (event.body.stream(), event.sequence);
        let line = Line { q, text: encode_event(event).into() };
        self.forget(&event.body);
        if let EventBody::Chat(said) = &event.body {
            self.remember(q, said);
            let shed = self.chat.push(&said.user, said.role, line, now);
            if let Some((user, line)) = shed {
                metrics::counter!("server_chat_lines_shed_total").increment(1);
                self.push_user(Lane::Chat, &user, &line.text);
            }
        } else {
            self.send(stream, &[line], now);
        }
    }

    fn remember(&mut self, q: u64, line: &ChatLine) {
        if self.said.len() == SAID {
            self.said.pop_front();
        }
        self.said.push_back((q, line.id.clone(), line.user.clone()));
    }

    /// Takes back what waits to be shown, or would be shown to who comes back, of lines that are gone.
    fn forget(&mut self, event: &EventBody) {
        let EventBody::Talk(event) = event else { return };
        let is_gone = |(_, id, user): &(u64, ChatId, UserId)| match event {
            TalkEvent::Deleted(gone) => id == gone,
            TalkEvent::Wiped(gone) => user == gone,
            TalkEvent::Question(_) | TalkEvent::QuestionGone(_) => false,
        };
        let gone: Vec<u64> =
            self.said.iter().filter(|said| is_gone(said)).map(|(q, ..)| *q).collect();
        self.said.retain(|said| !is_gone(said));
        self.rings.forget(Stream::Chat, &gone);
        self.chat.forget(&gone);
    }

    /// Sends the frames that are due.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime) {
        let lines = self.chat.handle_timeout(now);
        self.send(Stream::Chat, &lines, now);
    }

    /// Returns when frames are due.
    pub(crate) const fn poll_timeout(&self) -> Option<ServerTime> {
        self.chat.poll_timeout()
    }

    /// Returns what was told on a stream after event `after`; `None` if that is not known any more.
    pub(crate) fn missed(&self, stream: Stream, after: u64, now: ServerTime) -> Option<Vec<Line>> {
        let missed = self.rings.since(stream, after, now)?;
        Some(missed.map(|(q, text)| Line { q, text: text.clone() }).collect())
    }

    fn send(&mut self, stream: Stream, lines: &[Line], now: ServerTime) {
        for line in lines {
            self.rings.push(stream, line.q, line.text.clone(), now);
        }
        for frame in live_frames(stream, lines, now) {
            self.push_all(Lane::of(stream), &frame);
        }
    }

    /// Puts one message, encoded once, into every outbox.
    pub(crate) fn push_all(&self, lane: Lane, text: &Text) {
        self.push_to(lane, text, |_| true);
    }

    /// Puts one message into the outboxes of one user.
    pub(crate) fn push_user(&self, lane: Lane, user: &UserId, text: &Text) {
        for session in self.by_user.get(user).into_iter().flatten() {
            self.all[session].push(lane, text.clone());
        }
    }

    /// Puts one message, encoded once, into the outboxes of those whom it concerns.
    pub(crate) fn push_to(&self, lane: Lane, text: &Text, concerns: impl Fn(&Member) -> bool) {
        for session in self.all.values().filter(|session| concerns(&session.member)) {
            session.push(lane, text.clone());
        }
    }

    /// Ends all sessions once what was pushed is delivered.
    pub(crate) fn end_all(&self, ending: Ending) {
        for session in self.all.values() {
            session.outbox.end(ending);
        }
    }

    /// Ends the sessions of those whom it concerns, once what was pushed is delivered.
    pub(crate) fn end_those(&self, ending: Ending, concerns: impl Fn(&Member) -> bool) {
        for session in self.all.values().filter(|session| concerns(&session.member)) {
            session.outbox.end(ending);
        }
    }

    /// Returns whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
