//! Letting a session in: anew with the room as it is, or where it broke off. Whoever comes back is in
//! before their older session is out, so nobody sees them leave.

use room_rules::{Member, ServerTime, SessionId, Snapshot, Stream};
use signaling::{Answer, Beginning, Ending, Entered, Hearing, Outbox, Refused, Sid};
use wire_format::{Code, Lane, Resume, Resync, encode_event};

use crate::fan_out::{Line, frames};
use crate::room_task::RoomTask;

/// Events come again in frames of so many bytes.
const FRAME_BYTES: usize = 16 * 1024;
/// Who missed more than this is better served with a snapshot, and their queue would not hold it.
const MISSED_BYTES: usize = 128 * 1024;

/// A session at the door.
pub(crate) struct Newcomer {
    pub(crate) session: SessionId,
    pub(crate) member: Member,
    pub(crate) outbox: Outbox,
    pub(crate) resume: Option<Box<Resume>>,
}

impl RoomTask {
    /// Lets a session in, if the room agrees. It is in once everything is told that its snapshot
    /// holds; whoever asked may have left by then, and their session says goodbye by itself.
    pub(crate) fn let_in(&mut self, newcomer: Newcomer, reply: Answer<Entered>, now: ServerTime) {
        if let Err(busy) = self.record.expect_held_place() {
            let _ = reply.send(Err(busy));
            return;
        }
        let snapshot = self.room.handle_join(newcomer.session, newcomer.member.clone(), now);
        self.hold_effects();
        let resume = newcomer.resume.as_ref();
        let heard = resume.filter(|resume| resume.epoch == self.room.life().as_str());
        let heard_alone = heard.map_or(0, |resume| resume.me);
        let told_alone = self.room.personal(&newcomer.member.user, heard_alone, now);
        let told_alone: Vec<String> = told_alone.map(encode_event).collect();
        self.once_durable(move |task, durable| {
            let entered = durable.and(snapshot.map_err(Refused::from));
            let entered = entered.map(|snapshot| task.enter(newcomer, snapshot, told_alone, now));
            let _ = reply.send(entered);
        });
    }

    fn enter(
        &mut self,
        newcomer: Newcomer,
        snapshot: Snapshot,
        told_alone: Vec<String>,
        now: ServerTime,
    ) -> Entered {
        let Newcomer { session, member, outbox, resume } = newcomer;
        let user = &member.user;
        let epoch = self.room.life().clone();

        let resume = resume.filter(|resume| resume.epoch == epoch.as_str());
        let sid = resume.as_ref().map(|resume| Sid::new(&resume.sid));
        let taken = sid.as_ref().and_then(|sid| self.sessions.sids.take(sid, user, now));
        let missed = match (&resume, taken) {
            (Some(resume), Some(_)) => self.missed(resume, now),
            (None, _) | (_, None) => None,
        };
        let sid = sid.filter(|_| taken.is_some()).unwrap_or_else(Sid::random);
        self.sessions.sids.insert(sid.clone(), user.clone(), session);

        let mut count = told_alone.len();
        for text in told_alone {
            outbox.push(Lane::Control, text.into());
        }
        let how = match missed {
            Some(missed) => {
                for (stream, lines) in missed {
                    count += lines.len();
                    push_frames(&outbox, stream, &lines, now);
                }
                Beginning::Resumed { missed: count }
            }
            None => Beginning::Anew(Box::new(snapshot)),
        };
        if let Some(speaker) = self.speaker_now(now) {
            outbox.push(Lane::Chat, speaker.into());
        }
        self.enter_session(session, member, outbox);
        if let Some(older) = taken.flatten().filter(|older| *older != session) {
            self.supersede(older, now);
        }
        metrics::counter!("server_members_entered_total", "how" => how_name(&how)).increment(1);
        Entered { sid, epoch, how }
    }

    /// Takes what a session says about how it hears.
    pub(crate) fn handle_hearing(&mut self, session: SessionId, hearing: Hearing, now: ServerTime) {
        match hearing {
            Hearing::Resync { resync, reply } => {
                if let Err(busy) = self.record.expect_held_place() {
                    let _ = reply.send(Err(busy));
                    return;
                }
                let user = self.sessions.user(session).filter(|_| resync.stream == Stream::Me);
                let after = resync.from.saturating_sub(1);
                let told_alone = user.map(|user| self.room.personal(user, after, now));
                let told_alone: Vec<String> =
                    told_alone.into_iter().flatten().map(encode_event).collect();
                // It may be on its way to the disk still.
                self.once_durable(move |task, durable| {
                    let told = durable.and_then(|()| task.resync(session, resync, told_alone, now));
                    let _ = reply.send(told);
                });
            }
            Hearing::MeAck(q) => {
                if let Some(user) = self.sessions.user(session).cloned() {
                    self.room.handle_personal_ack(&user, q);
                }
            }
            Hearing::Fired(fired) => self.series.fired.handle_report(session, &fired),
            Hearing::Carrier { by_data_channel } => {
                self.sessions.set_carrier(session, by_data_channel);
            }
        }
    }

    /// Returns what somebody missed on every stream, unless it is not known any more or too much.
    fn missed(&self, resume: &Resume, now: ServerTime) -> Option<Vec<(Stream, Vec<Line>)>> {
        let streams = Stream::ALL.into_iter().filter(|stream| *stream != Stream::Me);
        let missed = streams.map(|stream| {
            let lines = self.sessions.missed(stream, resume.q.of(stream), now)?;
            Some((stream, lines))
        });
        let missed: Vec<_> = missed.collect::<Option<_>>()?;
        let lines = missed.iter().flat_map(|(_, lines)| lines);
        let bytes: usize = lines.map(|line| line.text.len()).sum();
        (bytes <= MISSED_BYTES).then_some(missed)
    }

    fn resync(
        &self,
        session: SessionId,
        resync: Resync,
        told_alone: Vec<String>,
        now: ServerTime,
    ) -> Result<usize, Refused> {
        let Resync { stream, from } = resync;
        let not_here = || Refused::new(Code::Forbidden, "this session is not in the room");
        let outbox = self.sessions.outbox(session).ok_or_else(not_here)?;
        let after = from.saturating_sub(1);
        if stream == Stream::Me {
            let texts = told_alone.into_iter();
            return Ok(texts.map(|text| outbox.push(Lane::Control, text.into())).count());
        }
        let lines = self.sessions.missed(stream, after, now);
        let bytes = |lines: &[Line]| lines.iter().map(|line| line.text.len()).sum::<usize>();
        let lines = lines.filter(|lines| bytes(lines) <= MISSED_BYTES).ok_or_else(|| {
            Refused::new(Code::Expired, "these events are not kept any more; say hello anew")
        })?;
        push_frames(outbox, stream, &lines, now);
        Ok(lines.len())
    }

    fn supersede(&mut self, older: SessionId, now: ServerTime) {
        if let Some(outbox) = self.sessions.outbox(older) {
            outbox.cut(Ending::Superseded);
        }
        self.leave(older, now);
    }
}

fn push_frames(outbox: &Outbox, stream: Stream, lines: &[Line], now: ServerTime) {
    for frame in frames(stream, lines, FRAME_BYTES, now) {
        outbox.push(Lane::of(stream), frame);
    }
}

const fn how_name(how: &Beginning) -> &'static str {
    match how {
        Beginning::Anew(_) => "anew",
        Beginning::Resumed { .. } => "resumed",
    }
}
