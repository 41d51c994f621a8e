//! `lianmai ledger`: looks after the file beside a server that may be running.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use ledger::{SqliteStore, verify};

use crate::cli::{LedgerArgs, LedgerCommand};
use crate::{Config, Mode};

const DAY: Duration = Duration::from_secs(24 * 3600);
const ROWS_AT_ONCE: usize = 1_000;

/// Carries out `lianmai ledger`; what it finds goes to `out`.
///
/// # Errors
/// If the file cannot be used, or is not as it was written.
pub fn ledger_command(args: &LedgerArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let path = path_of(args)?;
    let mut store = SqliteStore::beside(&path)
        .with_context(|| format!("cannot open the ledger {}", path.display()))?;
    match &args.command {
        LedgerCommand::Verify { room } => {
            let verified = verify(&mut store, room.as_deref())?;
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
            store.back_up(into)?;
            let mut copy = SqliteStore::beside(into)?;
            let verified = verify(&mut copy, None)?;
            if !verified.faults.is_empty() {
                bail!("the copy is not as it was written; check the ledger with verify");
            }
            writeln!(out, "{} lives, {} rows: copied and checked", verified.lives, verified.rows)?;
        }
        LedgerCommand::Prune { days } => {
            let now = unix_now()?;
            let ended_before = millis(now.saturating_sub(DAY * *days));
            let pruned = store.prune_all(ended_before, millis(now.saturating_sub(DAY)))?;
            writeln!(out, "{pruned:?}")?;
        }
        LedgerCommand::Show { room, life } => show(&mut store, room, *life, out)?,
        LedgerCommand::Abandon { room } => {
            if !store.abandon(room, millis(unix_now()?))? {
                bail!("no life of this room is open");
            }
            writeln!(out, "the room's name is free once the server has restarted")?;
        }
    }
    Ok(())
}

fn show(
    store: &mut SqliteStore,
    room: &str,
    only: Option<u64>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    for life in store.all_lives(Some(room))? {
        if only.is_some_and(|only| only != life.id.0) {
            continue;
        }
        let ended = life.ended_at.map_or("open".to_owned(), |at| format!("ended at {at}"));
        writeln!(out, "life {} of {room}, opened at {}, {ended}", life.id.0, life.opened_at)?;
        let mut after = 0;
        loop {
            let rows = store.rows_of(life.id, after, ROWS_AT_ONCE)?;
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

fn path_of(args: &LedgerArgs) -> anyhow::Result<PathBuf> {
    if let Some(path) = &args.ledger {
        return Ok(path.clone());
    }
    let config = Config::load(args.config.as_deref(), std::env::vars())?;
    config.ledger.file(Mode::Production).context("no ledger is configured")
}

fn unix_now() -> anyhow::Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
