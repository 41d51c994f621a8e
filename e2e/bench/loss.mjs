// Loss, ours beside stock Chromium through the same wire: the bars of issue 3 and a table from 0 to 80 %. Both sides run at the
// same time, so whatever else the machine does befalls both.
import { launch } from '../lib/browser.mjs';
import { note } from '../lib/figures.mjs';
import { SCENARIOS, WAY, measure, recovery, startHost, watchOurs, watchStock, watchUplink } from '../lib/loss-run.mjs';
import { startServer } from '../lib/server.mjs';
import { pause } from '../lib/wait.mjs';

/** Seconds of measuring where there is a bar, and elsewhere. */
const SECONDS = { video40: 20, audio80: 20, burst10: 20 };
const OTHERS = 12;
/** Seconds of the scenario before measuring: none where the onset counts, some where the steady state is meant. */
const SETTLE = { audio80: 6, tight: 6 };
/** Enough for a sender that starts slowly to reach its rate. */
const WARM_UP = 4;
const RUNS = {
  ...SCENARIOS,
  even0: [],
  even10: ['both loss video,audio,rtcp 0.1'],
  even20: ['both loss video,audio,rtcp 0.2'],
  // A bottleneck: redundancy must not fill what the picture needs.
  narrow: ['both loss video,audio,rtcp 0.1', 'both rate 2000 queue 200'],
  // One that the picture itself does not fit.
  tight: ['both loss video,audio,rtcp 0.1', 'both rate 700 queue 200'],
};
/** Those that are measured with the host behind the wire, too. */
const UPLINK = ['even20', 'video40', 'audio80', 'tight'];
const KEPT = ['fps', 'freeze_max_s', 'g2g_p50_ms', 'g2g_p95_ms', 'concealed_ratio', 'delivered_ratio', 'audio_buffer_ms', 'audio_buffer_p95_ms', 'video_kbps', 'audio_kbps', 'readable', 'recovery_s',
  'sent_fps', 'sender_target_kbps', 'sender_estimate_kbps'];

async function run(name, watch) {
  const viewer = await watch();
  try {
    await pause(WARM_UP * 1000);
    viewer.wire.set(...RUNS[name]);
    await pause((SETTLE[name] ?? 0) * 1000);
    const seen = await measure(viewer, SECONDS[name] ?? OTHERS);
    seen.recovery_s = await recovery(viewer, 8);
    return seen;
  } finally { await viewer.stop(); }
}

const keep = (prefix, seen) => note(Object.fromEntries(KEPT.filter((key) => Number.isFinite(seen[key])).map((key) => [`${prefix}.${key}`, seen[key]])));

const server = await startServer();
const browser = await launch({ loopback: true });
let failed = false;

/** Measures one run after the other; `only` are those that the command line names. */
async function lane(prefix, names, watch) {
  for (const name of names.filter((one) => only.length === 0 || only.includes(one))) {
    try {
      keep(`${prefix}.${name}`, await run(name, () => watch(name)));
    } catch (error) { failed = true; console.error(`${prefix} ${name}:`, error); }
  }
}

const only = process.argv.slice(2);
try {
  await startHost(browser, server, 'a');
  await Promise.all([
    lane('chromium.loss', Object.keys(RUNS), () => watchStock(browser, `${server.url}/`, { set: WAY })),
    lane('loss', Object.keys(RUNS), () => watchOurs(browser, server, 'a', { set: WAY })),
  ]);
  await lane('loss.uplink', UPLINK, (name) => watchUplink(browser, server, `up-${name}`, { set: WAY }));
} finally { await browser.close(); await server.stop(); }
process.exit(failed ? 1 : 0);
