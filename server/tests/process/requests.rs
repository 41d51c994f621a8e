//! What buyers ask for, on either carrier: by the same key it is the same request.

use std::net::SocketAddr;

use fastrand::Rng;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// What there is to be had.
#[derive(Clone, Default)]
pub(crate) struct Offered {
    pub(crate) sale: Option<String>,
    pub(crate) auction: Option<String>,
    pub(crate) packet: Option<String>,
    /// What was bid last by anybody.
    pub(crate) bid: u64,
}

/// A request that has had no answer yet.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) key: String,
    what: What,
    body: Value,
    /// Whether it was sent before, to a server that is gone.
    pub(crate) is_lost: bool,
}

#[derive(Clone)]
enum What {
    Order,
    Gift,
    Bid { auction: String },
    Claim,
}

impl Request {
    /// Makes up something that can be asked for; `packet` is the one of which a share was had or
    /// wanted already.
    pub(crate) fn random(
        name: &str,
        number: u64,
        offered: &mut Offered,
        packet: &mut Option<String>,
        rng: &mut Rng,
    ) -> Option<Self> {
        let (what, body) = match rng.u8(0..8) {
            0 | 1 => (What::Gift, json!({"gift": "rose", "n": rng.u8(1..4)})),
            2 | 3 => {
                offered.bid += rng.u64(1..4);
                let max = offered.bid + rng.u64(0..4);
                let auction = offered.auction.clone()?;
                let body = json!({"auction": auction, "amount": offered.bid, "max": max});
                (What::Bid { auction }, body)
            }
            4 if *packet != offered.packet => {
                packet.clone_from(&offered.packet);
                (What::Claim, json!({"packet": packet}))
            }
            _ => (What::Order, json!({"sale": offered.sale.clone()?, "qty": rng.u8(1..3)})),
        };
        let key = format!("{}-{name}-{number}", what.name());
        Some(Self { key, what, body, is_lost: false })
    }

    /// Returns the message of a WebSocket.
    pub(crate) fn on_socket(&self) -> Value {
        let mut d = self.body.clone();
        d["idem"] = self.key.clone().into();
        let kind = match self.what {
            What::Order => "order.place",
            What::Gift => "gift.send",
            What::Bid { .. } => "bid.place",
            What::Claim => "packet.claim",
        };
        json!({"v": 1, "t": kind, "rid": self.key, "d": d})
    }

    /// Returns the request over HTTP.
    pub(crate) fn over_http(&self, client: &Client, address: SocketAddr) -> RequestBuilder {
        let room = format!("http://{address}/v1/rooms/a");
        let (path, body) = match &self.what {
            What::Order => (format!("{room}/orders"), self.body.clone()),
            What::Gift => (format!("{room}/gifts"), self.body.clone()),
            What::Bid { auction } => (format!("{room}/auctions/{auction}/bids"), self.body.clone()),
            What::Claim => {
                (format!("{room}/commands"), json!({"t": "packet.claim", "d": self.body}))
            }
        };
        let keyed = client.post(path).header("idempotency-key", &self.key);
        keyed.header("content-type", "application/json").body(body.to_string())
    }
}

impl What {
    const fn name(&self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Gift => "gift",
            Self::Bid { .. } => "bid",
            Self::Claim => "claim",
        }
    }
}
