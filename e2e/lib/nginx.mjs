// A real nginx-rtmp on loopback, to be pushed to, counted and killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freeTcpPort, scratch } from './machine.mjs';
import { waitFor } from './wait.mjs';

const MODULE = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

/** Starts nginx-rtmp; `publishes` counts the publish requests that it was sent over all its lives. */
export async function startNginx() {
  const folder = scratch('nginx');
  mkdirSync(join(folder, 'logs'));
  const port = await freeTcpPort();
  const publishes = [];
  const hook = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => { publishes.push(new URLSearchParams(body).get('name')); response.end(); });
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  writeFileSync(join(folder, 'nginx.conf'), `
    load_module ${MODULE};
    daemon off; master_process off; worker_processes 1; error_log ${folder}/logs/error.log warn; pid ${folder}/nginx.pid;
    events { worker_connections 64; }
    rtmp { server { listen 127.0.0.1:${port}; chunk_size 4096;
      application live { live on; on_publish http://127.0.0.1:${hook.address().port}/; } } }`);

  let child = null;
  const nginx = {
    port,
    publishes,
    url: (key) => `rtmp://127.0.0.1:${port}/live/${key}`,
    async start() {
      child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
      await waitFor('nginx to listen', () => new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('connect', () => { socket.destroy(); resolve(true); });
        socket.once('error', () => resolve(false));
      }));
    },
    async kill() {
      if (!child) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      child = null;
    },
    async stop() { await nginx.kill(); hook.close(); },
  };
  await nginx.start();
  return nginx;
}
