//! What a room shows of gifts, orders and giveaways to whoever asks. Like every answer it waits for the disk:
//! nobody sees what a crash could take back.

use room_rules::Rejected;
use signaling::{LookRequest, Refused};

use crate::room_task::RoomTask;

impl RoomTask {
    pub(crate) fn look(&mut self, look: LookRequest) {
        match look {
            LookRequest::Leaders { count, reply } => {
                let leaders = self.room.leaders(count);
                self.answer(reply, Ok(leaders));
            }
            LookRequest::Stats { after, count, reply } => {
                let points = self.series.points(after, count);
                self.answer(reply, Ok(points));
            }
            LookRequest::Orders { sale, page, reply } => {
                let log = found(self.room.sale_log(&sale, page), "sale");
                self.answer(reply, log);
            }
            LookRequest::Bids { auction, page, reply } => {
                let log = found(self.room.auction_log(&auction, page), "auction");
                self.answer(reply, log);
            }
            LookRequest::Products { reply } => {
                let record = self.room.products();
                self.answer(reply, Ok(record));
            }
            LookRequest::Coupon { coupon, page, reply } => {
                let record = found(self.room.coupon(&coupon, page), "coupon");
                self.answer(reply, record);
            }
            LookRequest::Quiz { quiz, page, reply } => {
                let record = found(self.room.quiz(&quiz, page), "quiz");
                self.answer(reply, record);
            }
            LookRequest::Packet { packet, reply } => {
                let record = found(self.room.packet(&packet), "red packet");
                self.answer(reply, record);
            }
            LookRequest::Lottery { lottery, reply } => {
                let record = found(self.room.lottery(&lottery), "lottery");
                self.answer(reply, record);
            }
        }
    }
}

fn found<T>(record: Option<T>, what: &'static str) -> Result<T, Refused> {
    record.ok_or_else(|| Rejected::NotFound(what).into())
}
