//! Gifts.

use room_rules::{Command, GiftCount, GiftKind, GiftOrder};
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
            gift: GiftKind::parse(&self.gift).ok_or("there is no such gift")?,
            count: GiftCount::new(self.n).ok_or("n must be 1 to 9999")?,
            to: self.to.as_deref().map(room_id).transpose()?,
            idem: idem_key(&self.idem)?,
        })
    }
}
