//! A room that gives plain answers and remembers who is in it.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use room_rules::{
    ChatId, Command, Member, OrderId, OrderPlaced, Reactions, Rejected, Reply, RoomId, RoomState,
    RoomView, ServerTime, SessionId, Snapshot, Title, Watermarks,
};
use signaling::{
    Created, Directory, Ending, Lobby, MediaId, MediaSession, Outbox, Refused, RoomHandle,
    RoomRequest,
};
use tokio::sync::mpsc;
use wire_format::{Code, Lane, Target, TargetState};

/// The sessions that are in a room, for a test to look at and to push to.
pub(crate) type Sessions = Arc<Mutex<Vec<(SessionId, Outbox)>>>;

/// Answers requests until a member ends the room.
pub(crate) async fn run(id: RoomId, mut inbox: mpsc::Receiver<RoomRequest>, sessions: Sessions) {
    while let Some(request) = inbox.recv().await {
        match request {
            RoomRequest::Join { session, member, outbox, reply } => {
                outbox.push(Lane::Gift, "after the snapshot".into());
                sessions.lock().unwrap().push((session, outbox));
                let _ = reply.send(Ok(snapshot(&id, member)));
            }
            RoomRequest::Leave { session } => {
                sessions.lock().unwrap().retain(|(other, _)| *other != session);
            }
            RoomRequest::Command { command: Command::RoomEnd, reply, .. } => {
                let _ = reply.send(Ok(Reply::Done));
                for (_, outbox) in sessions.lock().unwrap().iter() {
                    outbox.push(Lane::Control, "last event".into());
                    outbox.end(Ending::RoomEnded);
                }
                return;
            }
            RoomRequest::Command { command, reply, .. } => {
                let _ = reply.send(command_reply(&command).map_err(Refused::from));
            }
            RoomRequest::Order { order, reply, .. } => {
                let decision = if order.idem.as_str() == "early" {
                    Err(Rejected::NotOpen { opens_in_ms: 1 }.into())
                } else {
                    Ok(OrderPlaced {
                        order: OrderId::parse("o-1").unwrap(),
                        seq: 17,
                        sale: order.sale,
                        quantity: order.quantity,
                        stock: 83,
                    })
                };
                let _ = reply.send(decision);
            }
            RoomRequest::Describe { reply } => drop(reply.send(Ok(view(&id)))),
            RoomRequest::Publish { offer, reply, .. } => drop(reply.send(answer(&offer))),
            RoomRequest::Play { feed, offer, reply, .. } => {
                let refused = Refused::new(Code::NotFound, "there is no such feed on the stage");
                let on_stage = feed.is_none_or(|feed| feed.as_str() == "a/alice");
                let _ = reply.send(if on_stage { answer(&offer) } else { Err(refused) });
            }
            RoomRequest::Trickle { id, reply, .. } | RoomRequest::ClosePeer { id, reply, .. } => {
                let known = id == MediaId(7);
                let refused = Refused::new(Code::NotFound, "there is no such media session");
                let _ = reply.send(known.then_some(()).ok_or(refused));
            }
            RoomRequest::AddTarget { url, reply, .. } => {
                assert!(!format!("{url:?}").contains("secret-key"));
                let _ = reply.send(Ok(target()));
            }
            RoomRequest::ListTargets { reply } => drop(reply.send(Ok(vec![target()]))),
            RoomRequest::RemoveTarget { reply, .. } | RoomRequest::End { reply, .. } => {
                let _ = reply.send(Ok(()));
            }
            RoomRequest::Peer { .. } => {}
        }
    }
}

/// Makes rooms that give plain answers.
pub(crate) struct TestLobby {
    pub(crate) directory: Directory,
}

impl Lobby for TestLobby {
    fn create(
        &self,
        room: RoomId,
        _title: Title,
        _member: Member,
    ) -> BoxFuture<'_, Result<Created, Refused>> {
        async move {
            let (handle, inbox) = RoomHandle::new(room.clone(), 16);
            let (handle, is_new) = self.directory.enter(handle);
            if !is_new {
                return Ok(Created::Existing(handle));
            }
            tokio::spawn(run(room, inbox, Sessions::default()));
            Ok(Created::New(handle))
        }
        .boxed()
    }
}

fn command_reply(command: &Command) -> Result<Reply, Rejected> {
    match command {
        Command::ChatSend(_) => Ok(Reply::Chat { id: ChatId::parse("c-1").unwrap() }),
        Command::SeatApply => Err(Rejected::SeatTaken),
        _ => Ok(Reply::Done),
    }
}

fn answer(offer: &str) -> Result<MediaSession, Refused> {
    if !offer.starts_with("v=0") {
        return Err(Refused::new(Code::BadRequest, "the offer is not SDP"));
    }
    Ok(MediaSession { id: MediaId(7), answer: "v=0 answer".into(), etag: "e7".into() })
}

fn target() -> Target {
    Target {
        id: "t1".into(),
        url: "rtmp://cdn/app/***".into(),
        state: TargetState::Connecting,
        attempts: 1,
        error: None,
    }
}

fn snapshot(room: &RoomId, you: Member) -> Snapshot {
    Snapshot {
        room: room.clone(),
        title: "Test".into(),
        state: RoomState::Created,
        you,
        seats: Vec::new(),
        stage: Vec::new(),
        battle: None,
        sales: Vec::new(),
        countdowns: Vec::new(),
        chat: Vec::new(),
        reactions: Reactions::default(),
        at: ServerTime::from_unix_millis(1),
        watermarks: Watermarks::default(),
    }
}

fn view(room: &RoomId) -> RoomView {
    RoomView {
        room: room.clone(),
        title: "Test".into(),
        state: RoomState::Created,
        host: None,
        seats: Vec::new(),
        stage: Vec::new(),
        battle: None,
        online: 0,
    }
}
