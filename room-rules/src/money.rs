//! Money: whole minor units (cents, fen) of one currency, so every sum is exact.

use serde::{Deserialize, Serialize};

use crate::limit::OutOfLimits;

/// An amount of money in minor units, at most what a JavaScript number holds exactly.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Amount(u64);

impl Amount {
    /// The largest amount.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// Takes minor units; `None` above [`Amount::MAX`].
    pub const fn new(minor: u64) -> Option<Self> {
        if minor <= Self::MAX.0 { Some(Self(minor)) } else { None }
    }

    /// Returns the minor units.
    pub const fn minor(self) -> u64 {
        self.0
    }

    /// Returns the sum, or the largest amount if that is less.
    pub(crate) fn plus(self, more: Self) -> Self {
        Self(self.0 + more.0).min(Self::MAX)
    }
}

/// What money is counted in, as ISO 4217 names it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// Renminbi.
    pub const CNY: Self = Self(*b"CNY");

    /// Reads three capital letters; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// Returns the three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three letters are text")
    }
}

impl TryFrom<u64> for Amount {
    type Error = OutOfLimits;

    fn try_from(minor: u64) -> Result<Self, OutOfLimits> {
        Self::new(minor).ok_or(OutOfLimits("Amount"))
    }
}

impl From<Amount> for u64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl TryFrom<String> for Currency {
    type Error = OutOfLimits;

    fn try_from(text: String) -> Result<Self, OutOfLimits> {
        Self::parse(&text).ok_or(OutOfLimits("Currency"))
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self::CNY
    }
}
