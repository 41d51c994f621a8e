//! The catalogue of gifts as an operator writes it.

use room_rules::{Gift, GiftCatalog, GiftId, GiftLevel, Title};
use serde::{Deserialize, Serialize};

/// One gift, `[[gifts]]`. Whoever lists any gift lists them all.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GiftEntry {
    /// Its name in messages: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub id: String,
    /// What people read, 1 to 100 characters.
    pub name: String,
    /// What it costs, 1 to 1,000,000.
    pub coins: u64,
    /// `normal`, or `luxury`: told by itself, and it fills the screen.
    #[serde(default = "normal")]
    pub level: String,
    /// Where its picture is.
    #[serde(default)]
    pub icon: String,
    /// Where what is played when it is given is.
    #[serde(default)]
    pub effect: String,
}

/// Returns the gifts that there are if none are listed.
pub(crate) fn usual_gifts() -> Vec<GiftEntry> {
    let entry = |gift: &Gift| GiftEntry {
        id: gift.id.to_string(),
        name: gift.title.as_str().to_owned(),
        coins: gift.coins,
        level: gift.level.as_str().to_owned(),
        icon: gift.icon.to_string(),
        effect: gift.effect.to_string(),
    };
    GiftCatalog::default().gifts().iter().map(entry).collect()
}

/// Reads a catalogue, or says what is wrong with it.
pub(crate) fn read_catalog(entries: &[GiftEntry]) -> Result<GiftCatalog, String> {
    let gifts: Result<Vec<Gift>, String> = entries.iter().map(read).collect();
    GiftCatalog::new(gifts?).map_err(|error| error.to_string())
}

fn read(entry: &GiftEntry) -> Result<Gift, String> {
    let wrong = |what: &str| format!("{}: {what}", entry.id);
    Ok(Gift {
        id: GiftId::parse(&entry.id)
            .ok_or_else(|| wrong("an id holds 1 to 64 of A-Z a-z 0-9 _ -"))?,
        title: Title::parse(&entry.name)
            .ok_or_else(|| wrong("a name holds 1 to 100 characters"))?,
        coins: entry.coins,
        level: GiftLevel::parse(&entry.level)
            .ok_or_else(|| wrong("a level is normal or luxury"))?,
        icon: entry.icon.as_str().into(),
        effect: entry.effect.as_str().into(),
    })
}

fn normal() -> String {
    GiftLevel::Normal.as_str().to_owned()
}
