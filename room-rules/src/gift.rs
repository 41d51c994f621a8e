//! The gifts and what they cost. An operator may have a catalogue of their own; a room keeps the one
//! that it began with, so that what a gift costs never changes under those who give it.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{GiftId, Title};

/// How many gifts a catalogue may hold.
const GIFTS_MAX: usize = 200;
/// A price that nobody pays by mistake; with it, a message of 9,999 gifts stays a plain number.
const COINS_MAX: u64 = 1_000_000;

/// A gift that can be given.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Gift {
    /// Its name on the wire.
    pub id: GiftId,
    /// What it is called.
    pub title: Title,
    /// What it costs; a coin is a point in a battle.
    pub coins: u64,
    /// How much is made of it.
    pub level: GiftLevel,
    /// Where its picture is; may be empty.
    pub icon: Arc<str>,
    /// Where what is played when it is given is; may be empty.
    pub effect: Arc<str>,
}

/// How much is made of a gift.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GiftLevel {
    /// Told together with others like it.
    Normal,
    /// Each one is told by itself and fills the screen.
    Luxury,
}

impl GiftLevel {
    /// Returns the name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Luxury => "luxury",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Normal, Self::Luxury].into_iter().find(|level| level.as_str() == text)
    }
}

/// All gifts that can be given, in the order in which they are offered. Cheap to clone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Vec<Gift>")]
pub struct GiftCatalog(Arc<[Gift]>);

impl GiftCatalog {
    /// Takes 1 to 200 gifts of different ids that cost 1 to 1,000,000 coins each.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn new(gifts: Vec<Gift>) -> Result<Self, NoGiftCatalog> {
        if gifts.is_empty() || gifts.len() > GIFTS_MAX {
            return Err(NoGiftCatalog::Size);
        }
        let mut ids = HashSet::new();
        for gift in &gifts {
            if !(1..=COINS_MAX).contains(&gift.coins) {
                return Err(NoGiftCatalog::Price(gift.id.clone()));
            }
            if !ids.insert(&gift.id) {
                return Err(NoGiftCatalog::Twice(gift.id.clone()));
            }
        }
        Ok(Self(gifts.into()))
    }

    /// Returns the gifts.
    pub fn gifts(&self) -> &[Gift] {
        &self.0
    }

    pub(crate) fn find(&self, id: &GiftId) -> Option<&Gift> {
        self.0.iter().find(|gift| gift.id == *id)
    }
}

impl TryFrom<Vec<Gift>> for GiftCatalog {
    type Error = NoGiftCatalog;

    fn try_from(gifts: Vec<Gift>) -> Result<Self, NoGiftCatalog> {
        Self::new(gifts)
    }
}

impl Default for GiftCatalog {
    fn default() -> Self {
        let gift = |id: &str, title: &str, coins: u64, level: GiftLevel, icon: &str| Gift {
            id: GiftId::made(id),
            title: Title::parse(title).expect("it is a short name"),
            coins,
            level,
            icon: format!("/assets/img/{icon}.svg").into(),
            effect: "".into(),
        };
        let gifts = vec![
            gift("like_sticker", "小心心 Sticker", 1, GiftLevel::Normal, "heart"),
            gift("rose", "玫瑰 Rose", 10, GiftLevel::Normal, "rose"),
            gift("cake", "蛋糕 Cake", 99, GiftLevel::Normal, "cake"),
            gift("rocket", "火箭 Rocket", 1_000, GiftLevel::Luxury, "rocket"),
        ];
        Self::new(gifts).expect("four different gifts with a price each")
    }
}

/// Why some gifts make no catalogue.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoGiftCatalog {
    /// None, or more than anybody looks through.
    #[error("a catalogue holds 1 to {GIFTS_MAX} gifts")]
    Size,
    /// It costs nothing, or more than anybody pays by mistake.
    #[error("{0} must cost 1 to {COINS_MAX} coins")]
    Price(GiftId),
    /// Two gifts of one id.
    #[error("{0} is there twice")]
    Twice(GiftId),
}
