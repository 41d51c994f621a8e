//! Pictures of a room's program as files: one is made when somebody wants it, and serves everybody
//! who wants one within the next second.

use std::time::Duration;

use mixer::link::SnapshotWish;
use room_rules::{Member, Role, ServerTime};
use signaling::{Answer, ProgramPicture, Refused};
use wire_format::Code;

use crate::inspector::Inspector;
use crate::media_pace::MediaPace;

/// A picture serves so long.
const FRESH: Duration = Duration::from_secs(1);

/// A picture that did not come is asked for again, because a mixer that was just started forgets.
const ASK_AGAIN: Duration = Duration::from_millis(400);

/// Whoever waited so long is told to come again.
const PATIENCE: Duration = Duration::from_millis(4_500);

/// Pictures of so many sizes are kept or waited for. Full: the oldest kept one goes; a new size that
/// would have to wait is `BUSY`.
const MOST_SIZES: usize = 8;

/// So many may wait for one picture. Full: `BUSY`.
const MOST_WAITING: usize = 256;

/// Of one user: so many at once, and then one every so often.
const USER_PACE: (u32, Duration) = (4, Duration::from_millis(500));

/// Of one room: so many are made at once, and then one every so often.
const ROOM_PACE: (u32, Duration) = (10, Duration::from_millis(100));

/// The pictures of one room.
#[derive(Debug)]
pub(crate) struct Album {
    /// Oldest first.
    kept: Vec<(u16, ProgramPicture)>,
    waiting: Vec<Waiting>,
    numbers: u64,
    users: MediaPace,
    /// When all of the room's allowance is there again.
    whole_at: ServerTime,
}

#[derive(Debug)]
struct Waiting {
    wish: SnapshotWish,
    replies: Vec<Answer<ProgramPicture>>,
    inspector: Option<Inspector>,
    asked: ServerTime,
    until: ServerTime,
}

impl Default for Album {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            waiting: Vec::new(),
            numbers: 0,
            users: MediaPace::new(USER_PACE.0, USER_PACE.1),
            whole_at: ServerTime::from_unix_millis(0),
        }
    }
}

impl Album {
    /// Takes from the allowance of who wants a picture; the platform's own users have no bound.
    ///
    /// # Errors
    /// `RATE_LIMITED` if nothing is left of it.
    pub(crate) fn admit(&mut self, member: &Member, now: ServerTime) -> Result<(), Refused> {
        if member.role == Role::Admin || self.users.allows(&member.user, now) {
            return Ok(());
        }
        Err(Refused::new(Code::RateLimited, "too many snapshots, slow down"))
    }

    /// Returns a fresh picture that is `width` wide, if there is one.
    pub(crate) fn fresh(&self, width: u16, now: ServerTime) -> Option<ProgramPicture> {
        let is_fresh = |(kept, picture): &&(u16, ProgramPicture)| {
            *kept == width && now.since(picture.at) < FRESH
        };
        self.kept.iter().rev().find(is_fresh).map(|(_, picture)| picture.clone())
    }

    /// Lets somebody wait for the next picture; returns the wish for it, if it is a new one.
    pub(crate) fn wait(
        &mut self,
        width: u16,
        reply: Answer<ProgramPicture>,
        now: ServerTime,
    ) -> Option<SnapshotWish> {
        if let Some(waiting) = self.waiting.iter_mut().find(|one| one.wish.width == width) {
            match waiting.replies.len() < MOST_WAITING {
                true => waiting.replies.push(reply),
                false => refuse(reply, Code::Busy, "too many wait for a picture, try again"),
            }
            return None;
        }
        if self.waiting.len() >= MOST_SIZES {
            refuse(reply, Code::Busy, "too many sizes at once, try again");
            return None;
        }
        let whole_at = self.whole_at.max(now) + ROOM_PACE.1;
        if whole_at.since(now) > ROOM_PACE.1 * ROOM_PACE.0 {
            refuse(reply, Code::RateLimited, "too many snapshots of this room, slow down");
            return None;
        }
        self.whole_at = whole_at;
        Some(self.wish(width, vec![reply], None, now))
    }

    /// Lets an inspector have the next picture.
    pub(crate) fn inspect(
        &mut self,
        inspector: &Inspector,
        width: u16,
        now: ServerTime,
    ) -> SnapshotWish {
        self.wish(width, Vec::new(), Some(inspector.clone()), now)
    }

    fn wish(
        &mut self,
        width: u16,
        replies: Vec<Answer<ProgramPicture>>,
        inspector: Option<Inspector>,
        now: ServerTime,
    ) -> SnapshotWish {
        self.numbers += 1;
        let wish = SnapshotWish { number: self.numbers, width };
        let until = now + PATIENCE;
        self.waiting.push(Waiting { wish, replies, inspector, asked: now, until });
        wish
    }

    /// Takes in a picture; `room` is what inspectors are told that it is of.
    pub(crate) fn handle_picture(&mut self, number: u64, picture: ProgramPicture, room: &str) {
        let Some(at) = self.waiting.iter().position(|one| one.wish.number == number) else {
            return;
        };
        let Waiting { wish, replies, inspector, .. } = self.waiting.remove(at);
        if picture.jpeg.is_empty() {
            for reply in replies {
                refuse(reply, Code::Busy, "a picture could not be made, try again");
            }
            return;
        }
        metrics::counter!("server_snapshots_total").increment(1);
        if let Some(inspector) = inspector {
            inspector.post(room, &picture);
        }
        for reply in replies {
            // Whoever asked may have left.
            let _ = reply.send(Ok(picture.clone()));
        }
        self.kept.retain(|(width, _)| *width != wish.width);
        if self.kept.len() == MOST_SIZES {
            self.kept.remove(0);
        }
        self.kept.push((wish.width, picture));
    }

    /// Gives up what took too long and lets go of what is old; returns what to ask for again.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime) -> Vec<SnapshotWish> {
        self.kept.retain(|(_, picture)| now.since(picture.at) < FRESH);
        let is_over = |one: &mut Waiting| one.until <= now;
        for late in self.waiting.extract_if(.., is_over) {
            for reply in late.replies {
                refuse(reply, Code::Busy, "no picture came in time, try again");
            }
        }
        let due = self.waiting.iter_mut().filter(|one| one.asked + ASK_AGAIN <= now);
        due.map(|one| {
            one.asked = now;
            one.wish
        })
        .collect()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.waiting.iter().map(|one| (one.asked + ASK_AGAIN).min(one.until)).min()
    }
}

fn refuse(reply: Answer<ProgramPicture>, code: Code, message: &'static str) {
    let _ = reply.send(Err(Refused::new(code, message)));
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use room_rules::UserId;
    use tokio::sync::oneshot;

    use super::*;

    const START: ServerTime = ServerTime::from_unix_millis(1_780_000_000_000);

    fn after(millis: u64) -> ServerTime {
        START + Duration::from_millis(millis)
    }

    fn made(at: ServerTime) -> ProgramPicture {
        ProgramPicture { at, revision: 3, jpeg: Bytes::from_static(b"jpeg") }
    }

    #[test]
    fn one_picture_serves_all_who_wait_and_whoever_comes_within_a_second() {
        let mut album = Album::default();
        let (first, mut first_gets) = oneshot::channel();
        let (second, mut second_gets) = oneshot::channel();
        let wish = album.wait(360, first, START).unwrap();
        assert!(album.wait(360, second, after(10)).is_none(), "the same will do");
        assert!(album.fresh(360, after(20)).is_none());

        album.handle_picture(wish.number, made(after(30)), "a");
        for gets in [&mut first_gets, &mut second_gets] {
            assert_eq!(gets.try_recv().unwrap().unwrap().jpeg, b"jpeg"[..]);
        }
        assert!(album.fresh(360, after(1_029)).is_some());
        assert!(album.fresh(360, after(1_030)).is_none(), "at most a second old");
        assert!(album.fresh(720, after(100)).is_none(), "another size is another picture");
    }

    #[test]
    fn a_picture_that_does_not_come_is_asked_for_again_and_then_given_up() {
        let mut album = Album::default();
        let (reply, mut gets) = oneshot::channel();
        let wish = album.wait(360, reply, START).unwrap();
        assert_eq!(album.poll_timeout(), Some(after(400)));
        assert!(album.handle_timeout(after(399)).is_empty());
        assert_eq!(album.handle_timeout(after(400)), [wish]);
        assert_eq!(album.poll_timeout(), Some(after(800)));
        assert!(album.handle_timeout(after(4_500)).is_empty());
        assert_eq!(gets.try_recv().unwrap().unwrap_err().code, Code::Busy);
        assert_eq!(album.poll_timeout(), None);
    }

    #[test]
    fn one_user_and_one_room_have_a_pace() {
        let mut album = Album::default();
        let member = Member {
            user: UserId::parse("vera").unwrap(),
            name: "Vera".into(),
            role: Role::Viewer,
            caps: room_rules::Areas::ALL,
        };
        let let_in = (0..20).filter(|_| album.admit(&member, START).is_ok()).count();
        assert_eq!(let_in, 4);
        assert!(album.admit(&member, after(500)).is_ok());

        let mut refused = 0;
        for width in 0..30_u16 {
            let (reply, mut gets) = oneshot::channel();
            if let Some(wish) = album.wait(100 + 2 * width, reply, START) {
                album.handle_picture(wish.number, made(START), "a");
            } else {
                assert_eq!(gets.try_recv().unwrap().unwrap_err().code, Code::RateLimited);
                refused += 1;
            }
        }
        assert_eq!(refused, 20, "ten are made at once");
        assert!(album.kept.len() <= MOST_SIZES);
    }
}
