//! Rooms, a clock and the post between the rooms, all in memory. Nothing happens by itself: time
//! moves only through [`World::run_until`], and stops at every deadline on the way.

#![allow(dead_code, reason = "each test file uses its own part of the world")]

mod samples;

use std::collections::{BTreeMap, VecDeque};

use room_rules::{
    Areas, AuctionCommand, AuctionId, AuctionOffer, AuctionReply, BattleTerms, Command, Decided,
    Effect, EndReason, Event, EventBody, Input, MediaChange, Member, ModerationNews, PeerMessage,
    PkCommand, PkId, Rejected, Reply, Role, Room, RoomId, RoomSettings, SaleId, ServerTime,
    SessionId, ShopCommand, ShopReply, Silence, Snapshot, Title, UserId, Whisper,
};

#[allow(unused_imports, reason = "each test file asks for other things")]
pub(crate) use samples::{
    amount, auction_offer, bid, chat, coupons, gift, idem, lottery, offer, order, packet, product,
    quiz, terms,
};

/// When every world begins.
pub(crate) const DAWN: u64 = 1_790_000_000_000;

pub(crate) struct World {
    pub(crate) now: u64,
    rooms: BTreeMap<RoomId, Room>,
    members: BTreeMap<SessionId, (RoomId, Member)>,
    /// Everything that was broadcast, oldest first.
    pub(crate) events: Vec<(RoomId, Event)>,
    /// Everything that one user was told, oldest first.
    pub(crate) personal: Vec<(RoomId, UserId, Event)>,
    /// Who was told to stop publishing.
    pub(crate) unpublished: Vec<(RoomId, UserId)>,
    /// Whose media is dropped, as the shell was told.
    pub(crate) silenced: Vec<(RoomId, UserId, Silence)>,
    pub(crate) expelled: Vec<(RoomId, UserId)>,
    pub(crate) staff_news: Vec<(RoomId, ModerationNews)>,
    pub(crate) whispers: Vec<(RoomId, Whisper)>,
    pub(crate) stage_changes: usize,
    pub(crate) ended: Vec<(RoomId, EndReason)>,
    post: VecDeque<(RoomId, RoomId, PeerMessage)>,
    /// While false, the post between rooms piles up.
    pub(crate) post_runs: bool,
    sessions: u64,
    /// What each room would find in its ledger.
    pub(crate) journals: BTreeMap<RoomId, Vec<Row>>,
}

/// One row of a journal.
pub(crate) struct Row {
    pub(crate) at: ServerTime,
    pub(crate) input: Input,
    pub(crate) reply: Reply,
}

impl World {
    pub(crate) fn new(rooms: &[&str]) -> Self {
        let open = |name: &&str| {
            let id = room(name);
            let made = Room::new(id.clone(), &title(name), RoomSettings::default(), at(DAWN));
            (id, made)
        };
        Self {
            now: DAWN,
            rooms: rooms.iter().map(open).collect(),
            members: BTreeMap::new(),
            events: Vec::new(),
            personal: Vec::new(),
            unpublished: Vec::new(),
            silenced: Vec::new(),
            expelled: Vec::new(),
            staff_news: Vec::new(),
            whispers: Vec::new(),
            stage_changes: 0,
            ended: Vec::new(),
            post: VecDeque::new(),
            post_runs: true,
            sessions: 0,
            journals: BTreeMap::new(),
        }
    }

    /// Two rooms, `a` with host `alice` and `b` with host `ben`, both on air; returns both hosts'
    /// sessions.
    pub(crate) fn two_live_rooms() -> (Self, SessionId, SessionId) {
        let mut world = Self::new(&["a", "b"]);
        let alice = world.live_host("a", "alice");
        let ben = world.live_host("b", "ben");
        (world, alice, ben)
    }

    pub(crate) fn live_host(&mut self, in_room: &str, name: &str) -> SessionId {
        let session = self.join(in_room, name, Role::Host);
        self.may_publish(in_room, name, Role::Host).unwrap();
        self.media(in_room, name, MediaChange::Started);
        session
    }

    pub(crate) fn join(&mut self, in_room: &str, name: &str, role: Role) -> SessionId {
        let session = self.next_session();
        self.join_as(session, in_room, name, role).unwrap();
        session
    }

    pub(crate) fn next_session(&mut self) -> SessionId {
        self.sessions += 1;
        SessionId(self.sessions)
    }

    pub(crate) fn join_as(
        &mut self,
        session: SessionId,
        in_room: &str,
        name: &str,
        role: Role,
    ) -> Result<Snapshot, Rejected> {
        let now = at(self.now);
        let joined = member(name, role);
        let snapshot = self.room_mut(in_room).handle_join(session, joined.clone(), now)?;
        self.members.insert(session, (room(in_room), joined));
        self.drain();
        Ok(snapshot)
    }

    pub(crate) fn leave(&mut self, session: SessionId) {
        let now = at(self.now);
        let (in_room, _) = self.members.remove(&session).unwrap();
        let input = self.rooms.get_mut(&in_room).unwrap().handle_leave(session, now);
        if let Some(input) = input {
            self.input(&in_room, &input).unwrap();
        }
        self.drain();
    }

    pub(crate) fn command(
        &mut self,
        session: SessionId,
        command: Command,
    ) -> Result<Reply, Rejected> {
        let (in_room, _) = self.members[&session].clone();
        let input = self.rooms[&in_room].command_of(session, command)?;
        let decided = self.input(&in_room, &input);
        self.drain();
        decided.map(Decided::into_reply)
    }

    /// Hands an input in and keeps the journal.
    fn input(&mut self, in_room: &RoomId, input: &Input) -> Result<Decided, Rejected> {
        let now = at(self.now);
        let decided = self.rooms.get_mut(in_room).unwrap().handle_input(input, now);
        if let Ok(Decided::Fresh(reply)) = &decided
            && input.is_durable()
        {
            let row = Row { at: now, input: input.clone(), reply: reply.clone() };
            self.journals.entry(in_room.clone()).or_default().push(row);
        }
        decided
    }

    pub(crate) fn command_by(
        &mut self,
        in_room: &str,
        name: &str,
        role: Role,
        command: Command,
    ) -> Result<Reply, Rejected> {
        let input = self.room(in_room).command_by(member(name, role), command);
        let decided = self.input(&room(in_room), &input);
        self.drain();
        decided.map(Decided::into_reply)
    }

    pub(crate) fn may_publish(
        &mut self,
        in_room: &str,
        name: &str,
        role: Role,
    ) -> Result<(), Rejected> {
        let answer = self.input(&room(in_room), &Input::Publish { by: member(name, role) });
        self.drain();
        answer.map(|_| ())
    }

    pub(crate) fn media(&mut self, in_room: &str, name: &str, change: MediaChange) {
        self.input(&room(in_room), &Input::Media { user: user(name), change }).unwrap();
        self.drain();
    }

    /// Returns the room as its journal makes it anew, and what it told meanwhile. Its timeouts are
    /// called at other moments than those of the room itself.
    pub(crate) fn replay(&self, name: &str, rng: &mut fastrand::Rng) -> (Room, Vec<Event>) {
        let id = room(name);
        let mut replayed = Room::new(id.clone(), &title(name), RoomSettings::default(), at(DAWN));
        let mut events = Vec::new();
        for row in self.journals.get(&id).into_iter().flatten() {
            if rng.u8(0..4) == 0 {
                let late =
                    row.at.unix_millis() - rng.u64(0..2_000).min(row.at.unix_millis() - DAWN);
                replayed.handle_timeout(at(late));
            }
            let text = serde_json::to_string(&row.input).unwrap();
            let input: Input = serde_json::from_str(&text).unwrap();
            assert_eq!(input, row.input);
            let decided = replayed.handle_input(&input, row.at);
            assert_eq!(decided, Ok(Decided::Fresh(row.reply.clone())), "{text}");
            let text = serde_json::to_string(&row.reply).unwrap();
            assert_eq!(serde_json::from_str::<Reply>(&text).unwrap(), row.reply);
            events.extend(broadcasts(&mut replayed));
        }
        replayed.handle_timeout(at(self.now));
        events.extend(broadcasts(&mut replayed));
        (replayed, events)
    }

    /// Kills the process of a room and starts it again from its journal; everybody comes back.
    pub(crate) fn crash(&mut self, name: &str, rng: &mut fastrand::Rng) {
        let (replayed, _) = self.replay(name, rng);
        let id = room(name);
        self.rooms.insert(id.clone(), replayed);
        self.input(&id, &Input::Restarted).unwrap();
        self.drain();
        let there = self.members.iter().filter(|(_, (in_room, _))| *in_room == id);
        let there: Vec<_> =
            there.map(|(session, (_, member))| (*session, member.clone())).collect();
        for (session, member) in there {
            let now = at(self.now);
            // A room that is over lets nobody in.
            let _ = self.room_mut(name).handle_join(session, member, now);
        }
        self.drain();
    }

    /// Takes a room away, as if its server were gone.
    pub(crate) fn lose_room(&mut self, name: &str) {
        self.rooms.remove(&room(name)).unwrap();
    }

    pub(crate) fn room(&self, name: &str) -> &Room {
        &self.rooms[&room(name)]
    }

    pub(crate) fn room_mut(&mut self, name: &str) -> &mut Room {
        self.rooms.get_mut(&room(name)).unwrap()
    }

    pub(crate) fn run_for(&mut self, millis: u64) {
        self.run_until(self.now + millis);
    }

    /// Moves time to `until`, stopping at every deadline of every room.
    pub(crate) fn run_until(&mut self, until: u64) {
        let mut stops = 0;
        while let Some(due) =
            self.rooms.values().filter_map(Room::poll_timeout).min().map(ServerTime::unix_millis)
            && due <= until
        {
            stops += 1;
            assert!(stops < 100_000, "a deadline that does not go away: {due}");
            self.now = self.now.max(due);
            let now = at(self.now);
            for room in self.rooms.values_mut() {
                room.handle_timeout(now);
            }
            self.drain();
        }
        self.now = until;
    }

    /// Carries out what the rooms said, and delivers their post if it runs.
    pub(crate) fn drain(&mut self) {
        loop {
            let mut to_keep = Vec::new();
            for (id, room) in &mut self.rooms {
                while let Some(effect) = room.poll_effect() {
                    match effect {
                        Effect::Broadcast(event) => self.events.push((id.clone(), event)),
                        Effect::ToUser { user, event } => {
                            self.personal.push((id.clone(), user, event));
                        }
                        Effect::ToRoom { room: to, message } => {
                            self.post.push_back((id.clone(), to, message));
                        }
                        Effect::StageChanged => self.stage_changes += 1,
                        Effect::Unpublish(user) => self.unpublished.push((id.clone(), user)),
                        Effect::Silence { user, silence } => {
                            self.silenced.push((id.clone(), user, silence));
                        }
                        Effect::Expel(user) => self.expelled.push((id.clone(), user)),
                        Effect::ToStaff(news) => self.staff_news.push((id.clone(), news)),
                        Effect::Keep => {
                            to_keep.extend(room.unkept().map(|kept| (id.clone(), kept)))
                        }
                        Effect::Whisper(whisper) => self.whispers.push((id.clone(), whisper)),
                        Effect::Ended(reason) => self.ended.push((id.clone(), reason)),
                    }
                }
            }
            for (id, kept) in to_keep {
                self.input(&id, &kept).unwrap();
            }
            if !self.post_runs {
                return;
            }
            let Some((from, to, message)) = self.post.pop_front() else { return };
            self.deliver(from, to, message);
        }
    }

    /// Loses one letter that is on its way, chosen by `nth`.
    pub(crate) fn lose_letter(&mut self, nth: usize) {
        if !self.post.is_empty() {
            let at = nth % self.post.len();
            self.post.remove(at);
        }
    }

    /// Delivers one letter a second time.
    pub(crate) fn repeat_letter(&mut self, nth: usize) {
        if !self.post.is_empty() {
            let at = nth % self.post.len();
            let letter = self.post[at].clone();
            self.post.push_back(letter);
        }
    }

    /// Takes the letters that are on their way.
    pub(crate) fn take_post(&mut self) -> Vec<(RoomId, RoomId, PeerMessage)> {
        self.post.drain(..).collect()
    }

    pub(crate) fn deliver(&mut self, from: RoomId, to: RoomId, message: PeerMessage) {
        match self.rooms.get(&to) {
            Some(_) => drop(self.input(&to, &Input::Letter { from, message }).unwrap()),
            None if message == PeerMessage::Unreachable => {}
            None => self.post.push_back((to, from, PeerMessage::Unreachable)),
        }
    }

    /// Everything that `room` broadcast.
    pub(crate) fn told(&self, name: &str) -> Vec<&EventBody> {
        let id = room(name);
        self.events.iter().filter(|(room, _)| *room == id).map(|(_, event)| &event.body).collect()
    }

    pub(crate) fn stage_of(&self, name: &str) -> Vec<String> {
        let feed = |on: &room_rules::Performer| format!("{}/{}", on.room, on.user);
        self.room(name).stage().iter().map(feed).collect()
    }

    /// Starts a battle of `a` against `b` and runs to the moment gifts begin to score.
    pub(crate) fn start_battle(
        &mut self,
        alice: SessionId,
        ben: SessionId,
        terms: BattleTerms,
    ) -> PkId {
        let pk = self.invite(alice, "b", terms);
        self.command(ben, Command::Pk(PkCommand::Accept(pk.clone()))).unwrap();
        self.run_for(3_000);
        pk
    }

    pub(crate) fn invite(&mut self, host: SessionId, other: &str, terms: BattleTerms) -> PkId {
        match self
            .command(host, Command::Pk(PkCommand::Invite { rooms: room(other).into(), terms }))
            .unwrap()
        {
            Reply::Pk { pk } => pk,
            other => panic!("not an invitation: {other:?}"),
        }
    }

    pub(crate) fn auction(&mut self, host: SessionId, offer: AuctionOffer) -> AuctionId {
        let open = Command::Shop(ShopCommand::Auction(AuctionCommand::Open(Box::new(offer))));
        match self.command(host, open).unwrap() {
            Reply::Shop(ShopReply::Auction(AuctionReply::Opened { auction, .. })) => auction,
            other => panic!("not an auction: {other:?}"),
        }
    }

    pub(crate) fn announce(&mut self, host: SessionId, stock: u32, per_user: u32) -> SaleId {
        match self.command(host, Command::SaleAnnounce(offer(stock, per_user))).unwrap() {
            Reply::Sale { sale, .. } => sale,
            other => panic!("not a sale: {other:?}"),
        }
    }
}

fn broadcasts(room: &mut Room) -> Vec<Event> {
    let effects = std::iter::from_fn(|| room.poll_effect());
    let event = |effect| if let Effect::Broadcast(event) = effect { Some(event) } else { None };
    effects.filter_map(event).collect()
}

pub(crate) fn at(millis: u64) -> ServerTime {
    ServerTime::from_unix_millis(millis)
}

pub(crate) fn room(name: &str) -> RoomId {
    RoomId::parse(name).unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(crate) fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}

pub(crate) fn member(name: &str, role: Role) -> Member {
    Member { user: user(name), name: name.to_uppercase().into(), role, caps: Areas::ALL }
}
