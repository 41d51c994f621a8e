//! Auctions and bids.

use std::time::Duration;

use room_rules::{
    Amount, AuctionCommand, AuctionDuration, AuctionEnding, AuctionId, AuctionOffer, BidRequest,
    BidStep, BidSteps, Command, Currency, ShopCommand, SoftClose, Title,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::idem_key;
use super::message::{Message, messages};

const LEAD_MAX_MS: u32 = 86_400_000;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "auction.open": OpenBody => |body| body.read().map(Box::new).map(AuctionCommand::Open).map(command);
    "auction.cancel": AuctionBody => |body| {
        auction_id(&body.auction).map(AuctionCommand::Cancel).map(command)
    };
    "bid.place": BidBody => |body| body.read().map(AuctionCommand::Bid).map(command);
};

fn command(command: AuctionCommand) -> Command {
    Command::Shop(ShopCommand::Auction(command))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AuctionOpen")]
struct OpenBody {
    #[schemars(length(min = 1, max = 100))]
    title: String,
    #[schemars(length(min = 1, max = 100))]
    sku: String,
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    start_price: u64,
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    reserve: Option<u64>,
    #[schemars(length(min = 1, max = 16))]
    steps: Option<Vec<StepBody>>,
    #[schemars(range(max = 86_400_000))]
    lead_ms: Option<u32>,
    #[schemars(range(min = 5_000, max = 86_400_000))]
    duration_ms: Option<u32>,
    sudden_death: Option<bool>,
    #[schemars(range(min = 1_000, max = 60_000))]
    window_ms: Option<u64>,
    #[schemars(range(min = 1_000, max = 60_000))]
    extend_ms: Option<u64>,
    #[schemars(range(min = 1, max = 100))]
    extensions: Option<u32>,
    #[schemars(range(max = 172_800_000))]
    hard_end_ms: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "BidStep")]
struct StepBody {
    from: u64,
    step: u64,
}

impl OpenBody {
    fn read(self) -> Result<AuctionOffer, String> {
        let lead_ms = self.lead_ms.unwrap_or(3_000);
        if lead_ms > LEAD_MAX_MS {
            return Err(format!("lead_ms must be at most {LEAD_MAX_MS}"));
        }
        let currency = self.currency.as_deref().map_or(Some(Currency::CNY), Currency::parse);
        let ending = self.ending()?;
        let steps = self.steps.map_or_else(|| Ok(BidSteps::default()), |rows| read_steps(&rows))?;
        Ok(AuctionOffer {
            title: Title::parse(&self.title).ok_or("title must hold 1 to 100 characters")?,
            sku: Title::parse(&self.sku).ok_or("sku must hold 1 to 100 characters")?,
            currency: currency.ok_or("currency must be three capital letters")?,
            start_price: amount(self.start_price)?,
            reserve: self.reserve.map(amount).transpose()?,
            steps,
            lead: Duration::from_millis(lead_ms.into()),
            open_for: AuctionDuration::new(self.duration_ms.unwrap_or(60_000))
                .ok_or("duration_ms must be 5000 to 86400000")?,
            ending,
        })
    }

    fn ending(&self) -> Result<AuctionEnding, String> {
        if self.sudden_death == Some(true) {
            return Ok(AuctionEnding::SuddenDeath);
        }
        let window = Duration::from_millis(self.window_ms.unwrap_or(10_000));
        let extension = Duration::from_millis(self.extend_ms.unwrap_or(10_000));
        let limit = self.hard_end_ms.map(Duration::from_millis);
        let soft = SoftClose::new(window, extension, self.extensions.unwrap_or(20), limit);
        let wrong = "window_ms and extend_ms must be 1000 to 60000, extensions 1 to 100, \
            hard_end_ms at most 172800000";
        Ok(AuctionEnding::Soft(soft.ok_or(wrong)?))
    }
}

fn read_steps(rows: &[StepBody]) -> Result<BidSteps, String> {
    let row = |row: &StepBody| Ok(BidStep { from: amount(row.from)?, step: amount(row.step)? });
    let rows: Vec<BidStep> = rows.iter().map(row).collect::<Result<_, String>>()?;
    BidSteps::new(&rows)
        .ok_or_else(|| "steps must be 1 to 16 rows, from 0 upwards, none of them 0".to_owned())
}

pub(super) fn amount(minor: u64) -> Result<Amount, String> {
    Amount::new(minor).ok_or_else(|| format!("money must be at most {}", Amount::MAX.minor()))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfAuction")]
struct AuctionBody {
    auction: String,
}

fn auction_id(text: &str) -> Result<AuctionId, String> {
    AuctionId::parse(text).ok_or_else(|| "auction is not an id".to_owned())
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "BidPlace")]
struct BidBody {
    auction: String,
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    amount: u64,
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    max: Option<u64>,
    #[schemars(length(min = 1, max = 64))]
    idem: String,
}

impl BidBody {
    fn read(self) -> Result<BidRequest, String> {
        let bid = amount(self.amount)?;
        let max = self.max.map(amount).transpose()?;
        if max.is_some_and(|max| max < bid) {
            return Err("max must not be less than amount".to_owned());
        }
        let auction = auction_id(&self.auction)?;
        Ok(BidRequest { auction, amount: bid, max, idem: idem_key(&self.idem)? })
    }
}
