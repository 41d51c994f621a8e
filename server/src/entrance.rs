//! Letting a session in: anew with the room as it is, or where it broke off. Whoever comes back is in
//! before their older session is out, so nobody sees them leave.

use room_rules::{Member, ServerTime, SessionId, Stream};
use signaling::{Beginning, Ending, Entered, Hearing, Outbox, Refused, Sid};
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
    /// Lets a session in, if the room agrees.
    pub(crate) fn let_in(
        &mut self,
        newcomer: Newcomer,
        now: ServerTime,
    ) -> Result<Entered, Refused> {
        let Newcomer { session, member, outbox, resume } = newcomer;
        let snapshot = self.room.handle_join(session, member.clone(), now)?;
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

        let heard_alone = resume.as_ref().map_or(0, |resume| resume.me);
        let told_alone = self.room.personal(user, heard_alone, now).map(encode_event);
        let mut count = 0;
        for text in told_alone {
            outbox.push(Lane::Control, text.into());
            count += 1;
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
        self.sessions.insert(session, member, outbox);
        if let Some(older) = taken.flatten().filter(|older| *older != session) {
            self.supersede(older, now);
        }
        metrics::counter!("server_members_entered_total", "how" => how_name(&how)).increment(1);
        Ok(Entered { sid, epoch, how })
    }

    /// Takes what a session says about how it hears.
    pub(crate) fn handle_hearing(&mut self, session: SessionId, hearing: Hearing, now: ServerTime) {
        match hearing {
            Hearing::Resync { resync, reply } => {
                let _ = reply.send(self.resync(session, resync, now));
            }
            Hearing::MeAck(q) => {
                if let Some(user) = self.sessions.user(session).cloned() {
                    self.room.handle_personal_ack(&user, q);
                }
            }
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
        now: ServerTime,
    ) -> Result<usize, Refused> {
        let Resync { stream, from } = resync;
        let not_here = || Refused::new(Code::Forbidden, "this session is not in the room");
        let outbox = self.sessions.outbox(session).ok_or_else(not_here)?;
        let after = from.saturating_sub(1);
        if stream == Stream::Me {
            let user = self.sessions.user(session).ok_or_else(not_here)?;
            let events = self.room.personal(user, after, now).map(encode_event);
            return Ok(events.map(|text| outbox.push(Lane::Control, text.into())).count());
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
