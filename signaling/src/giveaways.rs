//! What is for sale, and what came of red packets and lotteries.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use room_rules::{Capability, CouponId, LotteryId, PacketId, QuizId};
use wire_format::{
    Code, encode_coupon, encode_lottery, encode_packet, encode_products, encode_quiz,
};

use crate::auth::{Bearer, find_room};
use crate::orders::{self, Page};
use crate::path::Path;
use crate::{LookRequest, Refused, RoomRequest, Services, refused};

/// `GET /v1/rooms/{room}/packets/{packet}`
pub(crate) async fn packet(
    State(services): State<Services>,
    Path((room, packet)): Path<(String, String)>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    room.expect_pace(&bearer.member_of(room.room())?)?;
    let packet = PacketId::parse(&packet).ok_or_else(|| not_found("red packet"))?;

    let record = room.ask(|reply| RoomRequest::Look(LookRequest::Packet { packet, reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_packet(&record)))
}

/// `GET /v1/rooms/{room}/lotteries/{lottery}`: for everybody, so that everybody can do the draw
/// again.
pub(crate) async fn lottery(
    State(services): State<Services>,
    Path((room, lottery)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    if room.is_crowded() {
        return Err(Refused::busy());
    }
    let lottery = LotteryId::parse(&lottery).ok_or_else(|| not_found("lottery"))?;

    let record =
        room.ask(|reply| RoomRequest::Look(LookRequest::Lottery { lottery, reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_lottery(&record)))
}

/// `GET /v1/rooms/{room}/products`
pub(crate) async fn products(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_of(room.room())?;

    let record = room.ask(|reply| RoomRequest::Look(LookRequest::Products { reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_products(&record)))
}

/// `GET /v1/rooms/{room}/coupons/{coupon}`: for who sells.
pub(crate) async fn coupon(
    State(services): State<Services>,
    Path((room, coupon)): Path<(String, String)>,
    page: Result<Query<Page>, QueryRejection>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_who_may(Capability::ConfirmPayment, room.room())?;
    let coupon = CouponId::parse(&coupon).ok_or_else(|| not_found("coupon"))?;
    let (page, count) = orders::read(page)?;

    let record =
        room.ask(|reply| RoomRequest::Look(LookRequest::Coupon { coupon, page, reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_coupon(&record, page.skip, count)))
}

/// `GET /v1/rooms/{room}/quizzes/{quiz}`
pub(crate) async fn quiz(
    State(services): State<Services>,
    Path((room, quiz)): Path<(String, String)>,
    page: Result<Query<Page>, QueryRejection>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    bearer.member_of(room.room())?;
    let quiz = QuizId::parse(&quiz).ok_or_else(|| not_found("quiz"))?;
    let (page, count) = orders::read(page)?;

    let record =
        room.ask(|reply| RoomRequest::Look(LookRequest::Quiz { quiz, page, reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_quiz(&record, page.skip, count)))
}

fn not_found(what: &str) -> Refused {
    Refused::new(Code::NotFound, format!("there is no such {what}"))
}
