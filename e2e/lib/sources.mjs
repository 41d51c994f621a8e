// Tells where a program's pictures come from: whether mixers compose, and who takes whose.
import { pause, waitFor } from './wait.mjs';

/** Pictures a second that the server's mixers compose, over `seconds`; mixers tell once a second. */
export async function composedFps(server, seconds = 3) {
  const before = await server.metric('mixer_pictures_total');
  await pause(seconds * 1000);
  return (await server.metric('mixer_pictures_total') - before) / seconds;
}

/** Waits until nothing is composed: solo hosts' own pictures are passed on. */
export const passing = (server) => waitFor('the hosts\' own pictures', async () => await composedFps(server, 2.2) === 0, { seconds: 30 });

/** Waits until something is composed. */
export const composing = (server) => waitFor('a composed picture', async () => await composedFps(server, 1.1) > 0, { seconds: 15 });
