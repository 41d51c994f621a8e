// Records an RTMP stream with FFmpeg and measures the recording with ffprobe: what any player would get.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { scratch } from './machine.mjs';
import { waitFor } from './wait.mjs';
import { statSync } from 'node:fs';

const run = promisify(execFile);
const probe = async (args) => JSON.parse((await run('ffprobe', ['-v', 'error', '-of', 'json', ...args], { maxBuffer: 256 << 20 })).stdout);

/** Starts recording `url` as it comes; `stop()` resolves to the file. */
export async function record(url, name = 'program') {
  const file = join(scratch('recording'), `${name}.flv`);
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', '-rw_timeout', '15000000', '-i', url, '-c', 'copy', '-flush_packets', '1', file], { stdio: ['pipe', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => { errors += chunk; });
  const exited = once(child, 'exit');
  await waitFor(`the first bytes of ${name}`, () => { if (child.exitCode !== null) throw new Error(`ffmpeg ended: ${errors}`); return statSync(file, { throwIfNoEntry: false })?.size > 20_000; }, { seconds: 25 });
  return {
    file,
    /** Whether FFmpeg is still on its one connection. */
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      child.stdin.write('q');
      const timer = setTimeout(() => child.kill('SIGKILL'), 8_000);
      await exited;
      clearTimeout(timer);
      return file;
    },
  };
}

/** What ffprobe says of the streams: codec names, sizes, and every packet's time in seconds by kind. */
export async function inspect(file) {
  const { streams, packets } = await probe(['-show_streams', '-show_packets', '-show_entries', 'stream=codec_type,codec_name,width,height,has_b_frames,sample_rate,channels:packet=codec_type,dts_time,pts_time,flags', file]);
  const times = (kind) => packets.filter((packet) => packet.codec_type === kind).map((packet) => Number(packet.dts_time));
  return {
    video: streams.find((stream) => stream.codec_type === 'video'),
    audio: streams.find((stream) => stream.codec_type === 'audio'),
    videoTimes: times('video'),
    audioTimes: times('audio'),
  };
}

/** A hash of every packet by kind, in order. */
export async function dataHashes(file) {
  const { packets } = await probe(['-show_packets', '-show_data_hash', 'md5', '-show_entries', 'packet=codec_type,data_hash', file]);
  const hashes = (kind) => packets.filter((packet) => packet.codec_type === kind).map((packet) => packet.data_hash);
  return { video: hashes('video'), audio: hashes('audio') };
}

/** The widest step between neighbours, in ms, and whether any step goes back. */
export function steps(times) {
  let widest = 0;
  let isMonotonic = true;
  for (let i = 1; i < times.length; i++) {
    widest = Math.max(widest, (times[i] - times[i - 1]) * 1000);
    if (times[i] < times[i - 1]) isMonotonic = false;
  }
  return { widest, isMonotonic };
}

/** Mean luma (0-255) of every picture, with its time. */
export async function lumas(file) {
  const { frames } = await probe(['-f', 'lavfi', '-show_entries', 'frame=pts_time:frame_tags=lavfi.signalstats.YAVG', `movie=${file},scale=90:160,signalstats`]);
  return frames.map((frame) => ({ time: Number(frame.pts_time), luma: Number(frame.tags['lavfi.signalstats.YAVG']) }));
}

/**
 * How much later the beep comes than the flash, in ms, one figure a second; `tile` is where the host's picture is.
 * The beep's start is known to 2.5 ms, the flash's to one picture of the program.
 */
export async function avSkews(file, [x, y, width] = [0, 0, 720]) {
  const cell = width / 24;
  const crop = `crop=${Math.round(cell * 6)}:${Math.round(cell * 0.6)}:${Math.round(x + cell * 17)}:${Math.round(y + cell * 2.2)}`;
  const pictures = await probe(['-f', 'lavfi', '-show_entries', 'frame=pts_time:frame_tags=lavfi.signalstats.YAVG', `movie=${file},${crop},signalstats`]);
  const sounds = await probe(['-f', 'lavfi', '-show_entries', 'frame=pts_time:frame_tags=lavfi.astats.Overall.RMS_level',
    `amovie=${file},bandpass=f=1000:width_type=h:w=300,asetnsamples=n=120:p=0,astats=metadata=1:reset=1`]);
  const flashes = onsets(pictures.frames.map((f) => [Number(f.pts_time), Number(f.tags['lavfi.signalstats.YAVG']) > 128]));
  const beeps = onsets(sounds.frames.map((f) => [Number(f.pts_time), Number(f.tags?.['lavfi.astats.Overall.RMS_level'] ?? -99) > -25]));
  return flashes.map((flash) => beeps.map((beep) => (beep - flash) * 1000).reduce((best, skew) => (Math.abs(skew) < Math.abs(best) ? skew : best), Infinity))
    .filter((skew) => Math.abs(skew) < 450);
}

/** Times at which a signal rises after at least 300 ms of being low. */
function onsets(samples) {
  const found = [];
  let lowSince = null;
  let wasHigh = true;
  for (const [time, isHigh] of samples) {
    if (!isHigh && wasHigh) lowSince = time;
    if (isHigh && !wasHigh && lowSince !== null && time - lowSince > 0.3) found.push(time);
    wasHigh = isHigh;
  }
  return found;
}

/** Shifts the sound of a recording by `ms`: the positive control of `avSkews`. */
export async function shiftSound(file, ms) {
  const shifted = file.replace(/\.flv$/, `-shifted${ms}.mkv`);
  await run('ffmpeg', ['-v', 'error', '-y', '-i', file, '-itsoffset', String(ms / 1000), '-i', file, '-map', '0:v', '-map', '1:a', '-c', 'copy', shifted]);
  return shifted;
}
