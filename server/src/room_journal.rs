//! What a room decides is told when the disk has it, not before. The task decides at once and goes
//! on deciding; whatever follows waits here, in order, until the row that it follows from is
//! durable. Nothing overtakes: chat waits behind the order that came before it, so nobody ever sees
//! what a crash could take back.

use std::collections::{HashSet, VecDeque};

use ledger::{Entry, Journal, NewRow, Notice};
use room_rules::{
    Decided, Effect, IdemKey, Input, Member, RULES_VERSION, Rejected, Reply, ServerTime, SessionId,
    UserId,
};
use serde::Serialize;
use serde_json::Value;
use signaling::{Outbox, Refused};
use tracing::error;
use wire_format::{Code, Recording, RecordingState, Target, TargetState};

use crate::room_task::RoomTask;
use crate::webhooks::Notices;

/// Outputs that may wait for the disk before whatever may be refused is. A stalled disk is no reason
/// to run out of memory.
const HELD_MAX: usize = 65_536;

/// The journal of a room, and what waits for it.
pub(crate) struct RoomJournal {
    journal: Journal,
    notices: Notices,
    held: VecDeque<Held>,
    in_flight: InFlight,
}

/// Keys whose rows are on their way to the disk, with the entries that hold them.
#[derive(Default)]
struct InFlight {
    keys: HashSet<(UserId, IdemKey)>,
    /// Oldest first.
    order: VecDeque<(u64, (UserId, IdemKey))>,
}

impl InFlight {
    fn insert(&mut self, key: (UserId, IdemKey), entry: u64) {
        self.keys.insert(key.clone());
        self.order.push_back((entry, key));
    }

    fn forget(&mut self, durable: u64) {
        while let Some((_, key)) = self.order.pop_front_if(|(entry, _)| *entry <= durable) {
            self.keys.remove(&key);
        }
    }
}

struct Held {
    /// The last entry before it.
    after: u64,
    output: Output,
}

#[allow(clippy::large_enum_variant, reason = "most outputs are effects")]
enum Output {
    Effect(Effect),
    Act(Act),
}

/// Something to be done once all is durable that it follows from, or that never will be.
type Act = Box<dyn FnOnce(&mut RoomTask, Result<(), Refused>) + Send>;

impl RoomJournal {
    pub(crate) fn new(journal: Journal, notices: Notices) -> Self {
        Self { journal, notices, held: VecDeque::new(), in_flight: InFlight::default() }
    }

    /// Returns whether anything waits for the disk.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// Waits until the disk has come further.
    pub(crate) async fn changed(&mut self) {
        self.journal.changed().await;
    }

    /// Notes that the room is over.
    pub(crate) fn end(&self, now: ServerTime) {
        self.journal.end(now.unix_millis());
    }

    /// Says whether one more answer may wait for the disk.
    pub(crate) fn expect_held_place(&self) -> Result<(), Refused> {
        expect(self.held.len() < HELD_MAX)
    }

    fn expect_place(&self) -> Result<(), Refused> {
        expect(self.journal.has_place() && self.held.len() < HELD_MAX)
    }

    /// Appends what was decided together with what back ends are told of it: the notices, of which
    /// `before` were made earlier.
    fn append(
        &mut self,
        (input, reply): (&Input, &Reply),
        (notices, before): (Vec<Notice>, u64),
        now: ServerTime,
    ) {
        let key = input.idem().map(|(user, key)| (user.clone(), key.clone()));
        let row = NewRow {
            at: now.unix_millis(),
            kind: input.kind(),
            rules: RULES_VERSION,
            key: key.as_ref().map(|(user, key)| (user.to_string(), key.as_str().to_owned())),
            input: json(input),
            outcome: json(reply),
        };
        let (at, first_notice) = (now.unix_millis(), before + 1);
        let entry = Entry { row: Some(row), notices, at, first_notice, ..Entry::default() };
        let entry = self.journal.append(entry);
        if let Some(key) = key {
            self.in_flight.insert(key, entry);
        }
    }

    /// Tells back ends what followed from time alone.
    fn tell(&mut self, (notices, before): (Vec<Notice>, u64), now: ServerTime) {
        if notices.iter().any(|notice| !notice.to.is_empty()) {
            let (at, first_notice) = (now.unix_millis(), before + 1);
            self.journal.append(Entry { notices, at, first_notice, ..Entry::default() });
        }
    }

    /// Tells back ends what no journal tells again. Where too much waits for the disk it is dropped.
    pub(crate) fn tell_passing(
        &mut self,
        kind: &'static str,
        data: impl FnOnce() -> Value,
        now: ServerTime,
    ) {
        let Some(notice) = self.notices.passing(kind, data) else { return };
        if self.journal.has_place() {
            let (passing, at) = (vec![notice], now.unix_millis());
            self.journal.append(Entry { passing, at, ..Entry::default() });
        } else {
            metrics::counter!("server_webhooks_dropped_total", "reason" => "ledger_full")
                .increment(1);
        }
    }

    fn is_in_flight(&mut self, input: &Input) -> bool {
        self.in_flight.forget(self.journal.progress().durable);
        let key = input.idem().map(|(user, key)| (user.clone(), key.clone()));
        key.is_some_and(|key| self.in_flight.keys.contains(&key))
    }

    fn hold(&mut self, output: Output) {
        self.held.push_back(Held { after: self.journal.appended(), output });
    }
}

impl RoomTask {
    /// Hands in what may be refused.
    pub(crate) fn ask(&mut self, input: &Input, now: ServerTime) -> Result<Reply, Refused> {
        self.record.expect_place()?;
        let decided = self.decide(input, now)?;
        if matches!(decided, Decided::Repeated(_)) && self.record.is_in_flight(input) {
            let why = "a request with this key is being carried out, ask again";
            return Err(Refused::new(Code::IdempotencyInFlight, why));
        }
        Ok(decided.into_reply())
    }

    /// Hands in what the rules never refuse.
    pub(crate) fn take(&mut self, input: &Input, now: ServerTime) {
        if let Err(rejected) = self.decide(input, now) {
            unreachable!("{} is refused: {rejected}", input.kind());
        }
    }

    fn decide(&mut self, input: &Input, now: ServerTime) -> Result<Decided, Rejected> {
        let decided = self.room.handle_input(input, now);
        let (effects, mut notices) = self.drain();
        match &decided {
            Ok(Decided::Fresh(reply)) if input.is_durable() => {
                notices.0.extend(self.record.notices.of_decided(input, reply));
                self.record.append((input, reply), notices, now);
                if matches!(reply, Reply::Order(_)) {
                    self.series.handle_order();
                }
            }
            Ok(Decided::Fresh(_) | Decided::Repeated(_)) | Err(_) => self.record.tell(notices, now),
        }
        for effect in effects {
            self.record.hold(Output::Effect(effect));
        }
        decided
    }

    /// Takes what the rules have said, and what back ends are told of it with how much they were told
    /// before.
    fn drain(&mut self) -> (Vec<Effect>, (Vec<Notice>, u64)) {
        let before = self.record.notices.count();
        let (mut effects, mut notices) = (Vec::new(), Vec::new());
        while let Some(effect) = self.room.poll_effect() {
            notices.extend(self.record.notices.of_effect(&effect));
            effects.push(effect);
        }
        (effects, (notices, before))
    }

    /// Takes a session out of the room, in its turn.
    pub(crate) fn leave(&mut self, session: SessionId, now: ServerTime) {
        if let Some(input) = self.room.handle_leave(session, now) {
            self.take(&input, now);
        }
        self.hold_effects();
        self.once_durable(move |task, _| {
            if let Some(user) = task.sessions.remove(session, now) {
                task.tell_back_ends(
                    "participant.left",
                    || serde_json::json!({"user": user.as_str()}),
                );
            }
        });
    }

    /// Writes down what nobody asked to be written down and a crash would take.
    pub(crate) fn keep(&mut self) {
        if let Some(input) = self.room.unkept() {
            self.take(&input, self.parts.clock.now());
        }
    }

    /// Takes what the rules have said by themselves.
    pub(crate) fn hold_effects(&mut self) {
        let (effects, notices) = self.drain();
        // They follow from time and what is written, so nobody who is told them waits for the disk.
        for effect in effects {
            self.record.hold(Output::Effect(effect));
        }
        self.record.tell(notices, self.parts.clock.now());
    }

    /// Tells back ends what no journal tells again.
    pub(crate) fn tell_back_ends(&mut self, kind: &'static str, data: impl FnOnce() -> Value) {
        let now = self.parts.clock.now();
        self.record.tell_passing(kind, data, now);
    }

    /// Tells back ends which targets went live or failed.
    pub(crate) fn tell_targets(&mut self) {
        for target in self.media.changed_targets() {
            let is_live = target.state == TargetState::Live;
            let kind = if is_live { "target.live" } else { "target.failed" };
            let Target { id, url, error, .. } = target;
            let data = || serde_json::json!({"target": id, "url": url, "error": error});
            self.tell_back_ends(kind, data);
        }
    }

    /// Tells back ends which recordings began or are over.
    pub(crate) fn tell_recordings(&mut self) {
        while let Some(recording) = self.media.recording_news() {
            let Recording { id, state, file, started_at, duration_ms, bytes, error, .. } =
                recording;
            let (kind, data) = match state {
                RecordingState::Recording => (
                    "recording.started",
                    serde_json::json!({"recording": id, "file": file, "started_at": started_at}),
                ),
                RecordingState::Ready => (
                    "recording.ready",
                    serde_json::json!({"recording": id, "file": file, "started_at": started_at,
                        "duration_ms": duration_ms, "bytes": bytes}),
                ),
                RecordingState::Interrupted | RecordingState::Failed => (
                    "recording.failed",
                    serde_json::json!({"recording": id, "file": file, "error": error}),
                ),
            };
            self.tell_back_ends(kind, || data);
        }
    }

    /// Lets somebody hear what is told, and tells back ends if they were not here before.
    pub(crate) fn enter_session(&mut self, session: SessionId, member: Member, outbox: Outbox) {
        let (user, name) = (member.user.clone(), member.name.clone());
        let role = member.role.as_str();
        if self.sessions.insert(session, member, outbox) {
            let data = || serde_json::json!({"user": user.as_str(), "name": &*name, "role": role});
            self.tell_back_ends("participant.joined", data);
        }
    }

    /// Does something once everything that was decided before is durable, or never will be.
    pub(crate) fn once_durable(
        &mut self,
        act: impl FnOnce(&mut Self, Result<(), Refused>) + Send + 'static,
    ) {
        self.record.hold(Output::Act(Box::new(act)));
    }

    /// Carries out what no longer waits for the disk.
    pub(crate) fn release(&mut self) -> Released {
        self.hold_effects();
        let progress = self.record.journal.progress();
        let mut released = Released::Goes;
        while let Some(held) = self.record.held.pop_front_if(|held| held.after <= progress.durable)
        {
            match held.output {
                Output::Effect(effect) => {
                    if self.carry_out(effect) {
                        released = Released::Ended;
                    }
                }
                Output::Act(act) => act(self, Ok(())),
            }
            self.hold_effects();
        }
        self.record.in_flight.forget(progress.durable);
        if progress.is_broken { Released::Broken } else { released }
    }

    /// Answers everyone who waits for a disk that has failed. Whether their requests were carried
    /// out is known when the room is read from the ledger again: the same key gets the answer.
    pub(crate) fn give_up(&mut self) {
        error!(room = %self.room.id(), waiting = self.record.held.len(),
            "The ledger has failed; the room stops rather than promise what it cannot keep.");
        metrics::counter!("server_rooms_failed_total").increment(1);
        self.give_up_waiting();
    }

    /// Answers everyone who waits for the disk, because the room waits no longer.
    pub(crate) fn give_up_waiting(&mut self) {
        while let Some(held) = self.record.held.pop_front() {
            if let Output::Act(act) = held.output {
                let why = "the room could not write it down; ask again with the same key";
                act(self, Err(Refused::new(Code::LedgerFailed, why)));
            }
        }
    }
}

fn expect(has_place: bool) -> Result<(), Refused> {
    if has_place {
        return Ok(());
    }
    metrics::counter!("server_requests_refused_total", "reason" => "ledger_full").increment(1);
    Err(Refused::new(Code::Busy, "too much is going on, try again"))
}

/// How the room goes on after what was released.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Released {
    Goes,
    /// The room is over.
    Ended,
    /// The rest never becomes durable.
    Broken,
}

/// Returns the JSON of what the rules made.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what rules make has names for keys")
}
