//! `lianmai ledger`: looks after the ledger beside a server that may be running.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use ledger::{Caretaker, Fault, Head, Place};

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
    if let LedgerCommand::Copy { from, to } = &args.command {
        return copy(from.as_deref(), to.as_deref(), place, out);
    }
    let mut ledger =
        Caretaker::open(&place).with_context(|| format!("cannot open the ledger {place}"))?;
    match &args.command {
        LedgerCommand::Verify { room, heads } => {
            let verified = ledger.verify(room.as_deref())?;
            expect_none(&verified.faults, out)?;
            writeln!(out, "{} lives, {} rows: as written", verified.lives, verified.rows)?;
            if let Some(file) = heads {
                let heads = read_heads(file, room.as_deref())?;
                let held = ledger.hold_against(&heads, pruned_before(args)?)?;
                expect_none(&held.faults, out)?;
                let (held, gone) = (held.held, held.gone);
                writeln!(out, "{held} heads: nothing was cut off; {gone} lives were pruned")?;
            }
        }
        LedgerCommand::Heads { room } => {
            for head in ledger.heads(room.as_deref())? {
                writeln!(out, "{head}")?;
            }
        }
        LedgerCommand::Copy { .. } => unreachable!("it has two ledgers, and is done"),
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

fn expect_none(faults: &[Fault], out: &mut impl Write) -> anyhow::Result<()> {
    for fault in faults {
        let (room, life, seq) = (&fault.room, fault.life.0, fault.seq);
        writeln!(out, "room {room}, life {life}, row {seq}: {}", fault.what)?;
    }
    if !faults.is_empty() {
        bail!("{} lives are not as they were written", faults.len());
    }
    Ok(())
}

fn read_heads(file: &Path, room: Option<&str>) -> anyhow::Result<Vec<Head>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut heads = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let head: Head =
            line.parse().with_context(|| format!("{}, line {number}", file.display()))?;
        if room.is_none_or(|room| room == head.room) {
            heads.push(head);
        }
    }
    Ok(heads)
}

/// A server takes away rooms that ended longer ago.
fn pruned_before(args: &LedgerArgs) -> anyhow::Result<u64> {
    let config = Config::load(args.config.as_deref(), std::env::vars())?;
    Ok(millis(unix_now()?.saturating_sub(DAY * config.ledger.keep_days)))
}

fn copy(
    from: Option<&str>,
    to: Option<&str>,
    configured: Place,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let (from, to) = match (from, to) {
        (None, None) => bail!("name where it is copied from or to: --from, --to, or both"),
        (Some(from), None) => (Place::named(from), configured),
        (None, Some(to)) => (configured, Place::named(to)),
        (Some(from), Some(to)) => (Place::named(from), Place::named(to)),
    };
    let context = || format!("cannot copy the ledger {from} to {to}; nothing was changed");
    let copied = ledger::copy(&from, &to).with_context(context)?;
    let (lives, rows, letters) = (copied.lives, copied.rows, copied.letters);
    writeln!(out, "{lives} lives, {rows} rows, {letters} letters: copied and checked")?;
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
