//! Words and likes.

use room_rules::{ChatText, Command, LikeCount};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, messages};

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "chat.send": ChatBody => |body| {
        let text = ChatText::parse(&body.text).ok_or("text must hold 1 to 300 characters")?;
        Ok(Command::ChatSend(text))
    };
    "like": LikeBody => |body| {
        Ok(Command::Like(LikeCount::new(body.n).ok_or("n must be 1 to 50")?))
    };
};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChatSend")]
struct ChatBody {
    #[schemars(length(min = 1, max = 300))]
    text: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Like")]
struct LikeBody {
    #[schemars(range(min = 1, max = 50))]
    n: u32,
}
