//! Gifts, totals and who gave most.

use room_rules::{Contributor, Gift, GiftItem, Reactions};
use schemars::JsonSchema;
use serde::Serialize;

/// `d` of `gift.batch`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "GiftBatch")]
pub(crate) struct GiftBatchBody<'a> {
    gifts: Vec<GiftItemBody<'a>>,
}

impl<'a> From<&'a [GiftItem]> for GiftBatchBody<'a> {
    fn from(items: &'a [GiftItem]) -> Self {
        Self { gifts: items.iter().map(Into::into).collect() }
    }
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "GiftItem")]
struct GiftItemBody<'a> {
    user: &'a str,
    name: &'a str,
    gift: &'a str,
    to: &'a str,
    at: u64,
    n: u64,
    coins: u64,
    combo: ComboBody,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Combo")]
struct ComboBody {
    id: u64,
    n: u64,
    end: bool,
}

impl<'a> From<&'a GiftItem> for GiftItemBody<'a> {
    fn from(item: &'a GiftItem) -> Self {
        Self {
            user: item.user.as_str(),
            name: &item.name,
            gift: item.gift.as_str(),
            to: item.to.as_str(),
            at: item.at.unix_millis(),
            n: item.count,
            coins: item.coins,
            combo: ComboBody { id: item.combo, n: item.combo_count, end: item.combo_ended },
        }
    }
}

/// `d` of `react`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "React")]
pub(crate) struct ReactBody<'a> {
    online: u32,
    likes: u64,
    gifts: u64,
    coins: u64,
    senders: u64,
    top: Vec<ContributorBody<'a>>,
}

impl<'a> From<&'a Reactions> for ReactBody<'a> {
    fn from(reactions: &'a Reactions) -> Self {
        let Reactions { online, likes, gifts, coins, senders, ref top } = *reactions;
        Self { online, likes, gifts, coins, senders, top: contributors(top) }
    }
}

/// `Contributor`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Contributor")]
pub(crate) struct ContributorBody<'a> {
    user: &'a str,
    name: &'a str,
    coins: u64,
}

impl<'a> From<&'a Contributor> for ContributorBody<'a> {
    fn from(on: &'a Contributor) -> Self {
        Self { user: on.user.as_str(), name: &on.name, coins: on.coins }
    }
}

pub(crate) fn contributors(top: &[Contributor]) -> Vec<ContributorBody<'_>> {
    top.iter().map(Into::into).collect()
}

/// `Gift`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Gift")]
pub(crate) struct GiftBody<'a> {
    id: &'a str,
    name: &'a str,
    coins: u64,
    level: &'static str,
    icon: &'a str,
    effect: &'a str,
}

impl<'a> From<&'a Gift> for GiftBody<'a> {
    fn from(gift: &'a Gift) -> Self {
        Self {
            id: gift.id.as_str(),
            name: gift.title.as_str(),
            coins: gift.coins,
            level: gift.level.as_str(),
            icon: &gift.icon,
            effect: &gift.effect,
        }
    }
}
