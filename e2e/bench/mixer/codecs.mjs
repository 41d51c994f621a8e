// What each encoder makes of the same 300 pictures of 720p at the same bit rate, with the mixer's own settings
// (mixer/src/bin/lianmai-mixer/h264_element.rs): CPU, what it really took, and how near the result is to the original.
// docs/CODECS.md tells of it.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const [WIDTH, HEIGHT, PICTURES, FPS] = [1280, 720, 300, 30];
const RATES_KBPS = [1500, 2500];
const x264 = (preset, kbps) => `x264enc tune=zerolatency speed-preset=${preset} bitrate=${kbps} vbv-buf-capacity=400 key-int-max=${FPS} bframes=0 rc-lookahead=0 threads=2 byte-stream=true aud=false`;
const openh264 = (complexity, kbps) => `openh264enc complexity=${complexity} rate-control=bitrate qp-min=12 qp-max=51 bitrate=${kbps * 1000} gop-size=${FPS} scene-change-detection=false multi-thread=2 slice-mode=auto`;
const ENCODERS = {
  x264_ultrafast: (kbps) => x264('ultrafast', kbps),
  x264_superfast: (kbps) => x264('superfast', kbps),
  x264_veryfast: (kbps) => x264('veryfast', kbps),
  openh264_low: (kbps) => openh264('low', kbps),
  openh264_medium: (kbps) => openh264('medium', kbps),
};

/** Detail at every size that moves and grows, under a camera's noise: no two pictures have a pixel in common by chance. */
const FILM = `mandelbrot=size=${WIDTH}x${HEIGHT}:rate=${FPS}:start_scale=0.3:end_scale=0.001:end_pts=400:maxiter=400,noise=alls=6:allf=t`;

export default async function measure() {
  const folder = mkdtempSync(join(tmpdir(), 'lianmai-codecs-'));
  try {
    const original = join(folder, 'original.yuv');
    await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', FILM, '-frames:v', String(PICTURES), '-pix_fmt', 'yuv420p', '-f', 'rawvideo', original]);
    const source = `filesrc location=${original} blocksize=${WIDTH * HEIGHT * 3 / 2} ! rawvideoparse width=${WIDTH} height=${HEIGHT} format=i420 framerate=${FPS}/1`;
    const alone = cpuOf(`${source} ! fakesink`);
    const figures = {};
    for (const [name, chain] of Object.entries(ENCODERS)) {
      for (const kbps of RATES_KBPS) {
        const encoded = join(folder, 'encoded.h264');
        const cpu = cpuOf(`${source} ! ${chain(kbps)} ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream ! filesink location=${encoded}`) - alone;
        const took = statSync(encoded).size * 8 / 1000 / (PICTURES / FPS);
        const [psnr, ssim] = [await compare('psnr', original, encoded), await compare('ssim', original, encoded)];
        console.log(`${name} ${kbps}: ${(1000 * cpu / PICTURES).toFixed(2)} ms a picture, ${took.toFixed(0)} kbit/s, PSNR ${psnr} dB, SSIM ${ssim}`);
        Object.assign(figures, {
          [`codecs.${name}_${kbps}.cpu_ms`]: 1000 * cpu / PICTURES,
          [`codecs.${name}_${kbps}.kbps`]: took,
          [`codecs.${name}_${kbps}.psnr_db`]: psnr,
          [`codecs.${name}_${kbps}.ssim`]: ssim,
        });
      }
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a pipeline to its end; returns the CPU seconds it used. */
function cpuOf(pipeline) {
  const { status, stderr } = spawnSync('bash', ['-c', `TIMEFORMAT='%U %S'; time gst-launch-1.0 -q ${pipeline} >/dev/null`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${pipeline}: ${stderr.slice(-400)}`);
  const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return user + system;
}

/** Resolves to how near a stream is to its original: the mean of all pictures. */
async function compare(measure, original, encoded) {
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${WIDTH}x${HEIGHT}`, '-r', String(FPS), '-i', original];
  const { stderr } = await run('ffmpeg', ['-hide_banner', '-nostdin', '-r', String(FPS), '-i', encoded, ...raw, '-lavfi', measure, '-f', 'null', '-'], { maxBuffer: 16 << 20 });
  const found = measure === 'psnr' ? /PSNR .*average:([\d.]+)/.exec(stderr) : /SSIM .*All:([\d.]+)/.exec(stderr);
  return Number(found[1]);
}
