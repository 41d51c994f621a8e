//! Battles before their start and after their end.

use room_rules::{
    Areas, BattleEnd, BattleResult, BattleState, BattleView, Countdown, CountdownId, CountdownKind,
    CountdownState, EventBody, Giver, Member, Role, Rush, Scores, SideState, SideView,
};

use crate::{at, pk, room, sale_countdown, scores, user};

pub(crate) fn invited() -> BattleView {
    BattleView {
        pk: pk(),
        state: BattleState::Inviting,
        sides: vec![side("a", SideState::In), side("b", SideState::Asked)],
        round: 0,
        start_at: None,
        end_at: None,
        rush: None,
        punish_until: None,
        scores: scores(0),
        top: vec![Vec::new(), Vec::new()],
        version: 1,
        result: None,
    }
}

/// A host has the room's name.
fn side(name: &str, state: SideState) -> SideView {
    let host = Member {
        user: user(&format!("host-{name}")),
        name: name.to_uppercase().into(),
        role: Role::Host,
        caps: Areas::ALL,
    };
    let host = (state != SideState::Asked).then_some(host);
    SideView { room: room(name), host, state, reason: None }
}

pub(crate) fn decided() -> BattleView {
    let reason = Some(BattleEnd::Timeout);
    let gone = SideView { reason, ..side("c", SideState::Asked) };
    let gone = SideView { state: SideState::Out, ..gone };
    BattleView {
        state: BattleState::Punishing,
        sides: vec![side("a", SideState::In), side("b", SideState::Surrendered), gone],
        round: 1,
        rush: Some(Rush { from: at(53_000), factor: 2 }),
        start_at: Some(at(3_000)),
        end_at: Some(at(63_000)),
        punish_until: Some(at(93_000)),
        scores: Scores { rooms: ["a", "b", "c"].map(room).into(), points: vec![10, 0, 0] },
        top: top(),
        version: 9,
        result: Some(BattleResult { winner: Some(room("a")), reason: BattleEnd::Time }),
        ..invited()
    }
}

/// A score that comes with who made it.
pub(crate) fn score() -> EventBody {
    let BattleView { pk, version, scores, top, .. } = decided();
    EventBody::PkScore { pk, version, scores, top: Some(top) }
}

/// One viewer gave all that there is.
pub(crate) fn top() -> Vec<Vec<Giver>> {
    let bob = Giver { user: user("bob"), name: "Bob".into(), points: 10 };
    vec![vec![bob], Vec::new(), Vec::new()]
}

pub(crate) fn countdown() -> Countdown {
    Countdown {
        id: CountdownId::parse("a-1-pk1-start").unwrap(),
        revision: 2,
        kind: CountdownKind::PkStart,
        close_at: None,
        state: CountdownState::Fired,
        labels: &["3", "2", "1", "PK!"],
        subject: "a-1-pk1".to_owned(),
        ..sale_countdown()
    }
}
