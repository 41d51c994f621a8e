//! Orders over HTTP, for back ends and for pages that lost their socket in the rush.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use room_rules::{AuctionId, Capability, LogPage, Rejected, Reply, SaleId, SaleLog, ShopReply};
use serde::Deserialize;
use serde_json::{Map, Value};
use wire_format::{
    Code, decode_order, encode_auction_log, encode_order, encode_sale_log, encode_sale_orders,
};

use crate::api::Key;
use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{LookRequest, Refused, RoomRequest, Services, body, refused};

const PAGE: usize = 100;
/// Less than a room hands out at once, so that it can be seen whether there are more.
const PAGE_MAX: usize = 500;

/// Which page.
#[derive(Deserialize)]
pub(crate) struct Page {
    limit: Option<usize>,
    cursor: Option<usize>,
}

/// Returns where a page of a log begins and how many rows are wanted of it.
pub(crate) fn read(page: Result<Query<Page>, QueryRejection>) -> Result<(LogPage, usize), Refused> {
    let Query(Page { limit, cursor }) =
        page.map_err(|e| Refused::new(Code::BadRequest, e.body_text()))?;
    Ok((LogPage { skip: cursor.unwrap_or(0) }, limit.unwrap_or(PAGE).clamp(1, PAGE_MAX)))
}

/// Which page of the log of which sale or auction.
type Wanted = (State<Services>, Path<(String, String)>, Result<Query<Page>, QueryRejection>);

/// `GET /v1/rooms/{room}/sales/{sale}/orders`
pub(crate) async fn list(wanted: Wanted, bearer: Bearer) -> Result<Response, Refused> {
    let (log, page, count) = of_sale(wanted, bearer).await?;
    Ok(refused::json(StatusCode::OK, encode_sale_orders(&log, page.skip, count)))
}

/// `GET /v1/rooms/{room}/sales/{sale}/log`
pub(crate) async fn sale_log(wanted: Wanted, bearer: Bearer) -> Result<Response, Refused> {
    let (log, page, count) = of_sale(wanted, bearer).await?;
    Ok(refused::json(StatusCode::OK, encode_sale_log(&log, page.skip, count)))
}

/// `GET /v1/rooms/{room}/auctions/{auction}/log`
pub(crate) async fn auction_log(
    (State(services), Path((room, auction)), page): Wanted,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_who_may(Capability::ConfirmPayment, room.room())?;
    let auction = AuctionId::parse(&auction).ok_or(Rejected::NotFound("auction"))?;
    let (page, count) = read(page)?;
    let look = |reply| RoomRequest::Look(LookRequest::Bids { auction, page, reply });
    let log = room.ask(look).await?;
    Ok(refused::json(StatusCode::OK, encode_auction_log(&log, page.skip, count)))
}

async fn of_sale(
    (State(services), Path((room, sale)), page): Wanted,
    bearer: Bearer,
) -> Result<(SaleLog, LogPage, usize), Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_who_may(Capability::ConfirmPayment, room.room())?;
    let sale = SaleId::parse(&sale).ok_or(Rejected::NotFound("sale"))?;
    let (page, count) = read(page)?;
    let look = |reply| RoomRequest::Look(LookRequest::Orders { sale, page, reply });
    Ok((room.ask(look).await?, page, count))
}

/// `POST /v1/rooms/{room}/orders`
pub(crate) async fn place(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;
    let key = Key::of(request.headers())?;
    let body = body::read_json(request, &services).await?;
    let order = match key {
        Some(key) => decode_order(with_key(&body, &key)?.as_bytes())?,
        None => decode_order(&body)?,
    };

    let reply = room.ask(|reply| RoomRequest::Order { member, order, reply }).await?;
    let is_queued = matches!(reply, Reply::Shop(ShopReply::Queued(_)));
    let status = if is_queued { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(refused::json(status, encode_order(&reply)))
}

fn with_key(body: &[u8], key: &Key) -> Result<String, Refused> {
    let read = serde_json::from_slice::<Map<String, Value>>(body);
    let mut d = read.map_err(|e| Refused::new(Code::BadRequest, e.to_string()))?;
    key.fill(&mut d);
    Ok(Value::Object(d).to_string())
}
