// WebRTC clients of others: FFmpeg 9 (WHIP) and aiortc (WHIP, WHEP, SRS's JSON), installed by scripts/setup.sh into target/interop.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './machine.mjs';

const home = join(root, 'target/interop');
const python = join(home, 'bin/python');
const peer = join(root, 'e2e/interop/peer.py');

/** The static FFmpeg 9 that the Python package carries; Debian's has no WHIP. */
export function ffmpeg9() {
  try {
    const [version] = readdirSync(join(home, 'lib'));
    const folder = join(home, 'lib', version, 'site-packages/imageio_ffmpeg/binaries');
    return join(folder, readdirSync(folder).find((name) => name.startsWith('ffmpeg-')));
  } catch (error) {
    throw new Error('no FFmpeg 9: run scripts/setup.sh test', { cause: error });
  }
}

/** FFmpeg publishes a test picture and a tone by WHIP until `stop()`, which resolves to its exit code and log. */
export function startFfmpeg(url, token) {
  const args = ['-hide_banner', '-loglevel', 'verbose', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=480x270:rate=25',
    '-re', '-f', 'lavfi', '-i', 'sine=frequency=660:sample_rate=48000', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency',
    '-profile:v', 'baseline', '-pix_fmt', 'yuv420p', '-g', '25', '-bf', '0', '-c:a', 'libopus', '-ac', '2', '-f', 'whip', '-authorization', token, url];
  const child = spawn(ffmpeg9(), args, { stdio: ['pipe', 'ignore', 'pipe'] });
  return stoppable(child, () => child.stdin.end('q'));
}

/** aiortc publishes a test picture and a tone until `stop()`, which resolves to what it sent. */
export function startAiortcHost(url, token) {
  const child = spawn(python, [peer, 'publish', url, token], { stdio: ['pipe', 'pipe', 'pipe'] });
  return stoppable(child, () => child.stdin.end());
}

/** aiortc views until it has decoded `frames` pictures and as many frames of sound; resolves to what it saw. */
export async function aiortcViews(url, token, frames) {
  const child = spawn(python, [peer, 'view', url, token, String(frames)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const { code, out, log } = await ended(child);
  if (code !== 0) throw new Error(`aiortc ended with ${code}:\n${log}`);
  return JSON.parse(out);
}

function stoppable(child, ask) {
  const end = ended(child);
  return {
    async stop() {
      ask();
      return end;
    },
  };
}

/** Resolves when `child` is gone; kills it if that takes too long. */
async function ended(child) {
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let out = '';
  let log = '';
  child.stdout?.on('data', (chunk) => { out += chunk; });
  child.stderr.on('data', (chunk) => { log += chunk; if (process.env.E2E_LOG) process.stderr.write(chunk); });
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  return { code, out, log };
}
