//! Coupons.

use std::time::Duration;

use room_rules::{
    Amount, Command, CouponClaim, CouponCommand, CouponCount, CouponId, CouponOffer, CouponTerms,
    CouponWorth, Currency, Percent, SaleDuration, ShopCommand, Title, Ttl,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, messages};
use super::{idem_key, product_id};

const LEAD_MAX_MS: u32 = 86_400_000;
const OPEN_MS: u32 = 60_000;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "coupon.issue": IssueBody => |body| body.read().map(Box::new).map(CouponCommand::Issue).map(command);
    "coupon.claim": ClaimBody => |body| body.read().map(CouponCommand::Claim).map(command);
    "coupon.cancel": CouponIdBody => |body| coupon_id(&body.coupon).map(CouponCommand::Cancel).map(command);
};

const fn command(command: CouponCommand) -> Command {
    Command::Shop(ShopCommand::Coupon(command))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "CouponIssue")]
struct IssueBody {
    #[schemars(length(min = 1, max = 100))]
    title: String,
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    amount: Option<u64>,
    #[schemars(range(min = 1, max = 100))]
    percent: Option<u8>,
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    min_spend: Option<u64>,
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
    product: Option<String>,
    #[schemars(range(min = 1, max = 31_622_400))]
    valid_s: Option<u32>,
    #[schemars(range(min = 1, max = 100_000))]
    count: u32,
    #[schemars(length(min = 1, max = 100))]
    keyword: Option<String>,
    #[schemars(range(max = 86_400_000))]
    lead_ms: Option<u32>,
    #[schemars(range(min = 1_000, max = 86_400_000))]
    duration_ms: Option<u32>,
}

impl IssueBody {
    fn read(self) -> Result<CouponOffer, String> {
        let lead_ms = self.lead_ms.unwrap_or(0);
        if lead_ms > LEAD_MAX_MS {
            return Err(format!("lead_ms must be at most {LEAD_MAX_MS}"));
        }
        let currency = |text: &str| {
            Currency::parse(text).ok_or_else(|| "currency must be three capital letters".to_owned())
        };
        let terms = CouponTerms {
            title: title(&self.title, "title")?,
            worth: self.worth()?,
            min_spend: Amount::new(self.min_spend.unwrap_or(0)).ok_or("min_spend is too much")?,
            currency: self.currency.as_deref().map(currency).transpose()?.unwrap_or_default(),
            product: self.product.as_deref().map(product_id).transpose()?,
            valid_for: self
                .valid_s
                .map(|s| Ttl::new(s).ok_or("valid_s must be 1 to 31622400"))
                .transpose()?,
        };
        Ok(CouponOffer {
            terms,
            count: CouponCount::new(self.count).ok_or("count must be 1 to 100000")?,
            keyword: self.keyword.as_deref().map(|text| title(text, "keyword")).transpose()?,
            lead: Duration::from_millis(lead_ms.into()),
            open_for: SaleDuration::new(self.duration_ms.unwrap_or(OPEN_MS))
                .ok_or("duration_ms must be 1000 to 86400000")?,
        })
    }

    fn worth(&self) -> Result<CouponWorth, String> {
        match (self.amount, self.percent) {
            (Some(minor @ 1..), None) => Amount::new(minor)
                .map(CouponWorth::Amount)
                .ok_or_else(|| "amount is too much".to_owned()),
            (None, Some(percent)) => Percent::new(percent)
                .map(CouponWorth::Percent)
                .ok_or_else(|| "percent must be 1 to 100".to_owned()),
            _ => Err("a coupon is worth an amount or a percent".to_owned()),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "CouponClaim")]
struct ClaimBody {
    coupon: String,
    #[schemars(length(min = 1, max = 100))]
    keyword: Option<String>,
    #[schemars(length(min = 1, max = 64))]
    idem: String,
}

impl ClaimBody {
    fn read(self) -> Result<CouponClaim, String> {
        let keyword = self.keyword.as_deref().map(|text| title(text, "keyword")).transpose()?;
        Ok(CouponClaim { coupon: coupon_id(&self.coupon)?, keyword, idem: idem_key(&self.idem)? })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OfCoupon")]
struct CouponIdBody {
    coupon: String,
}

fn title(text: &str, field: &str) -> Result<Title, String> {
    Title::parse(text).ok_or_else(|| format!("{field} must hold 1 to 100 characters"))
}

fn coupon_id(text: &str) -> Result<CouponId, String> {
    CouponId::parse(text).ok_or_else(|| "coupon is not an id".to_owned())
}
