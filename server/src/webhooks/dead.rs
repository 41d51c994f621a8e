//! The letters that were given up, for whoever looks after them.

use futures_util::future::BoxFuture;
use ledger::{Letter, LetterFilter, LetterState, Outbox};
use signaling::{DeadLetter, DeadLetters, Refused, RoomClock};
use wire_format::Code;

/// Shows letters that were given up, and has them delivered again.
pub(crate) struct Dead {
    pub(crate) outbox: Outbox,
    pub(crate) clock: RoomClock,
}

impl DeadLetters for Dead {
    fn list(&self, after: u64, count: usize) -> BoxFuture<'_, Result<Vec<DeadLetter>, Refused>> {
        let state = Some(LetterState::Dead);
        let filter = LetterFilter { state, after, ..LetterFilter::default() };
        Box::pin(async move {
            let letters = self.outbox.list(filter, count).await.map_err(|error| failed(&error))?;
            Ok(letters.into_iter().map(dead_letter).collect())
        })
    }

    fn replay(&self, id: u64) -> BoxFuture<'_, Result<bool, Refused>> {
        Box::pin(async move {
            let now = self.clock.now().unix_millis();
            self.outbox.replay(id, now).await.map_err(|error| failed(&error))
        })
    }
}

fn dead_letter(letter: Letter) -> DeadLetter {
    DeadLetter {
        id: letter.id.to_string(),
        endpoint: letter.endpoint,
        room: letter.room,
        seq: letter.seq,
        event: letter.kind,
        at: letter.at,
        tries: letter.tries,
        error: letter.error,
        data: serde_json::from_str(&letter.body).unwrap_or_default(),
    }
}

fn failed(error: &ledger::LedgerError) -> Refused {
    tracing::warn!(%error, "Letters cannot be read.");
    Refused::new(Code::LedgerFailed, "the ledger cannot be read")
}
