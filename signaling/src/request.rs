//! What a room's task is asked to do, by whatever way the asking came.

use std::fmt;

use futures_util::future::BoxFuture;
use media_rules::FeedId;
use media_rules::layer::Pin;
use media_rules::layout::Choice;
use room_rules::{
    Command, IdemKey, LifeId, Member, OrderRequest, PeerMessage, Reply, RoomId, RoomView,
    ServerTime, SessionId, Snapshot, Title, UserId,
};
use tokio::sync::oneshot;
use wire_format::{
    Fired, InsertList, InsertOrder, InsertView, LayoutView, Participants, PeerList, PeerReport,
    Resume, Resync, StandInOrder, StandInView, Target,
};

use crate::{
    IceFragment, IfMatch, LookRequest, MediaId, Outbox, QualityRequest, RecordingRequest, Refused,
    RoomHandle, Sid,
};

/// Where an answer goes. If whoever asked is gone meanwhile, the answer is dropped and the deed stands.
pub type Answer<T> = oneshot::Sender<Result<T, Refused>>;

/// One request to a room. Requests are carried out one after another in the order they arrive.
#[derive(Debug)]
pub enum RoomRequest {
    /// A session wants to become a member's session; events go to `outbox` from the answer on.
    Join {
        /// The new session, unique in this process.
        session: SessionId,
        /// Whose session it is.
        member: Member,
        /// Where the room puts what the session must hear.
        outbox: Outbox,
        /// What it was before its connection broke.
        resume: Option<Box<Resume>>,
        /// Receives the room as it is, or how much the session missed.
        reply: Answer<Entered>,
    },
    /// A session has something to say about how it hears.
    Hearing {
        /// The session that joined before.
        session: SessionId,
        /// What.
        hearing: Hearing,
    },
    /// A session is gone.
    Leave {
        /// The session that joined before.
        session: SessionId,
    },
    /// A session asks for something.
    Command {
        /// The session that joined before.
        session: SessionId,
        /// What it asks for.
        command: Command,
        /// Receives the content of the ack.
        reply: Answer<Reply>,
    },
    /// A back end asks, without a session.
    BackEnd(BackEndRequest),
    /// Somebody orders over HTTP, without a session.
    Order {
        /// Who orders.
        member: Member,
        /// What they order.
        order: OrderRequest,
        /// Receives the decision.
        reply: Answer<Reply>,
    },
    /// Somebody looks at the room from outside.
    Describe {
        /// Receives what the outside may know.
        reply: Answer<RoomView>,
    },
    /// Somebody looks at what came of gifts and giveaways.
    Look(LookRequest),
    /// Somebody publishes by WHIP.
    Publish {
        /// Who publishes.
        member: Member,
        /// When their token ends, and with it the session.
        until: ServerTime,
        /// The SDP offer.
        offer: String,
        /// Receives the session with the SDP answer.
        reply: Answer<MediaSession>,
    },
    /// Somebody plays by WHEP.
    Play {
        /// Who plays.
        member: Member,
        /// When their token ends, and with it the session.
        until: ServerTime,
        /// What is played; `None` is the program.
        feed: Option<FeedId>,
        /// The SDP offer.
        offer: String,
        /// Receives the session with the SDP answer.
        reply: Answer<MediaSession>,
    },
    /// The owner of a media session has more ICE candidates or restarts ICE.
    PatchPeer {
        /// Who says so; only the owner may.
        member: Member,
        /// When the token of this request ends; the session lives at least as long.
        until: ServerTime,
        /// The media session.
        id: MediaId,
        /// Which ICE session is meant.
        condition: IfMatch,
        /// What the client sent.
        fragment: IceFragment,
        /// Receives what came of it.
        reply: Answer<Patched>,
    },
    /// The owner of a media session asks whether it is there.
    FindPeer {
        /// Who asks; only the owner may.
        member: Member,
        /// The media session.
        id: MediaId,
        /// Receives whether it is.
        reply: Answer<()>,
    },
    /// A viewer chooses the size of its picture, or leaves that to its network.
    PickLayer {
        /// Who says so; only the owner of the session may.
        member: Member,
        /// The media session.
        id: MediaId,
        /// What it chose; `None` leaves it to the network.
        pin: Option<Pin>,
        /// Receives whether the session is there.
        reply: Answer<()>,
    },
    /// Somebody asks who is connected to the room's media; who may not see all sees their own.
    ListPeers {
        /// Who asks.
        member: Member,
        /// Receives the list.
        reply: Answer<PeerList>,
    },
    /// Somebody asks how a media session is doing.
    ReportPeer {
        /// Who asks; the owner may, and who may see all.
        member: Member,
        /// The media session.
        id: MediaId,
        /// Receives what is known of it.
        reply: Answer<PeerReport>,
    },
    /// The owner of a media session ends it.
    ClosePeer {
        /// Who says so; only the owner may.
        member: Member,
        /// The media session.
        id: MediaId,
        /// Receives whether it was ended.
        reply: Answer<()>,
    },
    /// The program is to be pushed to one more target.
    AddTarget {
        /// Who says so; the role is checked before.
        member: Member,
        /// Where to.
        url: TargetUrl,
        /// Receives the new target.
        reply: Answer<Target>,
    },
    /// Somebody asks where the program is pushed to.
    ListTargets {
        /// Receives the targets, their keys hidden.
        reply: Answer<Vec<Target>>,
    },
    /// A target is not wanted any more.
    RemoveTarget {
        /// The target's id.
        id: String,
        /// Receives whether there was one.
        reply: Answer<()>,
    },
    /// Somebody has to do with the program's recordings.
    Recording(RecordingRequest),
    /// Somebody asks how the program's picture is laid out, or wants it otherwise.
    Layout(LayoutRequest),
    /// Somebody asks how much is made of the program's picture, or wants it otherwise.
    Quality(QualityRequest),
    /// Somebody has to do with what the program shows besides its performers, or wants a picture of it.
    Program(ProgramRequest),
    /// Somebody ends the room over HTTP.
    End {
        /// Who says so; the room's rules decide whether they may.
        member: Member,
        /// Receives whether the room ended.
        reply: Answer<()>,
    },
    /// Another room says something, for a battle between the two.
    Peer {
        /// The room that says it.
        from: RoomId,
        /// What it says.
        message: PeerMessage,
    },
}

/// What back ends ask.
#[derive(Debug)]
pub enum BackEndRequest {
    /// Somebody asks for something over HTTP, without a session.
    Ask {
        /// Who asks.
        member: Member,
        /// What they ask for.
        command: Command,
        /// Makes a repeated request harmless, also after a restart.
        key: Option<IdemKey>,
        /// Receives what an ack would hold.
        reply: Answer<Reply>,
    },
    /// Somebody looks at what members see.
    Look {
        /// Who looks.
        member: Member,
        /// Receives everything that they would be told at joining.
        reply: Answer<Snapshot>,
    },
    /// Somebody asks who is in the room.
    Participants {
        /// Who asks.
        member: Member,
        /// Whom the page follows, by name.
        after: Option<UserId>,
        /// How many.
        count: usize,
        /// Receives the page.
        reply: Answer<Participants>,
    },
}

/// How a session hears.
#[derive(Debug)]
pub enum Hearing {
    /// Events of a stream are missing and come again.
    Resync {
        /// Which.
        resync: Resync,
        /// Receives how many come again; `EXPIRED` if they are not kept any more.
        reply: Answer<usize>,
    },
    /// What its user alone was told has arrived, up to this number.
    MeAck(u64),
    /// Gifts, chat and reactions come by data channel, or do not any more.
    Carrier {
        /// Whether this session may leave them out.
        by_data_channel: bool,
    },
    /// A countdown fired in its page.
    Fired(Fired),
}

/// What a session finds that a room let in. Events go to its outbox from here on.
#[derive(Clone, Debug)]
pub struct Entered {
    /// Under which name it may come back.
    pub sid: Sid,
    /// By which numbering.
    pub epoch: LifeId,
    /// How it begins.
    pub how: Beginning,
}

/// How a session begins.
#[derive(Clone, Debug)]
pub enum Beginning {
    /// With the room as it is.
    Anew(Box<Snapshot>),
    /// Where it broke off: so many events were missed and are in the outbox.
    Resumed {
        /// How many.
        missed: usize,
    },
}

/// What somebody has to do with the layout of a program's picture.
#[derive(Debug)]
pub enum LayoutRequest {
    /// They look at it.
    Show {
        /// Receives what was chosen and what came of it.
        reply: Answer<LayoutView>,
    },
    /// They choose another.
    Set {
        /// Who; the role is checked before.
        member: Member,
        /// What they choose.
        choice: Box<Choice>,
        /// Which layout they mean to replace.
        condition: IfMatch,
        /// Receives what came of it.
        reply: Answer<LayoutView>,
    },
}

/// What somebody has to do with what a program shows besides its performers. The role is checked before.
#[derive(Debug)]
pub enum ProgramRequest {
    /// They look at the films.
    List {
        /// Receives them.
        reply: Answer<InsertList>,
    },
    /// They want another.
    Add {
        /// Who.
        member: Member,
        /// What and how.
        order: Box<InsertOrder>,
        /// Receives what it is called.
        reply: Answer<InsertView>,
    },
    /// They end one.
    Remove {
        /// What it is called.
        id: String,
        /// Receives whether it was there.
        reply: Answer<()>,
    },
    /// They look at what stands in.
    ShowStandIn {
        /// When.
        occasion: Occasion,
        /// Receives it.
        reply: Answer<StandInView>,
    },
    /// They choose what stands in.
    SetStandIn {
        /// Who.
        member: Member,
        /// When.
        occasion: Occasion,
        /// What.
        order: Box<StandInOrder>,
        /// Receives what came of it.
        reply: Answer<StandInView>,
    },
    /// They want a picture of the program.
    Snapshot {
        /// Who.
        member: Member,
        /// Its width in pixels; as wide as the program if it is left out.
        width: Option<u16>,
        /// Receives the picture.
        reply: Answer<ProgramPicture>,
    },
}

impl ProgramRequest {
    /// Answers that it is not done.
    pub fn refuse(self, why: Refused) {
        // Whoever asked may have left.
        match self {
            Self::List { reply } => drop(reply.send(Err(why))),
            Self::Add { reply, .. } => drop(reply.send(Err(why))),
            Self::Remove { reply, .. } => drop(reply.send(Err(why))),
            Self::ShowStandIn { reply, .. } | Self::SetStandIn { reply, .. } => {
                drop(reply.send(Err(why)));
            }
            Self::Snapshot { reply, .. } => drop(reply.send(Err(why))),
        }
    }
}

/// When nobody is on stage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Occasion {
    /// Nobody was yet.
    WarmUp,
    /// Everybody is gone.
    Away,
}

/// A picture of a program as a file.
#[derive(Clone, Debug)]
pub struct ProgramPicture {
    /// When it was due, in room time.
    pub at: ServerTime,
    /// The layout that it shows.
    pub revision: u64,
    /// The JPEG file.
    pub jpeg: axum::body::Bytes,
}

/// The address of a push target, `rtmp://host/app/key`. Whoever has the key can go live in the
/// host's name, so it is shown to nobody and printed nowhere.
#[derive(Clone, Eq, PartialEq)]
pub struct TargetUrl(String);

impl TargetUrl {
    /// Wraps an address; whether it is a good one is decided by whoever connects to it.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Returns the address with its key.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TargetUrl(***)")
    }
}

/// A media session that was just set up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaSession {
    /// Its name in the `Location`.
    pub id: MediaId,
    /// Whose it is.
    pub owner: UserId,
    /// The SDP answer.
    pub answer: String,
    /// The entity tag of the ICE session, without quotes (RFC 9725 section 4.3.1).
    pub etag: String,
}

/// What came of a `PATCH` on a media session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Patched {
    /// The candidates were taken.
    Trickled,
    /// ICE begins anew.
    Restarted {
        /// The entity tag of the new ICE session, without quotes.
        etag: String,
        /// Our side of it, as an SDP fragment.
        fragment: String,
    },
}

/// Whoever makes new rooms.
pub trait Lobby: Send + Sync + 'static {
    /// Opens `room` for `member`, who may, or returns the room that is there already.
    ///
    /// The new room is entered in the directory before this returns.
    fn create(
        &self,
        room: RoomId,
        title: Title,
        member: Member,
    ) -> BoxFuture<'_, Result<Created, Refused>>;
}

/// What [`Lobby::create`] found or made.
#[derive(Clone, Debug)]
pub enum Created {
    /// The room is new.
    New(RoomHandle),
    /// The room was there.
    Existing(RoomHandle),
}
