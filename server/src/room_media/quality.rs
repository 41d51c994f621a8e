//! How much is made of a room's picture.

use media_rules::layer::EncodingSet;
use mixer::media_now;
use room_rules::ServerTime;
use signaling::{QualityRequest, Refused};
use wire_format::{QualityView, encode_quality_updated};

use super::RoomMedia;

impl RoomMedia {
    /// Shows or changes how much is made of the picture. Whoever asked may have left.
    pub(crate) fn handle_quality(&mut self, request: QualityRequest, now: ServerTime) {
        match request {
            QualityRequest::Show { reply } => drop(reply.send(Ok(self.quality_view()))),
            QualityRequest::Set { member, choice, reply } => {
                let chosen = self.admit(&member, now).and_then(|()| self.quality.choose(&choice));
                if let Ok(is_other) = chosen {
                    self.has_other_quality |= is_other;
                    self.renditions.follow(self.quality.renditions());
                    self.weigh_demand(now);
                }
                let chosen: Result<_, Refused> = chosen.map(|_| self.quality_view());
                let _ = reply.send(chosen);
            }
        }
    }

    /// Returns what members must hear of another quality.
    pub(crate) fn quality_news(&mut self, now: ServerTime) -> Option<String> {
        let is_other = std::mem::take(&mut self.has_other_quality);
        is_other.then(|| encode_quality_updated(&self.quality_view(), now))
    }

    /// Takes what viewers take of the program's encodings.
    pub(crate) fn handle_encodings(&mut self, taken: EncodingSet) {
        self.quality.handle_viewed(taken, media_now());
        self.weigh_renditions();
    }

    /// Lets those renditions be made that somebody takes.
    pub(super) fn weigh_renditions(&mut self) {
        let (now, renditions) = (media_now(), &self.renditions);
        self.quality.handle_pulled(|it| renditions.is_taken(it.name), now);
        self.program.set_making(self.quality.making(now));
    }

    fn quality_view(&self) -> QualityView {
        self.quality.view(media_now())
    }
}
