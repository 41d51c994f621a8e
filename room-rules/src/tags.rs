//! The words under which the list of rooms finds a room.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;

const CHARS_MAX: usize = 24;
const TAGS_MAX: usize = 8;

/// One word: 1 to 24 characters without control characters and space around them, in lower case, so
/// that it is found however it is written.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Arc<str>);

impl Tag {
    /// Reads a tag; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let fits = (1..=CHARS_MAX).contains(&text.chars().count());
        (fits && !text.chars().any(char::is_control)).then(|| Self(text.into()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Tag {
    type Error = OutOfLimits;

    fn try_from(text: String) -> Result<Self, OutOfLimits> {
        Self::parse(&text).ok_or(OutOfLimits("Tag"))
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        (*tag.0).into()
    }
}

/// At most eight tags, each once, in the order in which they are shown.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Vec<Tag>", into = "Vec<Tag>")]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// Takes tags, of equal ones the first; `None` if there are more than eight.
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Option<Self> {
        let mut kept: Vec<Tag> = Vec::new();
        for tag in tags {
            if !kept.contains(&tag) {
                kept.push(tag);
            }
            if kept.len() > TAGS_MAX {
                return None;
            }
        }
        Some(Self(kept))
    }

    /// Returns whether `tag` is one of them.
    pub fn has(&self, tag: &Tag) -> bool {
        self.0.contains(tag)
    }

    /// Returns whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns them in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }
}

impl TryFrom<Vec<Tag>> for Tags {
    type Error = OutOfLimits;

    fn try_from(tags: Vec<Tag>) -> Result<Self, OutOfLimits> {
        Self::new(tags).ok_or(OutOfLimits("Tags"))
    }
}

impl From<Tags> for Vec<Tag> {
    fn from(tags: Tags) -> Self {
        tags.0
    }
}
