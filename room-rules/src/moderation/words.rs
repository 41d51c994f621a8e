//! Words that nobody may say. Text is compared as it looks to a reader: without case, without what
//! stands between letters, and full-width letters as plain ones. It is found anywhere, in the middle
//! of another word too, as languages without spaces need it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Rejected;
use crate::limit::OutOfLimits;

const KEPT: usize = 500;

/// The words that nobody may say.
#[derive(Debug, Default)]
pub(crate) struct BlockedWords {
    /// Full: no more can be added.
    words: Vec<Word>,
}

impl BlockedWords {
    pub(crate) fn change(&mut self, add: &[Word], remove: &[Word]) -> Result<(), Rejected> {
        let mut next: Vec<Word> =
            self.words.iter().filter(|word| !remove.contains(word)).cloned().collect();
        for word in add {
            if !next.contains(word) {
                next.push(word.clone());
            }
        }
        if next.len() > KEPT {
            return Err(Rejected::QueueFull("blocked words"));
        }
        self.words = next;
        Ok(())
    }

    /// Returns whether `text` says one of them.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        if self.words.is_empty() {
            return false;
        }
        let said = plain(text);
        self.words.iter().any(|word| said.contains(&*word.plain))
    }

    pub(crate) fn list(&self) -> &[Word] {
        &self.words
    }
}

/// A word that nobody may say, 1 to 40 characters of which one is a letter or a digit.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Word {
    text: Arc<str>,
    plain: Arc<str>,
}

impl TryFrom<String> for Word {
    type Error = OutOfLimits;

    fn try_from(text: String) -> Result<Self, OutOfLimits> {
        Self::parse(&text).ok_or(OutOfLimits("Word"))
    }
}

impl From<Word> for String {
    fn from(code: Word) -> Self {
        (*code.text).into()
    }
}

impl Word {
    /// Takes a word within the limits; `None` for any other.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = plain(text);
        let fits = text.chars().count() <= 40 && !plain.is_empty();
        fits.then(|| Self { text: text.into(), plain: plain.into() })
    }

    /// Returns it as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Two words are the same if they look the same.
impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.plain == other.plain
    }
}

impl Eq for Word {}

/// Returns the letters and digits of a text, small and of plain width.
fn plain(text: &str) -> String {
    text.chars().map(narrow).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the ASCII character that a full-width one stands for (U+FF01 to U+FF5E).
fn narrow(wide: char) -> char {
    let code = u32::from(wide);
    let narrow = if (0xFF01..=0xFF5E).contains(&code) { code - 0xFEE0 } else { code };
    char::from_u32(narrow).unwrap_or(wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_however_it_is_dressed_up() {
        let mut words = BlockedWords::default();
        words.change(&[word("Scam"), word("加微信")], &[]).unwrap();

        for text in ["scam", "it is a S.C.A.M!", "ＳＣＡＭ", "s\u{200b}cam", "scams", "加 微*信 买"]
        {
            assert!(words.are_in(text), "{text}");
        }
        for text in ["scan", "s c", "微信", "", "!!!"] {
            assert!(!words.are_in(text), "{text}");
        }
    }

    #[test]
    fn words_are_taken_off_the_list_by_how_they_look_and_only_so_many_fit() {
        let mut words = BlockedWords::default();
        words.change(&[word("scam"), word("SCAM")], &[]).unwrap();
        assert_eq!(words.list().len(), 1);
        words.change(&[], &[word("s-c-a-m")]).unwrap();
        assert!(!words.are_in("scam"));

        let many: Vec<_> = (0..=KEPT).map(|n| word(&format!("w{n}x"))).collect();
        assert!(words.change(&many, &[]).is_err());
        assert!(words.list().is_empty(), "nothing has changed");
        words.change(&many[..KEPT], &[]).unwrap();
    }

    #[test]
    fn what_shows_no_letter_is_no_word() {
        assert!(Word::parse("").is_none());
        assert!(Word::parse("?!").is_none());
        assert!(Word::parse(&"x".repeat(41)).is_none());
    }

    fn word(text: &str) -> Word {
        Word::parse(text).unwrap()
    }
}
