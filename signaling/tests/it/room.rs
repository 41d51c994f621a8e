//! A room that gives plain answers and remembers who is in it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use media_rules::layout::Choice;
use media_rules::{ImageName, Scene};
use room_rules::{
    BattleTop, ChatId, Command, Contributor, Giver, Leaders, LifeId, Member, OrderId, OrderPlaced,
    OrderRequest, PkId, ProductRecord, Reactions, Rejected, Reply, RoomConfig, RoomId, RoomState,
    RoomView, SeatCommand, SeatPick, ServerTime, SessionId, SettingsView, ShopView, Snapshot, Tag,
    Tags, Title, UserId, Watermarks,
};
use signaling::{
    BackEndRequest, Beginning, Created, Directory, Ending, Entered, Hearing, IceFragment,
    IceSession, IceStep, IfMatch, LayoutRequest, Lobby, LookRequest, MediaId, MediaSession,
    Occasion, Outbox, Patched, ProgramPicture, ProgramRequest, QualityRequest, RecordingRequest,
    Refused, RoomHandle, RoomRequest, Sid,
};
use tokio::sync::mpsc;
use wire_format::{
    Code, FilmState, InsertList, InsertView, Lane, LayoutView, Participant, Participants,
    PeerEntry, PeerList, PeerReport, QualityLimits, QualityView, Recording, RecordingState, Resume,
    StandInOrder, StandInView, StatsPoint, Target, TargetState,
};

/// The only media session there is.
const SESSION: MediaId = MediaId::new(7);

/// An offer, as far as a room looks into it.
pub(crate) const OFFER: &str =
    "v=0\r\nm=audio 9 X 111\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n";

/// What every offer is answered with.
pub(crate) const ANSWER: &str = "v=0\r\na=ice-lite\r\nm=audio 9 X 111\r\na=mid:0\r\n\
    a=ice-ufrag:ours\r\na=ice-pwd:ourpassword\r\na=candidate:1 1 udp 1 127.0.0.1 7 typ host\r\n";

/// The sessions that are in a room, for a test to look at and to push to.
pub(crate) type Sessions = Arc<Mutex<Vec<(SessionId, Outbox)>>>;

/// Answers requests until a member ends the room.
pub(crate) async fn run(id: RoomId, mut inbox: mpsc::Receiver<RoomRequest>, sessions: Sessions) {
    let mut ice = IceSession::new("e7", OFFER);
    let (mut layout, mut quality) = (first_layout(), first_quality());
    while let Some(request) = inbox.recv().await {
        match request {
            RoomRequest::Join { session, member, outbox, resume, reply } => {
                outbox.push(Lane::Gift, "after the snapshot".into());
                sessions.lock().unwrap().push((session, outbox));
                let _ = reply.send(Ok(entered(&id, member, resume)));
            }
            RoomRequest::Hearing { hearing, .. } => hear(hearing),
            RoomRequest::BackEnd(request) => serve_back_end(&id, request),
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
            RoomRequest::Order { order, reply, .. } => drop(reply.send(decide(order))),
            RoomRequest::Look(look) => answer_look(&id, look),
            RoomRequest::Describe { reply } => drop(reply.send(Ok(view(&id)))),
            RoomRequest::Publish { offer, reply, .. } => drop(reply.send(answer(&offer))),
            RoomRequest::Play { feed, offer, reply, .. } => {
                let refuse = |code| Err(Refused::new(code, "this feed is not on the stage"));
                let _ = reply.send(match feed.as_ref().map(|feed| feed.as_str()) {
                    None | Some("a/alice") => answer(&offer),
                    Some(own) if own.starts_with("a/") => refuse(Code::NotLive),
                    Some(_) => refuse(Code::NotFound),
                });
            }
            RoomRequest::PatchPeer { id, condition, fragment, reply, .. } => {
                let patched = known(id).and_then(|()| patch(&mut ice, &condition, &fragment));
                let _ = reply.send(patched);
            }
            RoomRequest::FindPeer { id, reply, .. }
            | RoomRequest::PickLayer { id, reply, .. }
            | RoomRequest::ClosePeer { id, reply, .. } => {
                let _ = reply.send(known(id));
            }
            RoomRequest::ListPeers { member, reply } => {
                let _ = reply.send(Ok(PeerList { peers: vec![peer(&member)], viewers: [].into() }));
            }
            RoomRequest::ReportPeer { member, id, reply } => {
                let report = PeerReport { peer: peer(&member), stats: Vec::new() };
                let _ = reply.send(known(id).map(|()| report));
            }
            RoomRequest::Layout(request) => lay_out(&mut layout, request),
            RoomRequest::Quality(request) => improve(&mut quality, request),
            RoomRequest::Program(request) => play_in(request),
            RoomRequest::Recording(request) => record(request),
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

fn entered(id: &RoomId, member: Member, resume: Option<Box<Resume>>) -> Entered {
    let how = match resume {
        Some(resume) => Beginning::Resumed { missed: usize::try_from(resume.q.gift).unwrap() },
        None => Beginning::Anew(Box::new(snapshot(id, member))),
    };
    Entered { sid: Sid::new("s-1"), epoch: LifeId::parse("life-1").unwrap(), how }
}

fn serve_back_end(id: &RoomId, request: BackEndRequest) {
    match request {
        BackEndRequest::Ask { command, reply, .. } => {
            let _ = reply.send(command_reply(&command).map_err(Refused::from));
        }
        BackEndRequest::Look { member, reply } => drop(reply.send(Ok(snapshot(id, member)))),
        BackEndRequest::Participants { member: _, after, count, reply } => {
            let users = ["ann", "bob", "cy"].into_iter().map(str::to_owned);
            let mut page: Vec<_> = users
                .filter(|user| after.as_ref().is_none_or(|after| user.as_str() > after.as_str()))
                .map(|user| Participant { name: user.clone(), user, role: "viewer", sessions: 1 })
                .collect();
            let has_more = page.len() > count;
            page.truncate(count);
            let _ = reply.send(Ok(Participants { page, online: 3, has_more }));
        }
    }
}

fn hear(hearing: Hearing) {
    match hearing {
        Hearing::Resync { resync, reply } => {
            let expired = || Refused::new(Code::Expired, "too long ago");
            let _ = reply.send((resync.from > 10).then_some(3).ok_or_else(expired));
        }
        Hearing::MeAck(_) | Hearing::Carrier { .. } | Hearing::Fired(_) => {}
    }
}

fn first_quality() -> QualityView {
    let limits = QualityLimits { min_kbps: 150, max_kbps: 6000, renditions: Vec::new() };
    QualityView { video_kbps: 1500, renditions: Vec::new(), limits }
}

fn improve(quality: &mut QualityView, request: QualityRequest) {
    match request {
        QualityRequest::Show { reply } => drop(reply.send(Ok(quality.clone()))),
        QualityRequest::Set { choice, reply, .. } => {
            quality.video_kbps = choice.video_kbps.unwrap_or(1500);
            let _ = reply.send(Ok(quality.clone()));
        }
    }
}

fn first_layout() -> LayoutView {
    let (choice, scene) = (Choice::default(), Scene::new(7, Vec::new()));
    LayoutView { choice, scene, preset: None, canvas: (720, 1280) }
}

fn lay_out(layout: &mut LayoutView, request: LayoutRequest) {
    match request {
        LayoutRequest::Show { reply } => drop(reply.send(Ok(layout.clone()))),
        LayoutRequest::Set { choice, condition, reply, .. } => {
            let is_meant = condition != IfMatch::Tags(vec!["6".into()]);
            layout.choice = *choice;
            let stale = Refused::new(Code::PreconditionFailed, "another layout");
            let _ = reply.send(if is_meant { Ok(layout.clone()) } else { Err(stale) });
        }
    }
}

fn record(request: RecordingRequest) {
    let recording = |state| Recording {
        id: "r1".into(),
        state,
        file: "r1.mp4".into(),
        started_at: Some(5),
        duration_ms: 2_000,
        bytes: 7,
        dropped: 0,
        error: None,
    };
    match request {
        RecordingRequest::Start { reply } => {
            drop(reply.send(Ok(recording(RecordingState::Recording))));
        }
        RecordingRequest::List { reply } => {
            drop(reply.send(Ok(vec![recording(RecordingState::Ready)])));
        }
        RecordingRequest::Stop { id, reply } => {
            let missing = Refused::new(Code::NotFound, "no such recording is being made");
            let ready = recording(RecordingState::Ready);
            let _ = reply.send(if id == "r1" { Ok(ready) } else { Err(missing) });
        }
    }
}

fn play_in(request: ProgramRequest) {
    match request {
        ProgramRequest::List { reply } => drop(reply.send(Ok(InsertList::default()))),
        ProgramRequest::Add { order, reply, .. } => {
            let rect = order.insert.place.rect((720, 1280));
            let state = FilmState::Loading;
            let view = InsertView { id: "i1".into(), order: *order, rect, state, length_ms: None };
            let _ = reply.send(Ok(view));
        }
        ProgramRequest::Remove { id, reply } => {
            let missing = Refused::new(Code::NotFound, "there is no such insert");
            let _ = reply.send(if id == "i1" { Ok(()) } else { Err(missing) });
        }
        ProgramRequest::ShowStandIn { occasion, reply } => {
            let order = match occasion {
                Occasion::WarmUp => StandInOrder::Image(ImageName::parse("soon.png").unwrap()),
                Occasion::Away => StandInOrder::Nothing,
            };
            let _ = reply.send(Ok(StandInView { order, state: None, error: None }));
        }
        ProgramRequest::Snapshot { width, reply, .. } => {
            let at = ServerTime::from_unix_millis(5);
            let jpeg = format!("{width:?}").into();
            let _ = reply.send(Ok(ProgramPicture { at, revision: 7, jpeg }));
        }
        ProgramRequest::SetStandIn { order, reply, .. } => {
            let _ = reply.send(Ok(StandInView { order: *order, state: None, error: None }));
        }
    }
}

fn peer(member: &Member) -> PeerEntry {
    PeerEntry {
        id: SESSION.to_string(),
        user: member.user.to_string(),
        role: member.role.as_str(),
        publishes: None,
        plays: Some("a/program".into()),
        since: 5,
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
        Command::Seat(SeatCommand::Apply(SeatPick::ANY)) => Err(Rejected::SeatTaken),
        _ => Ok(Reply::Done),
    }
}

fn answer_look(room: &RoomId, look: LookRequest) {
    match look {
        LookRequest::Stats { after, count, reply } => {
            let points = (1..4).filter(|at| *at > after).take(count);
            let point = |at| StatsPoint { at, viewers: 2, ..StatsPoint::default() };
            drop(reply.send(Ok(points.map(point).collect())));
        }
        LookRequest::Orders { reply, .. } => drop(reply.send(not_there("sale"))),
        LookRequest::Bids { reply, .. } => drop(reply.send(not_there("auction"))),
        LookRequest::Packet { reply, .. } => drop(reply.send(not_there("red packet"))),
        LookRequest::Lottery { reply, .. } => drop(reply.send(not_there("lottery"))),
        LookRequest::Coupon { reply, .. } => drop(reply.send(not_there("coupon"))),
        LookRequest::Quiz { reply, .. } => drop(reply.send(not_there("quiz"))),
        LookRequest::Products { reply } => drop(reply.send(Ok(ProductRecord::default()))),
        LookRequest::Leaders { count, reply } => drop(reply.send(Ok(leaders(room, count)))),
    }
}

fn not_there<T>(what: &'static str) -> Result<T, Refused> {
    Err(Rejected::NotFound(what).into())
}

/// Every room is in a battle that room `a` owns, which alone knows of more than one giver.
fn leaders(room: &RoomId, count: usize) -> Leaders {
    let on = |name: &str| {
        let user = UserId::parse(name).unwrap();
        Contributor { user, name: name.into(), coins: 10 }
    };
    let top = ["bob", "cara", "dan"].into_iter().take(count).map(on).collect();
    let owner = RoomId::parse("a").unwrap();
    let known = if *room == owner { count } else { 1 };
    let giver = |name: &str| {
        let user = UserId::parse(name).unwrap();
        Giver { user, name: name.into(), points: 30 }
    };
    let givers = ["bob", "eve", "fay"].into_iter().take(known).map(giver).collect();
    let pk = PkId::parse("a-1-pk1").unwrap();
    let battle = Some(BattleTop { pk, sides: vec![(owner.clone(), givers)], owner });
    Leaders { gifts: 3, coins: 30, senders: 3, top, battle }
}

fn decide(order: OrderRequest) -> Result<Reply, Refused> {
    if order.idem.as_str() == "early" {
        return Err(Rejected::NotOpen { opens_in_ms: 1 }.into());
    }
    Ok(Reply::Order(OrderPlaced {
        order: OrderId::parse("o-1").unwrap(),
        seq: 17,
        sale: order.sale,
        quantity: order.quantity,
        stock: 83,
        pay_by: None,
    }))
}

fn answer(offer: &str) -> Result<MediaSession, Refused> {
    if !offer.starts_with("v=0") {
        return Err(Refused::new(Code::BadRequest, "the offer is not SDP"));
    }
    let owner = UserId::parse("alice").unwrap();
    Ok(MediaSession { id: SESSION, owner, answer: ANSWER.into(), etag: "e7".into() })
}

fn known(id: MediaId) -> Result<(), Refused> {
    let refused = Refused::new(Code::NotFound, "there is no such media session");
    (id == SESSION).then_some(()).ok_or(refused)
}

/// Restarts ICE as the server does, with the client's own lines for an answer.
fn patch(
    ice: &mut IceSession,
    condition: &IfMatch,
    fragment: &IceFragment,
) -> Result<Patched, Refused> {
    match ice.weigh(condition, fragment)? {
        IceStep::Trickle => Ok(Patched::Trickled),
        IceStep::Restart(remote) => {
            let fragment = format!("a=ice-lite\r\n{}", fragment.text());
            ice.end_restart(Some(("e8", remote)));
            Ok(Patched::Restarted { etag: "e8".into(), fragment })
        }
    }
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
        packets: Vec::new(),
        lotteries: Vec::new(),
        shop: ShopView::default(),
        countdowns: Vec::new(),
        chat: Vec::new(),
        questions: Vec::new(),
        settings: SettingsView {
            config: RoomConfig::default(),
            slow_mode: Duration::ZERO,
            all_muted: false,
        },
        wishes: Vec::new(),
        moderation: None,
        muted: None,
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
        hidden: false,
        tags: Tags::new(Tag::parse(&format!("of-{}", room.as_str()))).expect("it is one"),
        host: None,
        seats: Vec::new(),
        stage: Vec::new(),
        battle: None,
        online: 0,
    }
}
