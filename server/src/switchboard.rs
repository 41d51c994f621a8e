//! Carries what the SFU reports to the room that it concerns. The SFU knows feeds and peers, not
//! rooms; a feed's name says its room, and a peer's room is told here when the peer is made, before
//! its SDP answer leaves, so no event of a peer can be earlier than its entry.

use std::collections::HashMap;

use relay_cdn::Subscription;
use room_rules::RoomId;
use sfu::{Event, PeerId};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, trace};

use crate::mail::{Mail, Mailbox, Undelivered};

/// Full: the one who tells waits; the switchboard never waits for a room, so it drains.
const ENTRIES_CAPACITY: usize = 256;

/// Tells the switchboard who belongs where.
#[derive(Clone, Debug)]
pub struct Switchboard {
    entries: mpsc::Sender<Entry>,
}

/// The switchboard at work.
#[derive(Debug)]
pub struct SwitchboardTask {
    entries: mpsc::Receiver<Entry>,
    events: mpsc::Receiver<Event>,
    rooms: HashMap<String, Mailbox>,
    peers: HashMap<PeerId, Mailbox>,
}

#[derive(Debug)]
enum Entry {
    Room { room: String, mailbox: Mailbox },
    Peer { peer: PeerId, mailbox: Mailbox },
    NoRoom { room: String },
    Pull { room: String, reply: oneshot::Sender<Subscription> },
}

impl Switchboard {
    /// Creates a switchboard for the SFU's `events`; nothing moves before the task runs.
    pub fn new(events: mpsc::Receiver<Event>) -> (Self, SwitchboardTask) {
        let (entries, inbox) = mpsc::channel(ENTRIES_CAPACITY);
        let task = SwitchboardTask {
            entries: inbox,
            events,
            rooms: HashMap::new(),
            peers: HashMap::new(),
        };
        (Self { entries }, task)
    }

    /// Sends what happens to the feeds of `room` to `mailbox` from now on.
    pub(crate) async fn add_room(&self, room: &RoomId, mailbox: Mailbox) {
        self.tell(Entry::Room { room: room.to_string(), mailbox }).await;
    }

    /// Forgets `room`.
    pub(crate) async fn remove_room(&self, room: &RoomId) {
        self.tell(Entry::NoRoom { room: room.to_string() }).await;
    }

    /// Sends what happens to `peer` to `mailbox` until it is closed.
    pub(crate) async fn add_peer(&self, peer: PeerId, mailbox: Mailbox) {
        self.tell(Entry::Peer { peer, mailbox }).await;
    }

    /// Begins a pull of the program of `room`, if there is such a room.
    pub(crate) async fn open_pull(&self, room: String) -> Option<Subscription> {
        let (reply, subscription) = oneshot::channel();
        self.tell(Entry::Pull { room, reply }).await;
        subscription.await.ok()
    }

    async fn tell(&self, entry: Entry) {
        // Gone only when the server is: nothing is left to be routed.
        let _ = self.entries.send(entry).await;
    }
}

impl SwitchboardTask {
    /// Runs until the SFU has stopped.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                // Entries first: an event about a peer may be right behind its entry.
                biased;
                Some(entry) = self.entries.recv() => self.handle_entry(entry),
                event = self.events.recv() => match event {
                    Some(event) => self.handle_event(event),
                    None => return,
                },
            }
        }
    }

    fn handle_entry(&mut self, entry: Entry) {
        match entry {
            Entry::Room { room, mailbox } => {
                self.rooms.insert(room, mailbox);
            }
            Entry::Peer { peer, mailbox } => {
                self.peers.insert(peer, mailbox);
            }
            Entry::NoRoom { room } => {
                self.rooms.remove(&room);
            }
            Entry::Pull { room, reply } => {
                // A room that is not there or too busy drops the reply, which is the answer.
                if let Some((mailbox, rendition)) = self.program_of(&room)
                    && !mailbox.is_crowded()
                {
                    let _ = mailbox.send(Mail::OpenPull { rendition, reply });
                }
            }
        }
    }

    /// Finds the room of an RTMP stream: its name, or its name with that of a rendition behind.
    fn program_of(&self, stream: &str) -> Option<(&Mailbox, Option<String>)> {
        if let Some(mailbox) = self.rooms.get(stream) {
            return Some((mailbox, None));
        }
        let (room, rendition) = stream.rsplit_once('_')?;
        Some((self.rooms.get(room)?, Some(rendition.to_owned())))
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Closed { peer, .. } => deliver(self.peers.remove(&peer).as_ref(), event),
            Event::Connected { peer }
            | Event::LayersWanted { peer, .. }
            | Event::MediaClock { peer, .. }
            | Event::DataOpen { peer, .. }
            | Event::Data { peer, .. } => {
                deliver(self.peers.get(&peer), event);
            }
            Event::MediaStarted { ref feed }
            | Event::MediaStopped { ref feed }
            | Event::Voice { ref feed, .. }
            | Event::Uplink { ref feed, .. }
            | Event::EncodingsTaken { ref feed, .. }
            | Event::KeyframeWanted { ref feed } => deliver(self.rooms.get(feed.room()), event),
        }
    }
}

fn deliver(mailbox: Option<&Mailbox>, event: Event) {
    let Some(mailbox) = mailbox else {
        // The room has ended while the event was under way.
        trace!(?event, "An event belongs to no room.");
        return;
    };
    let may_be_lost = matches!(
        event,
        Event::Data { .. }
            | Event::KeyframeWanted { .. }
            | Event::LayersWanted { .. }
            | Event::EncodingsTaken { .. }
            | Event::MediaClock { .. }
            | Event::Voice { .. }
            | Event::Uplink { .. }
    );
    if may_be_lost && mailbox.is_crowded() {
        metrics::counter!("server_events_dropped_total", "reason" => "room_busy").increment(1);
        return;
    }
    if mailbox.send(Mail::Sfu(event)) == Err(Undelivered::MailboxFull) {
        error!("A room's mailbox is full; it has lost an event.");
        metrics::counter!("server_events_dropped_total", "reason" => "room_stuck").increment(1);
    }
}
