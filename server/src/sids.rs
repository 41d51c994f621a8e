//! Under which names sessions may come back, for a minute after their connection broke. A name is
//! good for its own user alone, and whoever comes back under the name of a session that is still
//! there takes its place. The names do not survive a crash, so for a minute after it any that nobody
//! has taken is good: it opens no door, only a token does, and what its bearer is told again is what
//! everybody was told, and they themselves.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use room_rules::{ServerTime, SessionId, UserId};
use signaling::Sid;

/// How long a name is good after its connection broke.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Names of sessions that are gone. Full: the oldest is forgotten, and who comes back under it gets a snapshot.
const GONE_MAX: usize = 20_000;

/// The names of a room's sessions.
#[derive(Debug, Default)]
pub(crate) struct Sids {
    names: HashMap<Sid, Named>,
    present: HashMap<SessionId, Sid>,
    /// Who is gone since when, the longest first; a name that came back is in here in vain.
    gone: VecDeque<(ServerTime, Sid)>,
    /// Until when names from before the crash are good.
    older_until: Option<ServerTime>,
}

#[derive(Debug)]
struct Named {
    user: UserId,
    session: Option<SessionId>,
    gone_at: Option<ServerTime>,
}

impl Sids {
    /// Creates the names of a room that was made anew at `now`.
    pub(crate) fn after_crash(now: ServerTime) -> Self {
        Self { older_until: Some(now + KEPT_FOR), ..Self::default() }
    }

    /// Gives `session` a name.
    pub(crate) fn insert(&mut self, sid: Sid, user: UserId, session: SessionId) {
        self.present.insert(session, sid.clone());
        self.names.insert(sid, Named { user, session: Some(session), gone_at: None });
    }

    /// Lets `user` come back under `sid`; returns whether they may, and which session is still there
    /// under it.
    pub(crate) fn take(
        &mut self,
        sid: &Sid,
        user: &UserId,
        now: ServerTime,
    ) -> Option<Option<SessionId>> {
        self.forget_old(now);
        let Some(named) = self.names.get(sid) else {
            return self.older_until.is_some_and(|until| now <= until).then_some(None);
        };
        if named.user != *user {
            return None;
        }
        let older = named.session;
        self.names.remove(sid);
        if let Some(older) = older {
            self.present.remove(&older);
        }
        Some(older)
    }

    /// Takes that a session is gone.
    pub(crate) fn handle_leave(&mut self, session: SessionId, now: ServerTime) {
        self.forget_old(now);
        let Some(sid) = self.present.remove(&session) else { return };
        let named = self.names.get_mut(&sid).expect("who is present has a name");
        named.session = None;
        named.gone_at = Some(now);
        self.gone.push_back((now, sid));
    }

    fn forget_old(&mut self, now: ServerTime) {
        while let Some((since, sid)) = self.gone.front() {
            if now.since(*since) <= KEPT_FOR && self.gone.len() <= GONE_MAX {
                return;
            }
            // Only if it has not come back and gone again since.
            if self.names.get(sid).is_some_and(|named| named.gone_at == Some(*since)) {
                self.names.remove(sid);
            }
            self.gone.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_good_for_its_user_for_a_minute_and_says_who_is_still_there() {
        let at = ServerTime::from_unix_millis;
        let user = |name| UserId::parse(name).unwrap();
        let (sid, bob, eve) = (Sid::new("s"), user("bob"), user("eve"));
        let mut sids = Sids::default();

        sids.insert(sid.clone(), bob.clone(), SessionId(1));
        assert_eq!(sids.take(&sid, &eve, at(0)), None, "somebody else's");
        assert_eq!(sids.take(&sid, &bob, at(0)), Some(Some(SessionId(1))), "still there");
        sids.insert(sid.clone(), bob.clone(), SessionId(2));
        sids.handle_leave(SessionId(1), at(0));
        sids.handle_leave(SessionId(2), at(1_000));
        assert_eq!(sids.take(&sid, &bob, at(61_000)), Some(None));
        sids.insert(sid.clone(), bob.clone(), SessionId(3));
        sids.handle_leave(SessionId(3), at(62_000));
        assert_eq!(sids.take(&sid, &bob, at(122_001)), None, "too late");
        assert!(sids.names.is_empty() && sids.present.is_empty() && sids.gone.is_empty());
    }

    #[test]
    fn after_a_crash_a_name_that_nobody_has_taken_is_good_for_a_minute() {
        let at = ServerTime::from_unix_millis;
        let user = |name| UserId::parse(name).unwrap();
        let (sid, bob, eve) = (Sid::new("s"), user("bob"), user("eve"));
        let mut sids = Sids::after_crash(at(1_000));

        assert_eq!(sids.take(&sid, &bob, at(2_000)), Some(None));
        sids.insert(sid.clone(), bob.clone(), SessionId(1));
        assert_eq!(sids.take(&sid, &eve, at(2_000)), None, "bob's now");
        assert_eq!(sids.take(&sid, &bob, at(2_000)), Some(Some(SessionId(1))));
        assert_eq!(sids.take(&Sid::new("t"), &eve, at(61_000)), Some(None));
        assert_eq!(sids.take(&Sid::new("u"), &eve, at(61_001)), None, "too late");
    }
}
