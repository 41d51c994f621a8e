//! What people say besides plain lines, and what is done about it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;
use crate::{Capability, ChatId, ChatText, QuestionId, UserId};

const NAME_MAX: usize = 64;
const DATA_MAX: usize = 1_024;

/// One thing that is said or done about what is said.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TalkCommand {
    /// Shows something to everyone that is no plain line.
    Show(ChatContent),
    /// Says something to those who host and keep order; they may say something to one user.
    Whisper {
        /// What.
        text: ChatText,
        /// To whom, of those who keep order.
        to: Option<UserId>,
    },
    /// Takes a line away from everybody: one's own of the last, or any of those who keep order.
    Delete(ChatId),
    /// Asks the host something.
    Ask(ChatText),
    /// Shows one question above all others, in the place of any other.
    PinQuestion(QuestionId),
    /// Shows it among the others again.
    UnpinQuestion(QuestionId),
    /// Says that a question was answered, perhaps how.
    Answer {
        /// Which.
        question: QuestionId,
        /// The answer, if it was not given aloud.
        text: Option<ChatText>,
    },
    /// Takes a question away: one's own, or any of those who keep order.
    DropQuestion(QuestionId),
}

impl TalkCommand {
    pub(crate) const fn needs(&self) -> Capability {
        match self {
            Self::Show(_) | Self::Ask(_) | Self::Whisper { to: None, .. } => Capability::Chat,
            Self::Whisper { to: Some(_), .. }
            | Self::Delete(_)
            | Self::PinQuestion(_)
            | Self::UnpinQuestion(_)
            | Self::Answer { .. }
            | Self::DropQuestion(_) => Capability::Moderate,
        }
    }

    /// Returns whether it must survive a crash. Lines do not; that one was taken away does, so that
    /// everybody hears of it whatever they missed.
    pub(crate) const fn is_durable(&self) -> bool {
        !self.is_line()
    }

    /// Returns whether this is said as lines are, by many and often.
    pub const fn is_line(&self) -> bool {
        matches!(self, Self::Show(_) | Self::Whisper { .. })
    }
}

/// What a line of chat shows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatContent {
    /// Words.
    Text(ChatText),
    /// Words that fly over the picture.
    Danmaku {
        /// Which.
        text: ChatText,
        /// How they look, if that was said.
        style: DanmakuStyle,
    },
    /// A picture that every page has.
    Sticker(StickerId),
    /// Something that the platform's own pages understand.
    Custom {
        /// What it is.
        kind: CustomKind,
        /// What it says, as JSON.
        data: CustomData,
    },
}

impl ChatContent {
    /// Returns everything in it that can hold words.
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Text(text) | Self::Danmaku { text, .. } => text.as_str(),
            Self::Sticker(_) => "",
            Self::Custom { data, .. } => data.as_str(),
        }
    }
}

/// How words that fly over the picture look.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct DanmakuStyle {
    /// Red, green and blue.
    pub colour: Option<[u8; 3]>,
    /// Where.
    pub place: DanmakuPlace,
}

/// Where words fly.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DanmakuPlace {
    /// From right to left.
    #[default]
    Scroll,
    /// They stand at the top.
    Top,
    /// They stand at the bottom.
    Bottom,
}

macro_rules! short_name {
    ($(#[$doc:meta])* $name:ident, $more:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a name; `None` if it is none.
            pub fn parse(text: &str) -> Option<Self> {
                let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || $more.contains(&byte);
                let fits = (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(is_allowed);
                fits.then(|| Self(text.into()))
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = OutOfLimits;

            fn try_from(text: String) -> Result<Self, OutOfLimits> {
                Self::parse(&text).ok_or(OutOfLimits(stringify!($name)))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                (*name.0).into()
            }
        }
    };
}

short_name!(
    /// A sticker: 1 to 64 of `A-Z a-z 0-9 _ -`.
    StickerId,
    b"_-"
);
short_name!(
    /// What a platform's own message is: 1 to 64 of `A-Z a-z 0-9 _ - .`.
    CustomKind,
    b"_-."
);

/// JSON of at most 1,024 bytes. Whoever makes one has seen that it is JSON; the rules only pass it on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct CustomData(Arc<str>);

impl CustomData {
    /// Takes JSON; `None` if it is too long or nothing.
    pub fn new(json: &str) -> Option<Self> {
        (1..=DATA_MAX).contains(&json.len()).then(|| Self(json.into()))
    }

    /// Returns the JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CustomData {
    type Error = OutOfLimits;

    fn try_from(text: String) -> Result<Self, OutOfLimits> {
        Self::new(&text).ok_or(OutOfLimits("CustomData"))
    }
}

impl From<CustomData> for String {
    fn from(data: CustomData) -> Self {
        (*data.0).into()
    }
}
