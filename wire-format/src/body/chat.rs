//! What is said and asked.

use room_rules::{
    ChatContent, ChatLine, DanmakuPlace, QuestionView, ServerTime, TalkEvent, Whisper,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

/// `d` of `chat`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Chat")]
pub(crate) struct ChatBody<'a> {
    id: &'a str,
    user: &'a str,
    name: &'a str,
    role: &'static str,
    #[serde(flatten)]
    content: ContentBody<'a>,
}

/// What a line shows; a plain one has a text and nothing else.
#[derive(Default, JsonSchema, Serialize)]
#[schemars(rename = "ChatContent")]
struct ContentBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["danmaku", "sticker", "custom"]))]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    colour: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["scroll", "top", "bottom"]))]
    place: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sticker: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    data: Option<&'a RawValue>,
}

impl<'a> From<&'a ChatLine> for ChatBody<'a> {
    fn from(line: &'a ChatLine) -> Self {
        Self {
            id: line.id.as_str(),
            user: line.user.as_str(),
            name: &line.name,
            role: line.role.as_str(),
            content: (&line.content).into(),
        }
    }
}

impl<'a> From<&'a ChatContent> for ContentBody<'a> {
    fn from(content: &'a ChatContent) -> Self {
        let nothing = Self::default();
        match content {
            ChatContent::Text(text) => Self { text: Some(text.as_str()), ..nothing },
            ChatContent::Danmaku { text, style } => Self {
                kind: Some("danmaku"),
                text: Some(text.as_str()),
                colour: style.colour.map(|[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}")),
                place: Some(match style.place {
                    DanmakuPlace::Scroll => "scroll",
                    DanmakuPlace::Top => "top",
                    DanmakuPlace::Bottom => "bottom",
                }),
                ..nothing
            },
            ChatContent::Sticker(sticker) => {
                Self { kind: Some("sticker"), sticker: Some(sticker.as_str()), ..nothing }
            }
            ChatContent::Custom { kind, data } => Self {
                kind: Some("custom"),
                custom: Some(kind.as_str()),
                // It was JSON when it came up; the rules do not look into it.
                data: serde_json::from_str(data.as_str()).ok(),
                ..nothing
            },
        }
    }
}

/// `d` of `whisper`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Whisper")]
pub(crate) struct WhisperBody<'a> {
    #[serde(flatten)]
    line: ChatBody<'a>,
    to: Option<&'a str>,
}

impl<'a> From<&'a Whisper> for WhisperBody<'a> {
    fn from(whisper: &'a Whisper) -> Self {
        let to = whisper.to.as_ref().map(room_rules::UserId::as_str);
        Self { line: (&whisper.line).into(), to }
    }
}

/// `d` of `chat.deleted`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ChatDeleted")]
pub(crate) struct DeletedBody<'a> {
    id: &'a str,
}

/// `d` of `chat.wiped`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ChatWiped")]
pub(crate) struct WipedBody<'a> {
    user: &'a str,
}

/// `Question`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Question")]
pub(crate) struct QuestionBody<'a> {
    question: &'a str,
    user: &'a str,
    name: &'a str,
    text: &'a str,
    asked_at: u64,
    pinned: bool,
    answered_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
}

impl<'a> From<&'a QuestionView> for QuestionBody<'a> {
    fn from(view: &'a QuestionView) -> Self {
        Self {
            question: view.question.as_str(),
            user: view.user.as_str(),
            name: &view.name,
            text: view.text.as_str(),
            asked_at: view.asked_at.unix_millis(),
            pinned: view.pinned,
            answered_at: view.answered_at.map(ServerTime::unix_millis),
            answer: view.answer.as_ref().map(room_rules::ChatText::as_str),
        }
    }
}

/// `d` of `question.gone`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "QuestionGone")]
pub(crate) struct QuestionGoneBody<'a> {
    question: &'a str,
}

/// `d` of what became of what was said, and of what is asked.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(rename = "TalkEvent")]
pub(crate) enum TalkData<'a> {
    Question(QuestionBody<'a>),
    Deleted(DeletedBody<'a>),
    Wiped(WipedBody<'a>),
    QuestionGone(QuestionGoneBody<'a>),
}

/// Returns an event's `t` and its `d`.
pub(crate) fn talk_event(event: &TalkEvent) -> (&'static str, TalkData<'_>) {
    match event {
        TalkEvent::Deleted(id) => {
            ("chat.deleted", TalkData::Deleted(DeletedBody { id: id.as_str() }))
        }
        TalkEvent::Wiped(user) => {
            ("chat.wiped", TalkData::Wiped(WipedBody { user: user.as_str() }))
        }
        TalkEvent::Question(view) => ("question.updated", TalkData::Question(view.into())),
        TalkEvent::QuestionGone(question) => {
            let gone = QuestionGoneBody { question: question.as_str() };
            ("question.gone", TalkData::QuestionGone(gone))
        }
    }
}
