//! `lianmai ledger`: looks after the ledger beside a server that may be running.

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use ledger::{Caretaker, Place};

use crate::cli::{LedgerArgs, LedgerCommand};
use crate::{Config, Mode};

const DAY: Duration = Duration::from_secs(24 * 3600);
const ROWS_AT_ONCE: usize = 1_000;

/// Carries out `lianmai ledger`; what it finds goes to `out`.
///
/// # Errors
/// If the ledger cannot be used, or is not as it was written.
pub fn ledger_command(args: &LedgerArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let place = place_of(args)?;
    let mut ledger =
        Caretaker::open(&place).with_context(|| format!("cannot open the ledger {place}"))?;
    match &args.command {
        LedgerCommand::Verify { room } => {
            let verified = ledger.verify(room.as_deref())?;
            for fault in &verified.faults {
                let (room, life, seq) = (&fault.room, fault.life.0, fault.seq);
                writeln!(out, "room {room}, life {life}, row {seq}: {}", fault.what)?;
            }
            if !verified.faults.is_empty() {
                bail!("{} lives are not as they were written", verified.faults.len());
            }
            writeln!(out, "{} lives, {} rows: as written", verified.lives, verified.rows)?;
        }
        LedgerCommand::Backup { into } => {
            ledger.back_up(into)?;
            let verified = Caretaker::open(&Place::File(into.clone()))?.verify(None)?;
            if !verified.faults.is_empty() {
                bail!("the copy is not as it was written; check the ledger with verify");
            }
            writeln!(out, "{} lives, {} rows: copied and checked", verified.lives, verified.rows)?;
        }
        LedgerCommand::Prune { days } => {
            let now = unix_now()?;
            let ended_before = millis(now.saturating_sub(DAY * *days));
            let pruned = ledger.prune(ended_before, millis(now.saturating_sub(DAY)))?;
            writeln!(out, "{pruned:?}")?;
        }
        LedgerCommand::Show { room, life } => show(&mut ledger, room, *life, out)?,
        LedgerCommand::Abandon { room } => {
            if !ledger.abandon(room, millis(unix_now()?))? {
                bail!("no life of this room is open");
            }
            writeln!(out, "the room's name is free once the server has restarted")?;
        }
    }
    Ok(())
}

fn show(
    ledger: &mut Caretaker,
    room: &str,
    only: Option<u64>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    for life in ledger.lives(Some(room))? {
        if only.is_some_and(|only| only != life.id.0) {
            continue;
        }
        let ended = life.ended_at.map_or("open".to_owned(), |at| format!("ended at {at}"));
        writeln!(out, "life {} of {room}, opened at {}, {ended}", life.id.0, life.opened_at)?;
        let mut after = 0;
        loop {
            let rows = ledger.rows(life.id, after, ROWS_AT_ONCE)?;
            for row in &rows {
                let (seq, at, kind) = (row.seq, row.at, &row.kind);
                writeln!(out, "{seq} {at} {kind} {} -> {}", row.input, row.outcome)?;
            }
            match rows.last() {
                Some(last) => after = last.seq,
                None => break,
            }
        }
    }
    Ok(())
}

/// A file that is named is meant, wherever the server keeps its ledger: it may be a copy.
fn place_of(args: &LedgerArgs) -> anyhow::Result<Place> {
    if let Some(path) = &args.ledger {
        return Ok(Place::File(path.clone()));
    }
    let config = Config::load(args.config.as_deref(), std::env::vars())?;
    Ok(config.ledger.place(Mode::Production)?)
}

fn unix_now() -> anyhow::Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
