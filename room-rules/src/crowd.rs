//! Who is in the room. One user may be there several times over: a WebSocket, data channels, a
//! second tab. Heads are users, not sessions.

use std::collections::HashMap;
use std::time::Duration;

use crate::pace::{Pace, Throttle};
use crate::{LikeCount, Member, Rejected, Role, ServerTime, SessionId, UserId};

/// Sessions of one user: tabs, data channels, and what a reload leaves behind for a while. One
/// token must not fill a room. The platform's own users are not counted.
const SESSIONS_PER_USER: usize = 32;

/// Totals go out at most twice a second.
const REACT_EVERY: Duration = Duration::from_millis(500);
const LIKE_INTERVAL: Duration = Duration::from_millis(200);
const LIKE_BURST: u32 = 20;
/// Likes are written down so often while they come: what came since is what a crash takes.
const KEEP_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Crowd {
    sessions: HashMap<SessionId, Member>,
    users: HashMap<UserId, Present>,
    sessions_max: usize,
    likes: u64,
    /// How many of them are written down, and when more of them are to be.
    likes_kept: u64,
    keep: Throttle,
    like_pace: Pace,
    react: Throttle,
}

#[derive(Debug)]
struct Present {
    member: Member,
    sessions: usize,
}

impl Crowd {
    pub(crate) fn new(sessions_max: usize) -> Self {
        Self {
            sessions: HashMap::new(),
            users: HashMap::new(),
            sessions_max,
            likes: 0,
            likes_kept: 0,
            keep: Throttle::new(KEEP_EVERY),
            like_pace: Pace::new(LIKE_INTERVAL, LIKE_BURST),
            react: Throttle::new(REACT_EVERY),
        }
    }

    /// Adds a session; one that is there already becomes `member`'s.
    pub(crate) fn join(
        &mut self,
        session: SessionId,
        member: &Member,
        now: ServerTime,
    ) -> Result<(), Rejected> {
        let is_new = !self.sessions.contains_key(&session);
        if is_new && self.sessions.len() >= self.sessions_max {
            return Err(Rejected::RoomFull);
        }
        let held = self.users.get(&member.user).map_or(0, |present| present.sessions);
        if is_new && held >= SESSIONS_PER_USER && member.role != Role::Admin {
            return Err(Rejected::Conflict("this user has too many sessions in the room"));
        }
        self.leave(session, now);
        self.sessions.insert(session, member.clone());
        let present = self
            .users
            .entry(member.user.clone())
            .or_insert_with(|| Present { member: member.clone(), sessions: 0 });
        present.sessions += 1;
        // The newest token counts.
        present.member = member.clone();
        self.react.touch(now);
        Ok(())
    }

    /// Removes a session; returns its user if that was the user's last one.
    pub(crate) fn leave(&mut self, session: SessionId, now: ServerTime) -> Option<UserId> {
        let user = self.sessions.remove(&session)?.user;
        let present = self.users.get_mut(&user).expect("every session has a user");
        present.sessions -= 1;
        if present.sessions > 0 {
            return None;
        }
        self.users.remove(&user);
        self.react.touch(now);
        Some(user)
    }

    pub(crate) fn handle_like(
        &mut self,
        member: &Member,
        count: LikeCount,
        now: ServerTime,
    ) -> Result<(), Rejected> {
        if !self.like_pace.allow(&member.user, now) {
            return Err(Rejected::RateLimited);
        }
        self.likes += u64::from(count.number());
        self.keep.touch(now);
        self.react.touch(now);
        Ok(())
    }

    /// Returns whether it is time to write the likes down.
    pub(crate) fn take_keep_due(&mut self, now: ServerTime) -> bool {
        self.keep.take(now)
    }

    /// Returns how many likes there are, if that is not written down yet.
    pub(crate) fn unkept_likes(&self) -> Option<u64> {
        (self.likes > self.likes_kept).then_some(self.likes)
    }

    /// Takes that so many likes are written down; after a crash there are as many.
    pub(crate) fn handle_likes_kept(&mut self, total: u64) {
        self.likes_kept = total;
        self.likes = self.likes.max(total);
    }

    /// Takes that totals have changed which are kept elsewhere.
    pub(crate) fn touch(&mut self, now: ServerTime) {
        self.react.touch(now);
    }

    /// Returns whether it is time to tell the totals.
    pub(crate) fn take_due(&mut self, now: ServerTime) -> bool {
        self.react.take(now)
    }

    /// Returns whether there are totals to tell, now or later.
    pub(crate) const fn has_news(&self) -> bool {
        self.react.poll_timeout().is_some()
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        [self.react.poll_timeout(), self.keep.poll_timeout()].into_iter().flatten().min()
    }

    pub(crate) fn member_of(&self, session: SessionId) -> Option<&Member> {
        self.sessions.get(&session)
    }

    pub(crate) fn member(&self, user: &UserId) -> Option<&Member> {
        self.users.get(user).map(|present| &present.member)
    }

    /// Returns how many users are in the room.
    pub(crate) fn online(&self) -> u32 {
        u32::try_from(self.users.len()).unwrap_or(u32::MAX)
    }

    pub(crate) const fn likes(&self) -> u64 {
        self.likes
    }

    pub(crate) fn check(&self) {
        assert!(self.users.len() <= self.sessions.len());
        assert!(self.sessions.len() <= self.sessions_max);
        assert!(self.likes_kept <= self.likes);
    }
}
