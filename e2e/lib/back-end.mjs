// A shop's back end: takes the letters that a server posts, as docs/WEBHOOKS.md has them, and keeps them in order.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { scratch } from './machine.mjs';

/** Starts one that is told of `events`; `config` is the file with which a server knows of it. */
export async function startBackEnd(events) {
  const letters = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    // The token's middle part says what was signed; that signatures hold is proved in signaling's tests.
    const claims = JSON.parse(Buffer.from((request.headers.authorization ?? '').split('.')[1] ?? '', 'base64url').toString() || '{}');
    const isWhole = claims.sha256 === createHash('sha256').update(body).digest('base64');
    if (isWhole) letters.push(JSON.parse(body));
    response.writeHead(isWhole ? 204 : 401).end();
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const config = join(scratch('back-end'), 'lianmai.toml');
  const url = `http://127.0.0.1:${server.address().port}/`;
  writeFileSync(config, `[[webhooks.endpoints]]\nname = "shop"\nurl = "${url}"\nevents = ${JSON.stringify(events)}\n`);
  return { config, letters, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}
