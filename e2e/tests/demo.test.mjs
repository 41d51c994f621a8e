// Goal: `make demo`'s script shows the product: two hosts in battle, gifts arriving, a playable program; Ctrl-C ends it all.
// Method: the script itself on its default ports, as a person starts it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dirname } from 'node:path';
import { binary, media, root } from '../lib/machine.mjs';
import { inspect, record, steps } from '../lib/recording.mjs';
import { pause, waitFor } from '../lib/wait.mjs';

const group = (pgid) => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
  try { const stat = readFileSync(`/proc/${pid}/stat`, 'utf8'); return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2] === String(pgid); } catch { return false; }
});

test('the demo battles, sells and stops', async () => {
  const demo = spawn(join(root, 'scripts/demo.sh'), { detached: true, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, LIANMAI_BIN_DIR: dirname(binary('lianmai')), LIANMAI_MEDIA_DIR: media } });
  let printed = '';
  demo.stdout.on('data', (chunk) => { printed += chunk; });
  const exited = once(demo, 'exit');
  try {
    await waitFor('the URLs', () => /watch\?room=a/.test(printed) && /studio/.test(printed) && /rtmp:\/\/127\.0\.0\.1:1935\/live\/a/.test(printed), { seconds: 60 });
    const room = async () => (await fetch('http://127.0.0.1:8080/v1/rooms/a')).json();
    await waitFor('the battle', async () => (await room()).battle?.state === 'battling', { seconds: 40 });
    const recording = await record('rtmp://127.0.0.1:1935/live/a', 'demo');
    await waitFor('gifts', async () => { const { battle } = await room(); return battle && battle.scores.a + battle.scores.b > 0; }, { seconds: 40 });
    await pause(2_000);
    const { video, audio, videoTimes } = await inspect(await recording.stop());
    assert.deepEqual([video.codec_name, audio.codec_name, steps(videoTimes).isMonotonic], ['h264', 'aac', true]);
  } finally {
    process.kill(-demo.pid, 'SIGINT');
    const timer = setTimeout(() => process.kill(-demo.pid, 'SIGKILL'), 15_000);
    await exited;
    clearTimeout(timer);
  }
  await waitFor('every process of the demo to be gone', () => group(demo.pid).length === 0, { seconds: 5 });
});
