//! Red packets and lotteries.

use std::time::Duration;

use room_rules::{
    Command, GiveawayCommand, LotteryEntry, LotteryId, LotteryOffer, PacketClaim, PacketId,
    PacketOffer, PacketSplit, PacketSum, SaleDuration, Suspense, Title, WinnerCount,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::idem_key;
use super::message::{Message, messages};

const LEAD_MAX_MS: u32 = 86_400_000;
const OPEN_MS: u32 = 60_000;
const SUSPENSE_MS: u32 = 3_000;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "packet.open": PacketBody => |body| body.read().map(|offer| command(GiveawayCommand::PacketOpen(Box::new(offer))));
    "packet.claim": ClaimBody => |body| body.read().map(GiveawayCommand::PacketClaim).map(command);
    "packet.cancel": OfPacketBody => |body| {
        packet_id(&body.packet).map(GiveawayCommand::PacketCancel).map(command)
    };
    "lottery.open": LotteryBody => |body| {
        body.read().map(|offer| command(GiveawayCommand::LotteryOpen(Box::new(offer))))
    };
    "lottery.enter": EntryBody => |body| {
        body.read().map(GiveawayCommand::LotteryEnter).map(command)
    };
    "lottery.abort": OfLotteryBody => |body| {
        lottery_id(&body.lottery).map(GiveawayCommand::LotteryAbort).map(command)
    };
};

fn command(command: GiveawayCommand) -> Command {
    Command::Giveaway(command)
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PacketOpen")]
struct PacketBody {
    #[schemars(length(min = 1, max = 100))]
    title: String,
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    total: u64,
    #[schemars(range(min = 1, max = 10_000))]
    shares: u32,
    split: Option<SplitBody>,
    #[schemars(length(min = 1, max = 100))]
    keyword: Option<String>,
    #[schemars(range(max = 86_400_000))]
    lead_ms: Option<u32>,
    #[schemars(range(min = 1_000, max = 86_400_000))]
    duration_ms: Option<u32>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PacketSplit")]
enum SplitBody {
    Lucky,
    Fixed,
}

impl PacketBody {
    fn read(self) -> Result<PacketOffer, String> {
        let split = match self.split {
            Some(SplitBody::Fixed) => PacketSplit::Fixed,
            Some(SplitBody::Lucky) | None => PacketSplit::Lucky,
        };
        let lead_ms = self.lead_ms.unwrap_or(0);
        if lead_ms > LEAD_MAX_MS {
            return Err(format!("lead_ms must be at most {LEAD_MAX_MS}"));
        }
        Ok(PacketOffer {
            title: title(&self.title, "title")?,
            sum: PacketSum::new(self.total, self.shares, split).ok_or(
                "shares must be 1 to 10000, total at least 1 for each, and a fixed split even",
            )?,
            keyword: keyword(self.keyword.as_deref())?,
            lead: Duration::from_millis(lead_ms.into()),
            open_for: open_for(self.duration_ms)?,
            seed: None,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PacketClaim")]
struct ClaimBody {
    packet: String,
    #[schemars(length(min = 1, max = 100))]
    keyword: Option<String>,
    #[schemars(length(min = 1, max = 64))]
    idem: String,
}

impl ClaimBody {
    fn read(self) -> Result<PacketClaim, String> {
        Ok(PacketClaim {
            packet: packet_id(&self.packet)?,
            keyword: keyword(self.keyword.as_deref())?,
            idem: idem_key(&self.idem)?,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfPacket")]
struct OfPacketBody {
    packet: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "LotteryOpen")]
struct LotteryBody {
    #[schemars(length(min = 1, max = 100))]
    title: String,
    #[schemars(length(min = 1, max = 100))]
    prize: String,
    #[schemars(range(min = 1, max = 100))]
    winners: Option<u32>,
    #[schemars(length(min = 1, max = 100))]
    keyword: Option<String>,
    #[schemars(range(min = 1_000, max = 86_400_000))]
    duration_ms: Option<u32>,
    #[schemars(range(min = 1_000, max = 60_000))]
    suspense_ms: Option<u32>,
}

impl LotteryBody {
    fn read(self) -> Result<LotteryOffer, String> {
        Ok(LotteryOffer {
            title: title(&self.title, "title")?,
            prize: title(&self.prize, "prize")?,
            winners: WinnerCount::new(self.winners.unwrap_or(1))
                .ok_or("winners must be 1 to 100")?,
            keyword: keyword(self.keyword.as_deref())?,
            open_for: open_for(self.duration_ms)?,
            suspense: Suspense::new(self.suspense_ms.unwrap_or(SUSPENSE_MS))
                .ok_or("suspense_ms must be 1000 to 60000")?,
            seed: None,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "LotteryEnter")]
struct EntryBody {
    lottery: String,
    #[schemars(length(min = 1, max = 100))]
    keyword: Option<String>,
    #[schemars(length(min = 1, max = 64))]
    idem: String,
}

impl EntryBody {
    fn read(self) -> Result<LotteryEntry, String> {
        Ok(LotteryEntry {
            lottery: lottery_id(&self.lottery)?,
            keyword: keyword(self.keyword.as_deref())?,
            idem: idem_key(&self.idem)?,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfLottery")]
struct OfLotteryBody {
    lottery: String,
}

fn title(text: &str, field: &str) -> Result<Title, String> {
    Title::parse(text).ok_or_else(|| format!("{field} must hold 1 to 100 characters"))
}

fn keyword(text: Option<&str>) -> Result<Option<Title>, String> {
    text.map(|text| title(text, "keyword")).transpose()
}

fn open_for(millis: Option<u32>) -> Result<SaleDuration, String> {
    SaleDuration::new(millis.unwrap_or(OPEN_MS))
        .ok_or_else(|| "duration_ms must be 1000 to 86400000".to_owned())
}

fn packet_id(text: &str) -> Result<PacketId, String> {
    PacketId::parse(text).ok_or_else(|| "packet is not an id".to_owned())
}

fn lottery_id(text: &str) -> Result<LotteryId, String> {
    LotteryId::parse(text).ok_or_else(|| "lottery is not an id".to_owned())
}
