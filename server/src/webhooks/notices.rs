//! Which of the things that happen in a room back ends are told, counted so that a journal that is
//! read again counts alike: whoever takes nothing of it, and whatever the configuration is then, a
//! notice has the number that it had. So only what follows from durable inputs and time is counted
//! here; who comes and goes, and what media do, is told beside it and has no number.

mod shop;

use std::collections::HashMap;

use ledger::Notice;
use room_rules::{
    BattleState, Command, Effect, Event, EventBody, GiveawayEvent, Input, LotteryState,
    MediaChange, Member, PacketState, Reply, RoomState, SaleState, UserId,
};
use serde_json::{Value, json};
use wire_format::{encode_event, encode_reply};

use super::Subscribers;

/// Makes the notices of one room, in order.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    subscribers: Subscribers,
    /// Notices made so far, whether or not anybody takes them.
    count: u64,
    /// What was last told of each thing on sale, battle and giveaway that is not over.
    told: HashMap<String, &'static str>,
}

impl Notices {
    pub(crate) fn new(subscribers: Subscribers) -> Self {
        Self { subscribers, ..Self::default() }
    }

    /// Returns how many were made.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// Returns what is told of an effect, in order.
    pub(crate) fn of_effect(&mut self, effect: &Effect) -> Vec<Notice> {
        match effect {
            Effect::Broadcast(event) => self.of_event(event),
            Effect::ToUser { user, event } => self.of_personal(user, event),
            Effect::ToRoom { .. }
            | Effect::Keep
            | Effect::StageChanged
            | Effect::Unpublish(_)
            | Effect::Silence { .. }
            | Effect::Expel(_)
            | Effect::ToStaff(_)
            | Effect::Whisper(_)
            | Effect::Ended(_) => Vec::new(),
        }
    }

    /// Returns what is told of an input that was carried out. What came of it beside is in its effects.
    pub(crate) fn of_decided(&mut self, input: &Input, reply: &Reply) -> Option<Notice> {
        match (input, reply) {
            (Input::Restarted, _) => Some(self.make("room.restarted", || json!({}))),
            (Input::Media { user, change }, _) => {
                let kind = match change {
                    MediaChange::Started => "stream.started",
                    MediaChange::Stopped => "stream.ended",
                };
                Some(self.make(kind, || json!({"user": user.as_str()})))
            }
            (Input::Command { by, command, .. }, Reply::Order(_)) => {
                Some(self.make("order.accepted", || bought(by, command, reply)))
            }
            (
                Input::Command { by, command: Command::GiftSend(gift), .. },
                Reply::Gift { coins, .. },
            ) => Some(self.make("gift.accepted", || {
                json!({
                    "user": by.user.as_str(),
                    "gift": gift.gift.as_str(),
                    "count": gift.count.number(),
                    "coins": coins,
                    "to": gift.to.as_ref().map(room_rules::RoomId::as_str),
                    "idem": gift.idem.as_str(),
                })
            })),
            (
                Input::Command { .. }
                | Input::Publish { .. }
                | Input::Letter { .. }
                | Input::Likes { .. }
                | Input::Absent { .. },
                _,
            ) => None,
        }
    }

    /// Returns a notice of something that no journal tells again, if anybody takes it.
    pub(crate) fn passing(
        &self,
        kind: &'static str,
        data: impl FnOnce() -> Value,
    ) -> Option<Notice> {
        let to = self.subscribers.of(kind)?.clone();
        Some(Notice { kind, body: data().to_string(), to })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most events are for members only")]
    fn of_event(&mut self, event: &Event) -> Vec<Notice> {
        let kind = match &event.body {
            EventBody::RoomState { state, .. } => match state {
                RoomState::Created => return Vec::new(),
                RoomState::Waiting => "room.waiting",
                RoomState::Live => "room.live",
                RoomState::Interrupted => "room.interrupted",
                RoomState::Ended => "room.ended",
            },
            EventBody::SeatUpdated(_) => "seat.updated",
            EventBody::SeatRequest { .. } => "seat.request",
            EventBody::Gifts(_) => "gift.batch",
            EventBody::PkUpdated(battle) => {
                return self.of_battle(battle.pk.as_str(), battle.state, event);
            }
            EventBody::SaleUpdated(sale) => {
                let (kind, is_over) = match sale.state {
                    SaleState::Counting => ("sale.announced", false),
                    SaleState::Open => ("sale.opened", false),
                    SaleState::Paused => ("sale.paused", false),
                    SaleState::SoldOut => ("sale.sold_out", false),
                    SaleState::Closed | SaleState::Cancelled => ("sale.closed", true),
                };
                return self.once(sale.sale.as_str(), kind, is_over, event);
            }
            EventBody::Giveaway(GiveawayEvent::Packet(packet)) => {
                let (kind, is_over) = match packet.state {
                    PacketState::Counting => return Vec::new(),
                    PacketState::Open => ("packet.opened", false),
                    PacketState::Empty | PacketState::Expired | PacketState::Cancelled => {
                        ("packet.ended", true)
                    }
                };
                return self.once(packet.packet.as_str(), kind, is_over, event);
            }
            EventBody::Giveaway(GiveawayEvent::Lottery(lottery)) => {
                let (kind, is_over) = match lottery.state {
                    LotteryState::Open => ("lottery.opened", false),
                    LotteryState::Closed => return Vec::new(),
                    LotteryState::Drawn => ("lottery.drawn", true),
                    LotteryState::Aborted => ("lottery.aborted", true),
                };
                return self.once(lottery.lottery.as_str(), kind, is_over, event);
            }
            EventBody::Shop(news) => return self.of_shop(news, event),
            _ => return Vec::new(),
        };
        vec![self.make(kind, || data_of(event))]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most steps are told by the next one")]
    fn of_battle(&mut self, pk: &str, state: BattleState, event: &Event) -> Vec<Notice> {
        match state {
            BattleState::Inviting => self.once(pk, "pk.invited", false, event),
            BattleState::Battling => self.once(pk, "pk.started", false, event),
            BattleState::Punishing => self.once(pk, "pk.settled", false, event),
            BattleState::Idle => {
                // A battle without a punishment is settled and over at once.
                let mut notices = Vec::new();
                if self.told.get(pk) == Some(&"pk.started") {
                    notices = self.once(pk, "pk.settled", false, event);
                }
                notices.extend(self.once(pk, "pk.ended", true, event));
                notices
            }
            _ => Vec::new(),
        }
    }

    fn of_personal(&mut self, user: &UserId, event: &Event) -> Vec<Notice> {
        let EventBody::Shop(news) = &event.body else { return Vec::new() };
        let Some(kind) = shop::kind_for_one(news) else { return Vec::new() };
        let data = || {
            let mut data = data_of(event);
            if let Some(data) = data.as_object_mut() {
                data.insert("user".to_owned(), user.as_str().into());
            }
            data
        };
        vec![self.make(kind, data)]
    }

    /// Makes a notice unless the last one of this subject was the same.
    fn once(
        &mut self,
        subject: &str,
        kind: &'static str,
        is_over: bool,
        event: &Event,
    ) -> Vec<Notice> {
        if self.told.get(subject) == Some(&kind) {
            return Vec::new();
        }
        if is_over {
            self.told.remove(subject);
        } else {
            self.told.insert(subject.to_owned(), kind);
        }
        vec![self.make(kind, || data_of(event))]
    }

    fn make(&mut self, kind: &'static str, data: impl FnOnce() -> Value) -> Notice {
        self.count += 1;
        match self.subscribers.of(kind) {
            Some(to) => Notice { kind, body: data().to_string(), to: to.clone() },
            None => Notice { kind, body: String::new(), to: [].into() },
        }
    }
}

/// Returns what members are told of it.
fn data_of(event: &Event) -> Value {
    let mut message: Value =
        serde_json::from_str(&encode_event(event)).expect("an event is written as JSON");
    message["d"].take()
}

fn bought(by: &Member, command: &Command, reply: &Reply) -> Value {
    let mut data: Value =
        serde_json::from_str(&encode_reply(reply)).expect("a reply is written as JSON");
    if let Some(data) = data.as_object_mut() {
        data.insert("user".to_owned(), by.user.as_str().into());
        let idem = command.idem().map(room_rules::IdemKey::as_str);
        data.insert("idem".to_owned(), idem.into());
    }
    data
}
