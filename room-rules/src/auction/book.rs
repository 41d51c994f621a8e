//! Who leads an auction and what it stands at. Each bidder may name a highest bid; the room bids on
//! their behalf, one step above the next highest, and tells nobody how far it would go.

use super::command::BidSteps;
use crate::{Amount, Member, Rejected, UserId};

#[derive(Debug)]
pub(crate) struct BidBook {
    start_price: Amount,
    reserve: Option<Amount>,
    steps: BidSteps,
    price: Option<Amount>,
    lead: Option<Lead>,
}

/// The bidder who leads and their highest bid.
#[derive(Debug)]
pub(crate) struct Lead {
    pub(crate) member: Member,
    pub(crate) max: Amount,
}

/// What a bid that was taken did.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The bidder leads, in place of somebody else or of nobody.
    Leads { ousted: Option<Member> },
    /// The bidder led already and goes further now.
    GoesFurther,
    /// Who led has a higher or an equal highest bid, and still leads.
    Beaten,
}

impl BidBook {
    pub(crate) const fn new(start_price: Amount, reserve: Option<Amount>, steps: BidSteps) -> Self {
        Self { start_price, reserve, steps, price: None, lead: None }
    }

    /// Takes a bid of `amount`, for which the room may go on up to `max`.
    pub(crate) fn bid(
        &mut self,
        member: &Member,
        amount: Amount,
        max: Option<Amount>,
    ) -> Result<Outcome, Rejected> {
        let challenge = max.unwrap_or(amount).max(amount);
        if let Some(lead) = &mut self.lead
            && lead.member.user == member.user
        {
            if max.is_none() || challenge <= lead.max {
                return Err(Rejected::SelfOutbid);
            }
            lead.max = challenge;
            self.reach_reserve();
            return Ok(Outcome::GoesFurther);
        }
        if amount < self.next() {
            return Err(Rejected::BidTooLow { min: self.next().minor() });
        }
        let outcome = match self.lead.take() {
            Some(lead) if challenge <= lead.max => {
                // Equal highest bids: the earlier one leads.
                self.price = Some(challenge.plus(self.steps.above(challenge)).min(lead.max));
                self.lead = Some(lead);
                Outcome::Beaten
            }
            before => {
                let to_beat = before.as_ref().map(|lead| lead.max);
                let needed = to_beat.map(|max| max.plus(self.steps.above(max)).min(challenge));
                self.price = Some(needed.map_or(amount, |needed| needed.max(amount)));
                self.lead = Some(Lead { member: member.clone(), max: challenge });
                Outcome::Leads { ousted: before.map(|lead| lead.member) }
            }
        };
        self.reach_reserve();
        self.check();
        Ok(outcome)
    }

    /// Returns the lowest bid that is taken now of somebody who does not lead.
    pub(crate) fn next(&self) -> Amount {
        self.price.map_or(self.start_price, |price| price.plus(self.steps.above(price)))
    }

    pub(crate) const fn price(&self) -> Option<Amount> {
        self.price
    }

    pub(crate) const fn lead(&self) -> Option<&Lead> {
        self.lead.as_ref()
    }

    pub(crate) fn leads(&self, user: &UserId) -> bool {
        self.lead.as_ref().is_some_and(|lead| lead.member.user == *user)
    }

    /// Returns whether the price is high enough to sell; `None` if any is.
    pub(crate) fn reserve_met(&self) -> Option<bool> {
        self.reserve.map(|reserve| self.price.is_some_and(|price| price >= reserve))
    }

    /// A highest bid that reaches the reserve is bid up to it: nothing less would buy.
    fn reach_reserve(&mut self) {
        if let (Some(reserve), Some(lead), Some(price)) = (self.reserve, &self.lead, self.price)
            && lead.max >= reserve
        {
            self.price = Some(price.max(reserve));
        }
    }

    fn check(&self) {
        let (Some(lead), Some(price)) = (&self.lead, self.price) else {
            panic!("there was a bid");
        };
        assert!(price <= lead.max, "nobody pays more than they said");
        assert!(price >= self.start_price, "the price never falls");
    }
}
