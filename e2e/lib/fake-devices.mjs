// Camera and microphone files for Chromium's fake devices, made from the clips of our synthetic hosts: their marks and tones.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { media, root } from './machine.mjs';

/** Files for the fake devices of a browser that plays `clip` (alice: mark 101, 440 Hz; bob: mark 102, 660 Hz). */
export function fakeDevices(clip) {
  const folder = join(root, 'target/e2e');
  mkdirSync(folder, { recursive: true });
  const camera = join(folder, `${clip}.mjpeg`);
  const microphone = join(folder, `${clip}.wav`);
  make(camera, ['-i', join(media, `${clip}.h264`), '-c:v', 'mjpeg', '-q:v', '4', '-f', 'mjpeg']);
  make(microphone, ['-i', join(media, `${clip}.ogg`), '-ac', '1', '-f', 'wav']);
  return { camera, microphone };
}

function make(file, args) {
  if (existsSync(file)) return;
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...args, `${file}.part`]);
  renameSync(`${file}.part`, file);
}
