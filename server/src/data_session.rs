//! Members who come over the data channels of their WHEP session. Opening `ctl` is joining; what
//! they hear is the same text that WebSocket sessions get, on the channel of its lane. What surprises:
//! money never comes up this way, because a data channel's peer has no session to come back to.

use std::time::Duration;

use bytes::Bytes;
use room_rules::{Command, ServerTime, TalkCommand};
use sfu::{Channel, PeerId, Sfu};
use signaling::{Delivery, Ending, Outbox, OutboxLimits, OutboxReader, RateLimit, Refused};
use wire_format::{ClientMessage, Code, Lane, encode_ack, encode_err, encode_pong, encode_welcome};

use crate::peers::{DataSession, Purpose};
use crate::room_task::RoomTask;

/// A media worker whose queue stays full for a second is beyond waiting for.
const SEND_TRIES: u32 = 100;
const SEND_PAUSE: Duration = Duration::from_millis(10);

impl RoomTask {
    /// Lets the owner of `peer` join once its `ctl` channel is open.
    pub(crate) fn open_data_session(&mut self, peer: PeerId, channel: Channel, now: ServerTime) {
        if channel != Channel::Ctl {
            return;
        }
        let Some(entry) = self.media.peer(peer) else { return };
        if entry.session.is_some() || !matches!(entry.purpose, Purpose::Play(_)) {
            return;
        }
        let session = self.parts.sessions.next();
        let (outbox, reader) = signaling::outbox(OutboxLimits::default());
        let member = entry.member.clone();
        let snapshot = self.room.handle_join(session, member.clone(), now);
        if snapshot.is_ok() {
            entry.session = Some(DataSession { id: session, limit: RateLimit::new() });
        }
        self.hold_effects();
        self.once_durable(move |task, durable| {
            match durable.and(snapshot.map_err(Refused::from)) {
                Ok(snapshot) => {
                    outbox.push(Lane::Control, encode_welcome(&snapshot).into());
                    if let Some(speaker) = task.speaker_now(now) {
                        outbox.push(Lane::Chat, speaker.into());
                    }
                    task.enter_session(session, member, outbox);
                }
                Err(refused) => {
                    refuse(&outbox, None, refused.code, &refused.message, now);
                    outbox.end(Ending::Left);
                }
            }
        });
        self.parts.tasks.spawn(deliver(reader, self.parts.sfu.clone(), peer));
    }

    /// Takes what a member says on a data channel.
    pub(crate) fn handle_data(&mut self, peer: PeerId, text: &Bytes, now: ServerTime) {
        let Some(session) = self.media.peer(peer).and_then(|peer| peer.session.as_mut()) else {
            return;
        };
        // A session whose answer waits for the disk is not told of anything yet.
        let Some(outbox) = self.sessions.outbox(session.id).cloned() else { return };
        match ClientMessage::decode(text) {
            Ok(ClientMessage::ClockPing { c0 }) => {
                if session.limit.allows_clock() {
                    let millis = self.parts.clock.now_millis();
                    outbox.push_clock(encode_pong(&c0, millis, millis).into());
                }
            }
            Ok(ClientMessage::Command { rid, command }) => {
                let id = session.id;
                let answer = if !may_come_up(&command) {
                    Err(Refused::new(Code::Forbidden, "this goes up on WebSocket or HTTP"))
                } else if self.parts.hooks.concerns(&command) {
                    // Whoever must agree is asked where nobody else waits meanwhile.
                    Err(Refused::new(Code::Forbidden, "chat goes up on WebSocket or HTTP here"))
                } else if !session.limit.allows(&command) {
                    Err(Refused::new(Code::RateLimited, "too many requests"))
                } else {
                    self.command(id, command, now)
                };
                self.once_durable(move |_, durable| match durable.and(answer) {
                    Ok(reply) => {
                        let text = encode_ack(rid.as_deref(), &reply, now);
                        outbox.push(Lane::Control, text.into());
                    }
                    Err(refused) => {
                        refuse(&outbox, rid.as_deref(), refused.code, &refused.message, now);
                    }
                });
            }
            Ok(
                ClientMessage::Hello { rid, .. }
                | ClientMessage::Resync { rid, .. }
                | ClientMessage::MeAck { rid, .. }
                | ClientMessage::Carrier { rid, .. }
                | ClientMessage::Fired { rid, .. },
            ) => {
                refuse(&outbox, rid.as_deref(), Code::BadRequest, "you are in already", now);
            }
            Err(error) if session.limit.allows_mistake() => {
                refuse(&outbox, error.rid.as_deref(), error.code, &error.message, now);
            }
            // Nobody is owed an answer to a flood of nonsense.
            Err(_) => {}
        }
    }
}

fn refuse(outbox: &Outbox, rid: Option<&str>, code: Code, message: &str, now: ServerTime) {
    outbox.push(Lane::Control, encode_err(rid, code, message, now).into());
}

const fn may_come_up(command: &Command) -> bool {
    if let Command::Talk(command) = command {
        return command.is_line() || matches!(command, TalkCommand::Ask(_));
    }
    matches!(command, Command::ChatSend(_) | Command::Like(_))
}

/// Carries what is in the outbox to the peer's channels until the session ends.
async fn deliver(mut outbox: OutboxReader, sfu: Sfu, peer: PeerId) {
    loop {
        match outbox.next().await {
            Delivery::Message(lane, text) => {
                let text = Bytes::from(text);
                let is_delivered = match lane {
                    Lane::Control | Lane::Gift => send(&sfu, peer, channel_of(lane), text).await,
                    // A worker without room has counted it; the next one says more anyway.
                    Lane::Chat | Lane::Ambient => {
                        let _ = sfu.send_data(peer, channel_of(lane), text);
                        true
                    }
                };
                if !is_delivered {
                    sfu.close(peer).await;
                    return;
                }
            }
            Delivery::Clock(text) => {
                // A clock answer that is late is worth nothing.
                let _ = sfu.send_data(peer, Channel::Clk, Bytes::from(text));
            }
            Delivery::End(Ending::Left) => return,
            Delivery::End(
                Ending::TooSlow
                | Ending::Superseded
                | Ending::Banned
                | Ending::RoomEnded
                | Ending::RoomFailed
                | Ending::Draining,
            ) => {
                sfu.close(peer).await;
                return;
            }
        }
    }
}

/// Sends what must not be lost, with patience for a worker that is busy; false if it stays so.
async fn send(sfu: &Sfu, peer: PeerId, channel: Channel, text: Bytes) -> bool {
    for _ in 0..SEND_TRIES {
        if sfu.send_data(peer, channel, text.clone()).is_ok() {
            return true;
        }
        tokio::time::sleep(SEND_PAUSE).await;
    }
    false
}

const fn channel_of(lane: Lane) -> Channel {
    match lane {
        Lane::Control => Channel::Ctl,
        Lane::Gift => Channel::Gift,
        Lane::Chat => Channel::Chat,
        Lane::Ambient => Channel::React,
    }
}
