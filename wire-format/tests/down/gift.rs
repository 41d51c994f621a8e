//! What was given, and by whom most of all.

use room_rules::{BattleTop, Contributor, GiftId, GiftItem, Leaders, Reactions, ServerTime};

use crate::{battle, now, pk, room, user};

pub(crate) fn roses() -> GiftItem {
    GiftItem {
        user: user("bob"),
        name: "Bob".into(),
        gift: GiftId::parse("rose").unwrap(),
        to: room("a"),
        at: ServerTime::from_unix_millis(now().unix_millis() - 50),
        count: 2,
        coins: 20,
        combo: 7,
        combo_count: 5,
        combo_ended: false,
    }
}

pub(crate) fn over() -> GiftItem {
    GiftItem {
        user: user("cara"),
        name: "Cara".into(),
        gift: GiftId::parse("cake").unwrap(),
        to: room("b"),
        at: now(),
        count: 0,
        coins: 0,
        combo: 6,
        combo_count: 3,
        combo_ended: true,
    }
}

fn contributor(name: &str, coins: u64) -> Contributor {
    Contributor { user: user(&name.to_lowercase()), name: name.into(), coins }
}

pub(crate) fn reactions() -> Reactions {
    let top = vec![contributor("Bob", 900), contributor("Cara", 90)];
    Reactions { online: 12, likes: 345, gifts: 27, coins: 990, senders: 2, top }
}

pub(crate) fn leaders() -> Leaders {
    let Reactions { gifts, coins, senders, top, .. } = reactions();
    Leaders { gifts, coins, senders, top, battle: None }
}

pub(crate) fn leaders_after_a_battle() -> Leaders {
    let sides = ["a", "b", "c"].map(room).into_iter().zip(battle::top()).collect();
    Leaders { battle: Some(BattleTop { pk: pk(), owner: room("a"), sides }), ..leaders() }
}
