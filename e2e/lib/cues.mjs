// Reads the cues in a recording: what each picture says that it shows.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const UUID = Buffer.from('6c69616e6d6149408f2e6375652d7631', 'hex');
const SEI = 6; const SLICE = 1; const IDR = 5;

/** Returns `{ picture, cue }` for each picture with a cue; `picture` counts from 0. */
export async function cuesOf(file) {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:v', '-c', 'copy', '-bsf:v', 'h264_mp4toannexb', '-f', 'h264', '-'],
    { encoding: 'buffer', maxBuffer: 1 << 28 });
  const cues = [];
  let picture = -1; let cue = null;
  for (const nal of nals(stdout)) {
    const kind = nal[0] & 0x1f;
    if (kind === SEI) cue = cueIn(nal) ?? cue;
    // The first slice of a picture begins at macroblock 0, which is written as a single 1 bit.
    if ((kind === SLICE || kind === IDR) && nal[1] & 0x80) {
      picture += 1;
      if (cue) cues.push({ picture, cue });
      cue = null;
    }
  }
  return cues;
}

/** Returns the mean luma of the upper eighth of every picture. */
export async function upperLumas(file) {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:v', '-vf', 'crop=iw:ih/8:0:0,scale=1:1:flags=area,format=gray', '-fps_mode', 'passthrough', '-f', 'rawvideo', '-'],
    { encoding: 'buffer', maxBuffer: 1 << 24 });
  return [...stdout];
}

function cueIn(nal) {
  const payload = unescape(nal.subarray(1));
  const at = payload.indexOf(UUID);
  if (at < 0) return null;
  const text = payload.subarray(at + UUID.length, payload.lastIndexOf(0x80)).toString('utf8');
  return JSON.parse(text);
}

function unescape(bytes) {
  const out = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) { zeros = 0; continue; }
    out.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Buffer.from(out);
}

function* nals(stream) {
  let start = stream.indexOf('\0\0\x01', 0, 'latin1');
  while (start >= 0) {
    const next = stream.indexOf('\0\0\x01', start + 3, 'latin1');
    const nal = stream.subarray(start + 3, next < 0 ? stream.length : next);
    if (nal.length > 1) yield nal;
    start = next;
  }
}
