// What a shop's signalling does under load, by the release build: `make bench ONLY=sale`. Server and shoppers (`lianmai-load shop`)
// share this machine's cores, so the figures are those of both together. Figures go where e2e/lib/figures.mjs puts them.
//
// LIANMAI_SALE_PARTS=countdown,burst runs some parts only: idle countdown burst gifts overload sustained storm.
import { join } from 'node:path';
import { note } from '../lib/figures.mjs';
import { shop } from '../lib/load.mjs';
import { scratch } from '../lib/machine.mjs';
import { startServer } from '../lib/server.mjs';

const parts = (process.env.LIANMAI_SALE_PARTS || 'idle,countdown,burst,gifts,overload,sustained,storm').split(',');

for (const part of parts) {
  // A server of its own, so that no part pays for what another left behind.
  // On a real file: the temporary one of development is never forced to the disk.
  const server = await startServer({ env: { LIANMAI_LEDGER_PATH: join(scratch('ledger'), 'ledger.sqlite3') } });
  try {
    const report = await shop(server, { parts: part, seconds: part === 'sustained' ? 7 : 15 }, 180);
    note(figures(report));
  } finally {
    await server.stop();
  }
}

function figures({ countdown, burst, sustained, gifts, overload, idle, storm, server_cores: cores }) {
  const found = {};
  if (countdown) Object.assign(found, {
    'sale.spread_ms': countdown.spread_ms,
    'sale.clock_spread_ms': countdown.clock_spread_ms,
    'sale.late_countdowns': countdown.late,
  });
  if (burst) Object.assign(found, {
    'sale.burst_orders': burst.orders - burst.early,
    'sale.burst_p50_ms': burst.decided_ms.p50,
    'sale.burst_p99_ms': burst.decided_ms.p99,
    'sale.burst_all_ms': burst.all_decided_ms,
    'sale.early_orders': burst.early,
    'sale.early_accepts': burst.early_accepts,
    'sale.oversold': burst.oversold,
    'sale.out_of_order': burst.out_of_order,
    'sale.unanswered': burst.unanswered,
  });
  if (sustained) Object.assign(found, {
    'sale.orders_per_s': sustained.accepted_per_s,
    'sale.orders_p99_ms': sustained.decided_ms.p99,
    'sale.orders_server_cores': cores.find(([name]) => name === 'sustained')[1],
  });
  if (gifts) Object.assign(found, { 'gift.fanout_p50_ms': gifts.fanout_ms.p50, 'gift.fanout_p99_ms': gifts.fanout_ms.p99, 'gift.lost': gifts.lost });
  if (overload) Object.assign(found, {
    'chat.overload_lines_per_s': overload.lines_per_s,
    'chat.overload_heard_per_s': overload.heard_lines_per_s,
    'chat.overload_control_p99_ms': overload.control_ms.p99,
    'chat.overload_control_lost': overload.control_lost,
  });
  if (idle) Object.assign(found, { 'ws.idle_connections': idle.sockets, 'ws.kb_per_connection': idle.kb_per_connection, 'ws.idle_core_percent': idle.core_percent });
  if (storm) Object.assign(found, {
    'join.storm_sockets': storm.sockets,
    'join.storm_all_in_s': storm.all_in_s,
    'join.storm_wait_p50_ms': storm.wait_ms.p50,
    'join.storm_wait_p99_ms': storm.wait_ms.p99,
    'join.storm_turned_away': storm.turned_away_most,
    'join.storm_never_in': storm.never_in + storm.cut,
    'join.storm_control_p99_ms': storm.control_ms.p99,
    'join.storm_control_lost': storm.control_lost,
  });
  return found;
}
