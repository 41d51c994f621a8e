//! What is said and asked, and likes.

use room_rules::{
    ChatContent, ChatId, ChatText, Command, CustomData, CustomKind, DanmakuPlace, DanmakuStyle,
    LikeCount, QuestionId, StickerId, TalkCommand,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, messages};
use super::user_id;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "chat.send": ChatBody => |body| chat_text(&body.text).map(Command::ChatSend);
    "chat.danmaku": DanmakuBody => |body| body.read().map(TalkCommand::Show).map(Command::Talk);
    "chat.sticker": StickerBody => |body| body.read().map(TalkCommand::Show).map(Command::Talk);
    "chat.custom": CustomBody => |body| body.read().map(TalkCommand::Show).map(Command::Talk);
    "chat.whisper": WhisperBody => |body| body.read().map(Command::Talk);
    "chat.delete": OfLineBody => |body| {
        let id = ChatId::parse(&body.id).ok_or("id is not an id")?;
        Ok(Command::Talk(TalkCommand::Delete(id)))
    };
    "question.ask": QuestionBody => |body| {
        chat_text(&body.text).map(TalkCommand::Ask).map(Command::Talk)
    };
    "question.pin": OfQuestionBody => |body| {
        question_id(&body.question).map(TalkCommand::PinQuestion).map(Command::Talk)
    };
    "question.unpin": OfQuestionBody => |body| {
        question_id(&body.question).map(TalkCommand::UnpinQuestion).map(Command::Talk)
    };
    "question.answer": AnswerBody => |body| body.read().map(Command::Talk);
    "question.drop": OfQuestionBody => |body| {
        question_id(&body.question).map(TalkCommand::DropQuestion).map(Command::Talk)
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
#[schemars(rename = "ChatDanmaku")]
struct DanmakuBody {
    #[schemars(length(min = 1, max = 300))]
    text: String,
    #[schemars(regex(pattern = "^#[0-9a-fA-F]{6}$"))]
    colour: Option<String>,
    place: Option<PlaceBody>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DanmakuPlace")]
enum PlaceBody {
    Scroll,
    Top,
    Bottom,
}

impl DanmakuBody {
    fn read(self) -> Result<ChatContent, String> {
        let place = match self.place {
            None | Some(PlaceBody::Scroll) => DanmakuPlace::Scroll,
            Some(PlaceBody::Top) => DanmakuPlace::Top,
            Some(PlaceBody::Bottom) => DanmakuPlace::Bottom,
        };
        let colour =
            self.colour.as_deref().map(|text| colour(text).ok_or("colour must be #rrggbb"));
        let style = DanmakuStyle { colour: colour.transpose()?, place };
        Ok(ChatContent::Danmaku { text: chat_text(&self.text)?, style })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChatSticker")]
struct StickerBody {
    #[schemars(length(min = 1, max = 64))]
    sticker: String,
}

impl StickerBody {
    fn read(self) -> Result<ChatContent, String> {
        let sticker = StickerId::parse(&self.sticker);
        let sticker = sticker.ok_or("sticker must hold 1 to 64 of A-Z a-z 0-9 _ -")?;
        Ok(ChatContent::Sticker(sticker))
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChatCustom")]
struct CustomBody {
    #[schemars(length(min = 1, max = 64))]
    kind: String,
    data: serde_json::Value,
}

impl CustomBody {
    fn read(self) -> Result<ChatContent, String> {
        let kind = CustomKind::parse(&self.kind);
        // Written anew, so that no escape hides a word that may not be said.
        let data = CustomData::new(&self.data.to_string());
        Ok(ChatContent::Custom {
            kind: kind.ok_or("kind must hold 1 to 64 of A-Z a-z 0-9 _ - .")?,
            data: data.ok_or("data may hold 1024 bytes")?,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChatWhisper")]
struct WhisperBody {
    #[schemars(length(min = 1, max = 300))]
    text: String,
    to: Option<String>,
}

impl WhisperBody {
    fn read(self) -> Result<TalkCommand, String> {
        let to = self.to.as_deref().map(user_id).transpose()?;
        Ok(TalkCommand::Whisper { text: chat_text(&self.text)?, to })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfLine")]
struct OfLineBody {
    id: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "QuestionAsk")]
struct QuestionBody {
    #[schemars(length(min = 1, max = 300))]
    text: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfQuestion")]
struct OfQuestionBody {
    question: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "QuestionAnswer")]
struct AnswerBody {
    question: String,
    #[schemars(length(min = 1, max = 300))]
    text: Option<String>,
}

impl AnswerBody {
    fn read(self) -> Result<TalkCommand, String> {
        let text = self.text.as_deref().map(chat_text).transpose()?;
        Ok(TalkCommand::Answer { question: question_id(&self.question)?, text })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Like")]
struct LikeBody {
    #[schemars(range(min = 1, max = 50))]
    n: u32,
}

fn chat_text(text: &str) -> Result<ChatText, String> {
    ChatText::parse(text).ok_or_else(|| "text must hold 1 to 300 characters".to_owned())
}

fn question_id(text: &str) -> Result<QuestionId, String> {
    QuestionId::parse(text).ok_or_else(|| "question is not an id".to_owned())
}

fn colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}
