//! One WebSocket from `hello` to its close code.
//!
//! Reading and writing run side by side in one task. The reader hands each command to the room and
//! waits for the answer before it reads on, so one client has at most one request in any room's
//! inbox; the writer takes from the outbox. Neither can make the room wait.
//!
//! ```text
//!                      ┌─hello to another room─┐
//! upgraded ──hello──▶ joined ◀────────────────┘ ──close, error, silence, overflow, room ended, shutdown──▶ over
//!     └──no hello in 5 s, another room's token──────────────────────────────────────────────────────────────▲
//! ```

use std::future;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use metrics::counter;
use room_rules::{Command, SessionId};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at};
use tracing::debug;
use wire_format::{
    ClientMessage, Code, Hello, Lane, Resync, SessionName, encode_ack, encode_done,
    encode_hello_ack, encode_pong, encode_reconnect, encode_refusal, encode_resumed,
    encode_resynced,
};

use crate::outbox::lane_name;
use crate::over::Over;
use crate::{
    Beginning, Claims, Coming, Delivery, Ending, Hearing, Outbox, OutboxReader, RateLimit, Refused,
    RoomHandle, RoomRequest, Services, Text, auth, outbox,
};

/// The last client of a server that shuts down comes back after so long.
const RECONNECT_WITHIN_MS: u64 = 5_000;

/// Messages of a session that is in no room yet: pings of the clock, and a few `hello`.
const MESSAGES_BEFORE_IN: usize = 30;

type Sink = SplitSink<WebSocket, Message>;
type Stream = SplitStream<WebSocket>;

/// One client's connection.
#[derive(Debug)]
pub(crate) struct Session {
    services: Services,
    claims: Claims,
    id: SessionId,
    rate: RateLimit,
    /// The room that was asked to let this session in, whether or not its answer arrived; two while
    /// the session moves.
    rooms: Vec<RoomHandle>,
}

impl Session {
    /// Creates the session of whoever holds `claims`.
    pub(crate) fn new(services: Services, claims: Claims) -> Self {
        let id = services.sessions.next();
        Self { services, claims, id, rate: RateLimit::new(), rooms: Vec::new() }
    }

    /// Talks to the client until it is over.
    pub(crate) async fn run(mut self, socket: WebSocket) {
        counter!("signaling_sessions_opened_total").increment(1);
        let (mut sink, mut stream) = socket.split();

        let over = self.talk(&mut sink, &mut stream).await;

        counter!("signaling_sessions_closed_total", "reason" => over.reason()).increment(1);
        debug!(session = self.id.0, reason = over.reason(), "A session is over.");
        let words = match over.last_words() {
            Some(refused) => Some(self.err(None, refused)),
            None => (over == Over::DRAINING).then(|| self.reconnect()),
        };
        // The room hears of it at once, not when a client that does not listen has been closed.
        let goodbye = async {
            for room in &self.rooms {
                room.say_goodbye(self.id).await;
            }
        };
        tokio::join!(goodbye, over.close(&mut sink, words));
    }

    async fn talk(&mut self, sink: &mut Sink, stream: &mut Stream) -> Over {
        let shutdown = self.services.shutdown.clone();
        let joined = tokio::select! {
            joined = self.join(sink, stream) => joined,
            () = shutdown.cancelled() => return Over::DRAINING,
        };
        match joined {
            Ok(joined) => self.stay_and_move(joined, sink, stream).await,
            Err(over) => over,
        }
    }

    /// Stays in one room after another.
    async fn stay_and_move(
        &mut self,
        mut joined: Joined,
        sink: &mut Sink,
        stream: &mut Stream,
    ) -> Over {
        loop {
            match self.stay(joined, sink, stream).await {
                Next::Over(over) => return over,
                Next::Room(next) => joined = *next,
            }
        }
    }

    /// Waits for a `hello` that a room agrees to. Only the client is hurried: whoever has said it and
    /// waits at the door keeps their place however long that takes.
    async fn join(&mut self, sink: &mut Sink, stream: &mut Stream) -> Result<Joined, Over> {
        let deadline = Instant::now() + self.services.limits.hello_timeout;
        for _ in 0..MESSAGES_BEFORE_IN {
            let text = timeout_at(deadline, next_text(stream, self.services.limits.dead_after));
            let text = text.await.map_err(|_| Over::NO_HELLO)??;
            let answer = match ClientMessage::decode(text.as_bytes()) {
                Ok(ClientMessage::Hello { rid, hello }) => {
                    match self.enter(hello, rid.as_deref()).await {
                        Ok(joined) => return Ok(joined),
                        Err(NotIn::Token(refused)) => return Err(Over::TOKEN.after(refused)),
                        Err(NotIn::Room(refused)) => self.err(rid.as_deref(), &refused),
                    }
                }
                Ok(ClientMessage::ClockPing { c0 }) => self.pong(&c0),
                Ok(
                    ClientMessage::Command { rid, .. }
                    | ClientMessage::Resync { rid, .. }
                    | ClientMessage::MeAck { rid, .. }
                    | ClientMessage::Carrier { rid, .. }
                    | ClientMessage::Fired { rid, .. },
                ) => {
                    let refused = Refused::new(Code::BadRequest, "the first message is hello");
                    self.err(rid.as_deref(), &refused)
                }
                Err(error) => self.err(error.rid.clone().as_deref(), &error.into()),
            };
            let sent = timeout_at(deadline, sink.send(Message::Text(answer.into()))).await;
            sent.map_err(|_| Over::NO_HELLO)?.map_err(|error| Over::of(&error))?;
        }
        Err(Over::NO_HELLO.after(Refused::too_fast()))
    }

    /// Joins a room; the one that the session is in stays as it is.
    async fn enter(&mut self, hello: Hello, rid: Option<&str>) -> Result<Joined, NotIn> {
        let Hello { room, token, resume } = hello;
        let claims = match token {
            Some(token) => auth::check(&token, &self.services).map_err(NotIn::Token)?,
            None => self.claims.clone(),
        };
        let member = claims.clone().member_of(&room).map_err(NotIn::Token)?;
        let found = self.services.directory.find(&room).ok_or_else(Refused::room_not_found);
        let room = found.map_err(NotIn::Room)?;
        room.admit(&member).await.map_err(NotIn::Room)?;
        let hooks = &self.services.hooks;
        let may_come = hooks.may_come(room.room(), &member, Coming::Join).await;
        may_come.map_err(NotIn::Room)?;

        let (outbox, inbox) = outbox(self.services.limits.outbox);
        let session = self.id;
        // From the asking on, so that the room hears of the leaving whether or not its answer arrives.
        self.rooms.push(room.clone());
        let request = |reply| {
            let outbox = outbox.clone();
            RoomRequest::Join { session, member, outbox, resume, reply }
        };
        let entered = match room.ask(request).await {
            Ok(entered) => entered,
            Err(refused) => {
                room.say_goodbye(session).await;
                self.rooms.pop();
                return Err(NotIn::Room(refused));
            }
        };
        while self.rooms.len() > 1 {
            self.rooms[0].say_goodbye(session).await;
            self.rooms.remove(0);
        }
        self.claims = claims;
        let name = SessionName { sid: entered.sid.as_str(), epoch: entered.epoch.as_str() };
        let ack = match entered.how {
            Beginning::Anew(snapshot) => encode_hello_ack(rid, name, &snapshot),
            Beginning::Resumed { missed } => {
                encode_resumed(rid, name, missed, self.services.clock.now())
            }
        };
        Ok(Joined { room, outbox, inbox, ack: ack.into() })
    }

    /// Reads and writes side by side until one of the two, or somebody else, is done.
    async fn stay(&mut self, joined: Joined, sink: &mut Sink, stream: &mut Stream) -> Next {
        let Joined { room, outbox, inbox, ack } = joined;
        let services = self.services.clone();
        let token_ends = self.claims.ends_at();
        let ping_every = services.limits.ping_every;
        Next::Over(tokio::select! {
            next = self.read(stream, &room, &outbox) => return next,
            over = write(sink, inbox, ack, ping_every) => over,
            () = services.shutdown.cancelled() => Over::DRAINING,
            () = services.clock.sleep_until(Some(token_ends)) => Over::TOKEN,
            over = end_with(&room, &outbox) => over,
        })
    }

    async fn read(&mut self, stream: &mut Stream, room: &RoomHandle, outbox: &Outbox) -> Next {
        loop {
            let text = match next_text(stream, self.services.limits.dead_after).await {
                Ok(text) => text,
                Err(over) => return Next::Over(over),
            };
            counter!("signaling_messages_received_total").increment(1);
            match ClientMessage::decode(text.as_bytes()) {
                Ok(ClientMessage::Command { rid, command }) => {
                    let answer = self.carry_out(command, rid.as_deref(), room).await;
                    outbox.push(Lane::Control, answer.into());
                }
                Ok(ClientMessage::ClockPing { c0 }) => {
                    if self.rate.allows_clock() {
                        outbox.push_clock(self.pong(&c0).into());
                    }
                }
                Ok(ClientMessage::Hello { rid, hello }) => {
                    let refused = if !self.rate.allows_mistake() {
                        Refused::too_fast()
                    } else if hello.room == *room.room() {
                        Refused::new(Code::Conflict, "this session has joined already")
                    } else {
                        match self.enter(hello, rid.as_deref()).await {
                            Ok(joined) => return Next::Room(Box::new(joined)),
                            Err(NotIn::Token(refused) | NotIn::Room(refused)) => refused,
                        }
                    };
                    outbox.push(Lane::Control, self.err(rid.as_deref(), &refused).into());
                }
                Ok(ClientMessage::Resync { rid, resync }) => {
                    let answer = self.resync(resync, rid.as_deref(), room).await;
                    outbox.push(Lane::Control, answer.into());
                }
                Ok(ClientMessage::MeAck { rid, q }) => {
                    self.tell(Hearing::MeAck(q), rid.as_deref(), room, outbox);
                }
                Ok(ClientMessage::Fired { rid, fired }) => {
                    self.tell(Hearing::Fired(fired), rid.as_deref(), room, outbox);
                }
                Ok(ClientMessage::Carrier { rid, by_data_channel }) => {
                    let hearing = Hearing::Carrier { by_data_channel };
                    self.tell(hearing, rid.as_deref(), room, outbox);
                }
                Err(error) => {
                    let rid = error.rid.clone();
                    let refused = if self.rate.allows_mistake() {
                        Refused::from(error)
                    } else {
                        Refused::too_fast()
                    };
                    outbox.push(Lane::Control, self.err(rid.as_deref(), &refused).into());
                }
            }
        }
    }

    async fn carry_out(
        &mut self,
        command: Command,
        rid: Option<&str>,
        room: &RoomHandle,
    ) -> String {
        if !self.rate.allows(&command) {
            return self.err(rid, &Refused::too_fast());
        }
        let session = self.id;
        let command = match self.look(command, room).await {
            Ok(command) => command,
            Err(refused) => return self.err(rid, &refused),
        };
        match room.ask(|reply| RoomRequest::Command { session, command, reply }).await {
            Ok(reply) => encode_ack(rid, &reply, self.services.clock.now()),
            Err(refused) => self.err(rid, &refused),
        }
    }

    /// Returns the command as whoever must agree to it lets it happen. The client's next message waits
    /// meanwhile, so what one says stays in order.
    async fn look(&self, command: Command, room: &RoomHandle) -> Result<Command, Refused> {
        let hooks = &self.services.hooks;
        if !hooks.concerns(&command) {
            return Ok(command);
        }
        let member = self.claims.clone().member_of(room.room())?;
        hooks.look(room.room(), &member, command).await
    }

    async fn resync(&mut self, resync: Resync, rid: Option<&str>, room: &RoomHandle) -> String {
        if !self.rate.allows_mistake() {
            return self.err(rid, &Refused::too_fast());
        }
        let session = self.id;
        let asked = room.ask(|reply| RoomRequest::Hearing {
            session,
            hearing: Hearing::Resync { resync, reply },
        });
        match asked.await {
            Ok(missed) => encode_resynced(rid, missed, self.services.clock.now()),
            Err(refused) => self.err(rid, &refused),
        }
    }

    /// Tells the room how this session hears; only somebody who gave a `rid` hears back.
    fn tell(&mut self, hearing: Hearing, rid: Option<&str>, room: &RoomHandle, outbox: &Outbox) {
        let told = if self.rate.allows_mistake() {
            room.tell(RoomRequest::Hearing { session: self.id, hearing })
        } else {
            Err(Refused::too_fast())
        };
        let answer = match told {
            Ok(()) if rid.is_none() => return,
            Ok(()) => encode_done(rid, self.services.clock.now()),
            Err(refused) => self.err(rid, &refused),
        };
        outbox.push(Lane::Control, answer.into());
    }

    fn err(&self, rid: Option<&str>, refused: &Refused) -> String {
        counter!("signaling_messages_refused_total", "code" => refused.code.as_str()).increment(1);
        let Refused { code, message, retry_ms } = refused;
        encode_refusal(rid, *code, message, *retry_ms, self.services.clock.now())
    }

    /// Spreads the clients of a server that shuts down over five seconds.
    fn reconnect(&self) -> String {
        // The golden ratio: however many sessions there are, their places lie evenly.
        let place = self.id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let after_ms = (place * RECONNECT_WITHIN_MS) >> 32;
        let url = self.services.other_server.as_deref();
        encode_reconnect(after_ms, url, self.services.clock.now())
    }

    fn pong(&self, c0: &serde_json::Number) -> String {
        // Nothing lies between hearing and answering, so both times are the same moment.
        let now_ms = self.services.clock.now_millis();
        encode_pong(c0, now_ms, now_ms)
    }
}

/// What comes after a room.
enum Next {
    /// Nothing.
    Over(Over),
    /// Another room.
    Room(Box<Joined>),
}

/// Why a session was not let in.
enum NotIn {
    /// Its token is not good for the room.
    Token(Refused),
    /// The room is not there or says no.
    Room(Refused),
}

/// A session that a room let in.
#[derive(Debug)]
struct Joined {
    room: RoomHandle,
    outbox: Outbox,
    inbox: OutboxReader,
    /// The answer to `hello`; every event comes after it.
    ack: Text,
}

/// Returns the next text frame. A ping or pong ends the silence but says nothing.
async fn next_text(stream: &mut Stream, dead_after: Duration) -> Result<Text, Over> {
    loop {
        let Ok(frame) = timeout(dead_after, stream.next()).await else {
            return Err(Over::DEAD);
        };
        match frame {
            Some(Ok(Message::Text(text))) => return Ok(text),
            Some(Ok(Message::Binary(_))) => return Err(Over::binary()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(frame))) => return Err(Over::by_client(frame.as_ref())),
            None => return Err(Over::LEFT),
            Some(Err(error)) => return Err(Over::of(&error)),
        }
    }
}

/// Writes what the room says, strongest lane first, and pings in between.
async fn write(sink: &mut Sink, mut inbox: OutboxReader, ack: Text, ping_every: Duration) -> Over {
    let mut pings = interval_at(Instant::now() + ping_every, ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut message = Message::Text(ack);
    loop {
        tokio::select! {
            sent = sink.send(message) => if let Err(error) = sent {
                return Over::of(&error);
            },
            ending = inbox.cut() => return ending.into(),
        }
        message = tokio::select! {
            delivery = inbox.next() => match delivery {
                Delivery::Message(lane, text) => {
                    counter!("signaling_messages_sent_total", "lane" => lane_name(lane))
                        .increment(1);
                    Message::Text(text)
                }
                Delivery::Clock(text) => Message::Text(text),
                Delivery::End(ending) => return ending.into(),
            },
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
    }
}

/// Lets the writer deliver what is left once the room is gone without having said so.
async fn end_with(room: &RoomHandle, outbox: &Outbox) -> Over {
    room.gone().await;
    outbox.end(Ending::RoomEnded);
    future::pending().await
}
