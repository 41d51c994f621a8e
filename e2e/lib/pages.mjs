// Presses the buttons of our own pages, as a person would.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './machine.mjs';

/** A host in the studio goes live; resolves once the picture goes out. */
export async function goLive(page) {
  const button = page.getByTestId('go-live');
  await button.and(page.locator(':enabled')).waitFor({ timeout: 20_000 });
  await button.click();
  await page.getByTestId('on-air').waitFor({ timeout: 20_000 });
}

/** A guest in the studio takes a seat; resolves once the picture goes out. */
export const takeSeat = goLive;

/** Plays one performer's own feed in a video `#direct` that the test adds to the page. */
export function playFeed(page, { room, feed, token }) {
  return page.evaluate(async (options) => {
    const [{ WhepPlayer }, { tokensOf }] = await Promise.all([import('/assets/media/whep.js'), import('/assets/token.js')]);
    const video = Object.assign(document.createElement('video'), { id: 'direct', autoplay: true, muted: true, playsInline: true });
    document.body.replaceChildren(video);
    const tokens = tokensOf(new URLSearchParams({ room: options.room, token: options.token }), 'viewer');
    window.directPlayer = new WhepPlayer({ room: options.room, tokens, video, feed: options.feed });
    window.directPlayer.start();
  }, { room, feed, token });
}

/** Takes a picture of the page: into docs/images when E2E_SCREENSHOTS=1, else into target. */
export async function screenshot(page, name) {
  const folder = join(root, process.env.E2E_SCREENSHOTS === '1' ? 'docs/images' : 'target/e2e');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
