//! Makes rooms anew from their journals. Every row is decided again and must be decided alike: a
//! room whose rules have changed since, or whose journal was tampered with, is refused loudly rather
//! than opened with other winners. What follows is said again, too, under the same numbers, and kept
//! for those who come back and have not heard all of it.

use std::time::Instant;

use ledger::{Entry, Ledger, LedgerError, Life, NewRow, Row};
use room_rules::{
    Decided, Effect, Input, RULES_VERSION, Reply, Room, RoomId, RoomSettings, ServerTime, Title,
};
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::event_rings::EventRings;
use crate::room_journal::{RoomJournal, json};
use crate::webhooks::{Notices, Subscribers};

const OPENED: &str = "opened";

/// The first row of every life.
#[derive(Debug, Deserialize, Serialize)]
struct Opening {
    title: Title,
    settings: RoomSettings,
}

/// A room that is about to run.
pub(crate) struct Made {
    pub(crate) room: Room,
    pub(crate) record: RoomJournal,
    /// What it told before, as far as anybody may ask for it.
    pub(crate) told: EventRings,
    pub(crate) origin: Origin,
}

/// Where a room comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// It was not there before.
    New,
    /// It goes on from what was written.
    Journal,
}

/// Makes a room and begins its journal.
pub(crate) fn open(
    ledger: &Ledger,
    id: RoomId,
    title: &Title,
    settings: RoomSettings,
    now: ServerTime,
    subscribers: Subscribers,
) -> Made {
    let mut journal = ledger.begin(id.as_str(), now.unix_millis());
    let row = NewRow {
        at: now.unix_millis(),
        kind: OPENED,
        rules: RULES_VERSION,
        key: None,
        input: json(&Opening { title: title.clone(), settings: settings.clone() }),
        outcome: json(&Reply::Done),
    };
    journal.append(Entry { row: Some(row), ..Entry::default() });
    let record = RoomJournal::new(journal, Notices::new(subscribers));
    let room = Room::new(id, title, settings, now);
    let told = EventRings::new(room.watermarks());
    Made { room, record, told, origin: Origin::New }
}

/// Makes the room of a life that has not ended, as it was, at `now`.
///
/// # Errors
/// If its journal cannot be read, or comes out otherwise.
pub(crate) async fn restore(
    ledger: &Ledger,
    life: Life,
    subscribers: Subscribers,
    now: ServerTime,
) -> Result<Made, NotRestored> {
    let began = Instant::now();
    let mut reader = ledger.read(life);
    let mut notices = Notices::new(subscribers);
    let mut revival = None;
    let mut rows = 0_usize;
    loop {
        let next = reader.next().await?;
        if next.is_empty() {
            break;
        }
        rows += next.len();
        for row in &next {
            match &mut revival {
                None => {
                    let room = first(&reader.life().room, row)?;
                    let told = EventRings::new(room.watermarks());
                    revival = Some(Revival { room, told, now });
                }
                Some(revival) => revival.again(row, &mut notices)?,
            }
        }
    }
    let Revival { room, told, now: _ } = revival.ok_or(NotRestored::Empty)?;
    info!(room = %room.id(), rows, seconds = began.elapsed().as_secs_f64(), "Room restored.");
    let record = RoomJournal::new(ledger.resume(reader), notices);
    Ok(Made { room, record, told, origin: Origin::Journal })
}

fn first(name: &str, row: &Row) -> Result<Room, NotRestored> {
    expect_rules(row)?;
    let id = RoomId::parse(name).ok_or(NotRestored::Malformed { seq: row.seq })?;
    let Opening { title, settings } = read(row, &row.input)?;
    Ok(Room::new(id, &title, settings, ServerTime::from_unix_millis(row.at)))
}

/// A room that is being made anew.
struct Revival {
    room: Room,
    told: EventRings,
    now: ServerTime,
}

impl Revival {
    fn again(&mut self, row: &Row, notices: &mut Notices) -> Result<(), NotRestored> {
        expect_rules(row)?;
        let input: Input = read(row, &row.input)?;
        let before: Reply = read(row, &row.outcome)?;
        let decided = self.room.handle_input(&input, ServerTime::from_unix_millis(row.at));
        // It was carried out when it was decided the first time, and written to back ends; it only
        // counts, and whoever was away may still have to hear it.
        while let Some(effect) = self.room.poll_effect() {
            notices.of_effect(&effect);
            if let Effect::Broadcast(event) = &effect {
                self.told.push_again(event, self.now);
            }
        }
        notices.of_decided(&input, &before);
        if decided == Ok(Decided::Fresh(before)) {
            return Ok(());
        }
        Err(NotRestored::Otherwise { seq: row.seq, now: format!("{decided:?}") })
    }
}

const fn expect_rules(row: &Row) -> Result<(), NotRestored> {
    if row.rules == RULES_VERSION {
        return Ok(());
    }
    Err(NotRestored::OtherRules { seq: row.seq, rules: row.rules })
}

fn read<'a, T: Deserialize<'a>>(row: &Row, text: &'a str) -> Result<T, NotRestored> {
    serde_json::from_str(text).map_err(|_| NotRestored::Malformed { seq: row.seq })
}

/// Why a room was not made anew.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRestored {
    /// The ledger cannot be read, or was tampered with.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// A life without an opening.
    #[error("its journal is empty")]
    Empty,
    /// It is not what this program writes.
    #[error("row {seq} cannot be understood")]
    Malformed {
        /// The row.
        seq: u64,
    },
    /// Other rules decided it, which need not decide alike.
    #[error("row {seq} was decided by version {rules} of the rules, this is {RULES_VERSION}")]
    OtherRules {
        /// The row.
        seq: u64,
        /// Their version.
        rules: u32,
    },
    /// The same input is answered otherwise now.
    #[error("row {seq} comes out otherwise now: {now}")]
    Otherwise {
        /// The row.
        seq: u64,
        /// How.
        now: String,
    },
}
