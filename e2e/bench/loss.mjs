// Loss, ours beside stock Chromium through the same wire: the bars of issue 3 and a table from 0 to 40 %.
import { launch } from '../lib/browser.mjs';
import { note } from '../lib/figures.mjs';
import { SCENARIOS, WAY, measure, recovery, startHost, watchOurs, watchStock, watchUplink } from '../lib/loss-run.mjs';
import { startServer } from '../lib/server.mjs';
import { pause } from '../lib/wait.mjs';

const SECONDS = 20;
/** Seconds of the scenario before measuring: none where the onset counts, some where the steady state is meant. */
const SETTLE = { audio80: 6 };
const RUNS = {
  ...SCENARIOS,
  even0: [],
  even10: ['both loss video,audio,rtcp 0.1'],
  even20: ['both loss video,audio,rtcp 0.2'],
  // A bottleneck: redundancy must not fill what the picture needs.
  narrow: ['both loss video,audio,rtcp 0.1', 'both rate 2000 queue 200'],
};
/** Those that are measured with the host behind the wire, too. */
const UPLINK = ['even10', 'even20', 'video40'];
const KEPT = ['fps', 'freeze_max_s', 'g2g_p50_ms', 'g2g_p95_ms', 'concealed_ratio', 'delivered_ratio', 'audio_buffer_ms', 'video_kbps', 'audio_kbps', 'readable', 'recovery_s'];

async function run(name, watch) {
  const viewer = await watch();
  try {
    await pause(4_000);
    viewer.wire.set(...RUNS[name]);
    await pause((SETTLE[name] ?? 0) * 1000);
    const seen = await measure(viewer, SECONDS);
    seen.recovery_s = await recovery(viewer, 8);
    return seen;
  } finally { await viewer.stop(); }
}

const keep = (prefix, seen) => note(Object.fromEntries(KEPT.filter((key) => Number.isFinite(seen[key])).map((key) => [`${prefix}.${key}`, seen[key]])));

const server = await startServer();
const browser = await launch({ loopback: true });
let failed = false;
try {
  const only = process.argv.slice(2);
  for (const name of only.length ? only : Object.keys(RUNS)) {
    try {
      keep(`chromium.loss.${name}`, await run(name, () => watchStock(browser, `${server.url}/`, { set: WAY })));
    } catch (error) { failed = true; console.error(`chromium ${name}:`, error); }
  }
  for (const name of only.length ? only.filter((run) => UPLINK.includes(run)) : UPLINK) {
    try {
      keep(`loss.uplink.${name}`, await run(name, () => watchUplink(browser, server, `up-${name}`, { set: WAY })));
    } catch (error) { failed = true; console.error(`uplink ${name}:`, error); }
  }
  await startHost(browser, server, 'a');
  for (const name of only.length ? only : Object.keys(RUNS)) {
    try {
      keep(`loss.${name}`, await run(name, () => watchOurs(browser, server, 'a', { set: WAY })));
    } catch (error) { failed = true; console.error(`ours ${name}:`, error); }
  }
} finally { await browser.close(); await server.stop(); }
process.exit(failed ? 1 : 0);
