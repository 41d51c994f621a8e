// Real Chromium, headless, with what the pages of a test need.
import { existsSync } from 'node:fs';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** Launches Chromium. With `camera` and `microphone` (files) the fake devices play those; `loopback` lets two of its pages talk by 127.0.0.1;
 * `udp: false` is a network that drops UDP, as far as WebRTC goes. */
export function launch({ camera, microphone, loopback = false, udp = true } = {}) {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required',
    '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
    '--disable-features=WebRtcHideLocalIpsWithMdns'];
  if (loopback) args.push('--allow-loopback-in-peer-connection');
  if (!udp) args.push('--webrtc-ip-handling-policy=disable_non_proxied_udp');
  if (camera) args.push(`--use-file-for-fake-video-capture=${camera}`);
  if (microphone) args.push(`--use-file-for-fake-audio-capture=${microphone}`);
  return chromium.launch({ executablePath, headless: true, args });
}

/** Opens a page in a context of its own. `host` = {id, hue, tone} makes its camera the canvas with the test mark. */
export async function open(browser, url, { host, viewport = { width: 390, height: 844 }, watch = false } = {}) {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => { if (process.env.E2E_LOG) console.error(`[page] ${message.text()}`); });
  await page.addInitScript({ content: readFileSync(join(here, 'in-page/peer-count.js'), 'utf8') });
  if (host) {
    await page.addInitScript((options) => { window.testHost = options; }, host);
    await page.addInitScript({ content: readFileSync(join(here, 'in-page/test-host.js'), 'utf8') });
  }
  if (watch) await page.addInitScript({ content: readFileSync(join(here, 'in-page/mark-reader.js'), 'utf8') });
  await page.goto(url);
  return page;
}
