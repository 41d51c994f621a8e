// One measurement under loss: a host's picture and sound through a wire to a viewer, ours or stock Chromium's.
//
// Ours: Chromium host -> server -> wire -> Chromium viewer, with the product's own pages. Stock: Chromium -> wire -> Chromium.
// The host is the same in both: the canvas with the test mark at 25 fps and a tone, H.264 of at most 900 kbit/s, Opus of 48.
import { open } from './browser.mjs';
import { goLive, playFeed } from './pages.mjs';
import { createRoom, onStage } from './stage.mjs';
import { pause, percentile, waitFor } from './wait.mjs';
import { addressIn, routeThroughWires, startWire, throughWire } from './wire.mjs';

/** What a wire does, by name. Both directions lose the same share of media and of RTCP; STUN and DTLS pass. */
export const SCENARIOS = {
  video40: ['both loss video,audio,rtcp 0.4'],
  audio80: ['both loss video,audio,rtcp 0.8'],
  burst10: ['both loss video,audio,rtcp 0.1 burst 5'],
};

/** A round trip of 40 ms. */
export const WAY = ['both delay 20'];

export const FPS = 25;
/** Sound that is heard later than this after it was sent does not count as delivered; a frame takes so long itself. */
const IN_TIME_MS = 600;
const FRAME_MS = 20;
/** Over so long a jitter buffer's delay is a mean; percentiles are of these means. */
const SOUND_WINDOW_MS = 250;
const HOST = { id: 1, hue: 340, tone: 440, fps: FPS, detail: 24 };
const KBPS = 900;

/** A host of ours, live in `room`. With `options` it sends through a wire, without through none. */
export async function startHost(browser, server, room, options) {
  await createRoom(server, room, 'alice');
  const page = await open(browser, 'about:blank', { host: HOST });
  let wire;
  if (options) await routeThroughWires(page, 'whip', options, (made) => { wire = made; });
  await page.goto(`${server.url}/studio?room=${room}&identity=alice&quality=360p`);
  await goLive(page);
  await onStage(server, room, ['alice']);
  return { page, wire, async stop() { await page.context().close(); await wire?.stop(); } };
}

/** A viewer of ours. With `options` it receives through a wire, without through none. */
export async function watchOurs(browser, server, room, options) {
  const page = await open(browser, `${server.url}/`, { watch: true });
  let wire;
  if (options) await routeThroughWires(page, 'whep', options, (made) => { wire = made; });
  await playFeed(page, { room, feed: `${room}/alice`, token: await server.token(room, 'vera', 'viewer') });
  await page.evaluate(() => { window.underTest = () => window.directPlayer.pc; });
  await shows(page);
  return { page, wire, media: 'down', async stop() { await page.context().close(); await wire?.stop(); } };
}

/** Our viewer without loss, of a host whose uplink has it. */
export async function watchUplink(browser, server, room, options) {
  const host = await startHost(browser, server, room, options);
  const viewer = await watchOurs(browser, server, room);
  return { page: viewer.page, wire: host.wire, media: 'up', sender: host.page, async stop() { await viewer.stop(); await host.stop(); } };
}

/** Stock Chromium to stock Chromium: the viewer reaches the host by a wire. `url` is any page of our origin. */
export async function watchStock(browser, url, options) {
  const host = await open(browser, url, { host: HOST });
  const page = await open(browser, url, { watch: true });
  const offer = await host.evaluate(offerStock, KBPS);
  const wire = await startWire(addressIn(offer), options);
  const answer = await page.evaluate(answerStock, throughWire(offer, wire.port));
  await host.evaluate((sdp) => window.pc.setRemoteDescription({ type: 'answer', sdp }), throughWire(answer));
  await host.evaluate(limitStock, KBPS);
  await shows(page);
  return { page, wire, media: 'down', async stop() { await Promise.all([page.context().close(), host.context().close()]); await wire.stop(); } };
}

const shows = (page) => waitFor('the mark to be readable', async () => (await page.evaluate(() => window.readTiles('#direct', ['solo']))).solo, { seconds: 20 });

/** Watches for `seconds` and says what a viewer would. */
export async function measure({ page, wire, media, sender }, seconds) {
  const back = media === 'up' ? 'down' : 'up';
  await page.evaluate(startMeasuring, SOUND_WINDOW_MS);
  const sentBefore = await sender?.evaluate(readSender);
  const before = await wire.stats();
  await pause(seconds * 1000);
  const seen = await page.evaluate(stopMeasuring);
  const after = await wire.stats();
  const sent = await sender?.evaluate(readSender);
  const times = seen.frames.map((frame) => frame.now);
  const gaps = [...times, seen.ended].map((time, at) => time - (times[at - 1] ?? seen.began));
  const ages = seen.frames.map((frame) => frame.marks.solo?.age).filter((age) => age !== undefined);
  const { video, audio, sound } = seen;
  const emitted = (windows) => windows.reduce((sum, { samples }) => sum + samples, 0);
  const lost = (way, kind) => (after[way][kind].lost - before[way][kind].lost) / Math.max(1, after[way][kind].packets - before[way][kind].packets);
  const kbps = (way, kind) => ((after[way][kind].bytes - before[way][kind].bytes) * 8) / 1000 / seconds;
  return {
    fps: video.framesDecoded / seen.seconds,
    freeze_max_s: Math.max(...gaps) / 1000,
    freeze_share: video.totalFreezesDuration / seen.seconds,
    g2g_p50_ms: percentile(ages, 0.5),
    g2g_p95_ms: percentile(ages, 0.95),
    concealed_ratio: audio.concealedSamples / Math.max(1, audio.totalSamplesReceived),
    // What came out of the jitter buffer as sent, and early enough, against what was sent: 48,000 samples a second.
    delivered_ratio: Math.min(1, emitted(sound.filter(({ delayMs }) => delayMs + FRAME_MS <= IN_TIME_MS)) / (48_000 * seen.seconds)),
    audio_buffer_ms: (audio.jitterBufferDelay / Math.max(1, audio.jitterBufferEmittedCount)) * 1000,
    audio_buffer_p95_ms: percentile(sound.map(({ delayMs }) => delayMs), 0.95),
    video_buffer_ms: (video.jitterBufferDelay / Math.max(1, video.jitterBufferEmittedCount)) * 1000,
    keyframes: video.keyFramesDecoded,
    plis: video.pliCount,
    nacks: video.nackCount,
    readable: ages.length,
    video_kbps: kbps(media, 'video'),
    audio_kbps: kbps(media, 'audio'),
    video_lost: lost(media, 'video'),
    audio_lost: lost(media, 'audio'),
    rtcp_lost: lost(back, 'rtcp'),
    // Whether a host's own browser slowed down, where it is the one behind the wire.
    ...(sent && {
      sent_fps: (sent.frames - sentBefore.frames) / ((sent.now - sentBefore.now) / 1000),
      sender_target_kbps: sent.targetKbps,
      sender_estimate_kbps: sent.estimateKbps,
    }),
  };
}

/** A picture has a gap when the next one is later than this. */
const GAP_MS = 200;
/** Without a gap for so long it is whole. */
const WHOLE_S = 3;

/** Ends the loss, and says how many seconds it takes, `seconds` at most, until the picture is whole: no gap of more than 200 ms after that. */
export async function recovery({ page, wire }, seconds) {
  wire.set('both loss all 0');
  await page.evaluate(startMeasuring, SOUND_WINDOW_MS);
  for (let waited = 0; waited < seconds; waited += 0.5) {
    await pause(500);
    if (await page.evaluate(longWhole, { gapMs: GAP_MS, wholeMs: WHOLE_S * 1000 })) break;
  }
  const { frames, began, ended } = await page.evaluate(stopMeasuring);
  const times = [...frames.map((frame) => frame.now), ended];
  const broken = times.filter((time, at) => time - (times[at - 1] ?? began) > GAP_MS);
  return broken.length ? (broken.at(-1) - began) / 1000 : 0;
}

// ---- in the pages ----

async function startMeasuring(windowMs) {
  window.startWatching('#direct', ['solo']);
  const read = async () => {
    const stats = [...(await window.underTest().getStats()).values()].filter((s) => s.type === 'inbound-rtp');
    return { video: stats.find((s) => s.kind === 'video'), audio: stats.find((s) => s.kind === 'audio') };
  };
  const sound = [];
  let { audio: last } = await read();
  const look = async () => {
    const { audio } = await read();
    const samples = (audio?.jitterBufferEmittedCount ?? 0) - (last?.jitterBufferEmittedCount ?? 0);
    // What a late packet waits is short, so what the buffer aims at counts, too: it is what the others wait.
    const mean = (total) => ((audio[total] - (last?.[total] ?? 0)) / samples) * 1000;
    if (samples > 0) sound.push({ samples, delayMs: Math.max(mean('jitterBufferDelay'), mean('jitterBufferTargetDelay')) });
    last = audio;
  };
  const timer = setInterval(look, windowMs);
  window.measuring = { read, sound, began: performance.now(), before: await read(), async end() { clearInterval(timer); await look(); } };
}

/** Whether the picture has had no gap for so long up to now. */
function longWhole({ gapMs, wholeMs }) {
  const now = performance.now();
  const times = window.watchedFrames().map((frame) => frame.now).filter((time) => time > now - wholeMs);
  const gaps = [...times, now].map((time, at) => time - (times[at - 1] ?? now - wholeMs));
  return window.measuring.began <= now - wholeMs && gaps.every((gap) => gap <= gapMs);
}

/** What a host's browser says of the picture that it sends. */
async function readSender() {
  const all = [...(await window.uplink().getStats()).values()];
  const video = all.find((s) => s.type === 'outbound-rtp' && s.kind === 'video');
  const pair = all.find((s) => s.type === 'candidate-pair' && s.nominated);
  return { now: performance.now(), frames: video.framesSent, targetKbps: video.targetBitrate / 1000, estimateKbps: (pair?.availableOutgoingBitrate ?? 0) / 1000 };
}

async function stopMeasuring() {
  const { read, sound, began, before } = window.measuring;
  await window.measuring.end();
  const after = await read();
  const ended = performance.now();
  const frames = window.stopWatching();
  const rise = (kind) => Object.fromEntries(Object.entries(after[kind] ?? {}).filter(([, value]) => typeof value === 'number').map(([key, value]) => [key, value - (before[kind]?.[key] ?? 0)]));
  return { frames, began, ended, sound, seconds: (ended - began) / 1000, video: rise('video'), audio: rise('audio') };
}

async function offerStock() {
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  window.pc = new RTCPeerConnection();
  for (const track of stream.getTracks()) {
    const transceiver = window.pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    if (track.kind !== 'video') continue;
    track.contentHint = 'motion';
    const rank = ({ mimeType, sdpFmtpLine = '' }) => (mimeType === 'video/H264' && /packetization-mode=1/.test(sdpFmtpLine) ? (/42e0/.test(sdpFmtpLine) ? 0 : 1) : 2);
    transceiver.setCodecPreferences([...RTCRtpSender.getCapabilities('video').codecs].sort((a, b) => rank(a) - rank(b)));
  }
  await window.pc.setLocalDescription();
  await new Promise((done) => { if (window.pc.iceGatheringState === 'complete') done(); window.pc.onicegatheringstatechange = () => window.pc.iceGatheringState === 'complete' && done(); });
  return window.pc.localDescription.sdp;
}

async function limitStock(kbps) {
  for (const sender of window.pc.getSenders()) {
    const parameters = sender.getParameters();
    Object.assign(parameters.encodings[0], sender.track.kind === 'video' ? { maxBitrate: kbps * 1000, maxFramerate: 30 } : { maxBitrate: 48_000 });
    if (sender.track.kind === 'video') parameters.degradationPreference = 'maintain-framerate';
    await sender.setParameters(parameters);
  }
}

async function answerStock(offer) {
  const video = Object.assign(document.createElement('video'), { id: 'direct', autoplay: true, muted: true, playsInline: true });
  document.body.replaceChildren(video);
  window.pc = new RTCPeerConnection();
  window.underTest = () => window.pc;
  window.pc.ontrack = ({ streams: [stream] }) => { video.srcObject = stream; };
  await window.pc.setRemoteDescription({ type: 'offer', sdp: offer });
  await window.pc.setLocalDescription();
  await new Promise((done) => { if (window.pc.iceGatheringState === 'complete') done(); window.pc.onicegatheringstatechange = () => window.pc.iceGatheringState === 'complete' && done(); });
  return window.pc.localDescription.sdp;
}
