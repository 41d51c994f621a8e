// Goal: whatever happens on a stage, the program goes on: its time rises, no gap over 100 ms (2 s when its mixer is killed), memory
// stays flat, and nothing is left behind. `make soak` runs it for ten minutes, e2e/tests/chaos.test.mjs for a quarter of one.
// Method: seeded chance lets guests come, leave and crash, changes the size of pictures, switches cameras and microphones, mutes,
// lays out anew, battles another room and kills mixers, while FFmpeg records the program by RTMP and a synthetic viewer counts packets.
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startPerformer, startWatcher } from '../lib/load.mjs';
import { media } from '../lib/machine.mjs';
import { inspect, record } from '../lib/recording.mjs';
import { startServer } from '../lib/server.mjs';
import { createRoom, director, onStage } from '../lib/stage.mjs';
import { pause, waitFor } from '../lib/wait.mjs';
import { startWitness } from '../lib/witness.mjs';

const run = promisify(execFile);
/** Guests at most; with the host and the other room's, five pictures are decoded. */
const GUESTS = 3;
const LAYOUTS = ['auto', 'grid', 'spotlight', 'pip', 'pk_tb'];
/** No other gap may pass this. */
const GAP_MS = 100;
/** A killed mixer may cost so much, from a little before the kill is noted. */
const KILL_GAP_MS = 2_000;
/** How far apart the moment of a kill and its gap in the recording may lie: what FFmpeg buffers at its start. */
const SLACK_MS = 2_000;

/** Lets chance rule for `seconds`; resolves to what it did and what came of it. */
export async function chaos({ seconds, seed, log = () => {} }) {
  const chance = generator(seed);
  await smallClip();
  const server = await startServer({ env: { LIANMAI_PROGRAM_BYPASS: 'false' } });
  const stage = new Stage(server, chance, log);
  try {
    await stage.open();
    const witness = startWitness();
    const recording = await record(server.rtmpUrl('a'), 'chaos');
    const began = Date.now();
    const watcher = startWatcher(server, 'a');
    const memory = [];
    while (Date.now() < began + seconds * 1000) {
      await stage.act();
      await pause(500 + 2_000 * chance());
      memory.push(stage.memory());
    }
    const viewer = await watcher.stop();
    const isOneConnection = recording.isRunning();
    const { videoTimes, audioTimes } = await inspect(await recording.stop());
    const allowed = await witness.gapAllowed(GAP_MS);
    await stage.close();
    const mixers = server.mixers();
    const { code } = await server.stop();
    const left = mixers.filter((pid) => existsSync(`/proc/${pid}`)).length;
    return {
      seed, done: stage.done, kills: stage.kills.length, isOneConnection, viewer, left, code, memory: growth(memory),
      video: judge(videoTimes, stage.kills, began, allowed), audio: judge(audioTimes, stage.kills, began, allowed),
    };
  } finally {
    await stage.close();
    await server.stop();
  }
}

/** Who performs, and what may happen to them. */
class Stage {
  /** How often each thing was done. */
  done = {};
  /** When mixers were killed. */
  kills = [];
  #guests = new Map();
  #hosts = {};
  #directors = {};
  #next = 0;
  #lastKill = Date.now();
  #pk = null;

  constructor(server, chance, log) { Object.assign(this, { server, chance, log }); }

  async open() {
    for (const [room, host] of [['a', 'alice'], ['b', 'bob']]) {
      await createRoom(this.server, room, host);
      this.#hosts[room] = startPerformer(this.server, room, { clip: host });
      await onStage(this.server, room, [host]);
      this.#directors[room] = await director(this.server, room, host);
    }
  }

  /** Does one thing that is possible now. */
  async act() {
    const possible = Object.entries(this.#possible());
    const total = possible.reduce((sum, [, [weight]]) => sum + weight, 0);
    let at = this.chance() * total;
    const [name, [, act]] = possible.find(([, [weight]]) => (at -= weight) < 0) ?? possible.at(-1);
    this.log(name);
    this.done[name] = (this.done[name] ?? 0) + 1;
    // The rules may say no: a seat is held for who crashed, a battle has a cooldown.
    await act().catch((error) => { if (!error.code) throw error; this.done[error.code] = (this.done[error.code] ?? 0) + 1; });
  }

  #possible() {
    const guests = [...this.#guests.values()];
    const anybody = () => this.#pick([this.#hosts.a, ...guests]);
    const a = this.#directors.a;
    return {
      ...(guests.length < GUESTS && { join: [4, async () => this.#join()] }),
      ...(guests.length > 0 && {
        leave: [2, async () => this.#gone(this.#pick(guests)).stop()],
        crash: [2, async () => this.#gone(this.#pick(guests)).kill()],
        mute: [2, () => a.send('seat.mute', { user: this.#pick(guests).identity, audio: this.chance() < 0.5 })],
        kick: [1, async () => { const guest = this.#gone(this.#pick(guests)); await a.send('seat.kick', { user: guest.identity }); await guest.stop(); }],
      }),
      resize: [4, async () => anybody().say(`clip ${this.#pick(['alice', 'bob', 'small'])}`)],
      camera: [3, async () => anybody().say(`camera ${this.#pick(['on', 'off', 'on'])}`)],
      microphone: [2, async () => anybody().say(`microphone ${this.#pick(['on', 'off', 'on'])}`)],
      layout: [3, () => this.#layout()],
      ...(this.#pk ? { part: [3, () => this.#part()] } : { battle: [2, () => this.#battle()] }),
      ...(Date.now() - this.#lastKill > 20_000 && { kill: [3, () => this.#kill()] }),
    };
  }

  #pick(list) { return list[Math.floor(this.chance() * list.length)]; }

  #join() {
    const identity = `guest${++this.#next}`;
    this.#guests.set(identity, startPerformer(this.server, 'a', { clip: this.#pick(['alice', 'bob', 'small']), identity, guest: true }));
  }

  #gone(guest) { this.#guests.delete(guest.identity); return guest; }

  async #layout() {
    const token = await this.server.token('a', 'alice', 'host');
    const transition = { kind: this.#pick(['cut', 'fade', 'slide']), ms: 300 };
    const { status } = await this.server.call('PUT', '/v1/rooms/a/layout', { token, body: { preset: this.#pick(LAYOUTS), transition } });
    if (status !== 200) throw new Error(`a layout was answered with ${status}`);
  }

  async #battle() {
    const { a, b } = this.#directors;
    const { pk } = await a.send('pk.invite', { room: 'b', duration_s: 300, punish_s: 0 });
    await b.event('pk.updated', (battle) => battle.pk === pk && battle.state === 'inviting');
    await b.send('pk.accept', { pk });
    this.#pk = pk;
  }

  async #part() {
    const pk = this.#pk;
    this.#pk = null;
    await this.#directors.a.send('pk.end', { pk });
  }

  async #kill() {
    this.#lastKill = Date.now();
    const [mixer] = this.server.mixers();
    if (!mixer) return;
    process.kill(mixer, 'SIGKILL');
    this.kills.push(Date.now());
  }

  /** Resident kilobytes of the server and of its mixers. */
  memory() {
    const of = (pid) => { try { return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]); } catch { return 0; } };
    return of(this.server.pid) + this.server.mixers().map(of).reduce((sum, kb) => sum + kb, 0);
  }

  async close() {
    const all = [...this.#guests.values(), ...Object.values(this.#hosts)];
    this.#guests.clear();
    this.#hosts = {};
    for (const director of Object.values(this.#directors)) director.close();
    await Promise.all(all.map((performer) => performer.stop()));
  }
}

/** What a recording's times say: whether each is later than the one before, and the gaps over `allowed` ms beside kills and elsewhere. */
export function judge(times, kills, began, allowed = GAP_MS) {
  const near = (at) => kills.some((kill) => Math.abs(at - kill) < SLACK_MS + KILL_GAP_MS);
  const found = { packets: times.length, seconds: times.at(-1) - times[0], backwards: 0, widest: 0, widestAtKill: 0, gaps: [] };
  for (let i = 1; i < times.length; i++) {
    const step = (times[i] - times[i - 1]) * 1000;
    const at = began + (times[i] - times[0]) * 1000;
    if (step <= 0) found.backwards += 1;
    if (near(at)) { found.widestAtKill = Math.max(found.widestAtKill, step); continue; }
    found.widest = Math.max(found.widest, step);
    if (step > allowed) found.gaps.push({ second: Math.round(times[i] - times[0]), step: Math.round(step) });
  }
  return found;
}

/** How much more memory the last quarter took than the second, at most. */
function growth(samples) {
  const most = (from, to) => samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)).sort((a, b) => a - b).at(-1);
  return { early_kb: most(0.25, 0.5), late_kb: most(0.75, 1), ratio: most(0.75, 1) / most(0.25, 0.5) };
}

/** A clip of another size than the others, made from one of them. */
async function smallClip() {
  if (existsSync(join(media, 'small.h264'))) return;
  await run('ffmpeg', ['-v', 'error', '-y', '-i', join(media, 'alice.h264'), '-vf', 'scale=270:480', '-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency',
    '-profile:v', 'baseline', '-g', '30', '-bf', '0', '-b:v', '500k', '-x264-params', 'aud=1:scenecut=0:repeat-headers=1', '-f', 'h264', join(media, 'small.h264')]);
  copyFileSync(join(media, 'alice.ogg'), join(media, 'small.ogg'));
}

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4_294_967_296;
  };
}

if (process.argv[1]?.endsWith('chaos.mjs')) {
  const seconds = Number(process.env.CHAOS_SECONDS ?? 600);
  const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
  console.log(`chaos: seed ${seed}, ${seconds} s`);
  const report = await chaos({ seconds, seed, log: (what) => { if (process.env.E2E_LOG) console.log(what); } });
  console.log(JSON.stringify(report, null, 1));
  const { video, audio, memory, left, code, isOneConnection, viewer } = report;
  const faults = Object.entries({
    'time went back': video.backwards + audio.backwards > 0,
    'a gap over 100 ms': video.gaps.length + audio.gaps.length > 0,
    'a gap over 2 s at a kill': Math.max(video.widestAtKill, audio.widestAtKill) > KILL_GAP_MS,
    'memory grew': memory.ratio > 1.2,
    'a mixer was left': left > 0,
    'the server failed': code !== 0,
    'RTMP was cut': !isOneConnection,
    'the viewer lost packets': viewer.lost > 0,
  }).filter(([, is]) => is).map(([what]) => what);
  console.log(faults.length ? `chaos: ${faults.join(', ')} (CHAOS_SEED=${seed})` : 'chaos: held');
  process.exit(faults.length ? 1 : 0);
}
