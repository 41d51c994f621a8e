//! Gifts.

use room_rules::{Command, GiftCount, GiftId, GiftOrder};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, messages};
use super::{idem_key, room_id};

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "gift.send": GiftBody => |body| body.read().map(Command::GiftSend);
};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "GiftSend")]
struct GiftBody {
    #[schemars(length(min = 1, max = 64))]
    gift: String,
    #[schemars(range(min = 1, max = 9999))]
    n: u32,
    to: Option<String>,
    #[schemars(length(min = 1, max = 64))]
    idem: String,
}

impl GiftBody {
    fn read(self) -> Result<GiftOrder, String> {
        Ok(GiftOrder {
            gift: GiftId::parse(&self.gift).ok_or("gift must hold 1 to 64 of A-Z a-z 0-9 _ -")?,
            count: GiftCount::new(self.n).ok_or("n must be 1 to 9999")?,
            to: self.to.as_deref().map(room_id).transpose()?,
            idem: idem_key(&self.idem)?,
        })
    }
}
