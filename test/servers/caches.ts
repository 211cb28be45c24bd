import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type RealServer, startServer } from './processes.js';

/** A plain web server over a directory origin, whose head caches may keep for ten minutes: long enough to be stale. */
export async function serveOrigin(folder: string): Promise<{ readonly port: number; end(): Promise<void> }> {
  const server = createServer((request, answer) => {
    const place = path.join(folder, path.normalize(`/${new URL(request.url ?? '/', 'http://o').pathname}`));
    readFile(place).then(
      (bytes) => answer.writeHead(200, { 'cache-control': 'max-age=0, s-maxage=600' }).end(bytes),
      () => answer.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    end: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The system's Varnish, with the purge that its book shows; a token instead of an address says who may. */
export async function startVarnishCache(originPort: number, token: string): Promise<RealServer> {
  const vcl = `vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "${originPort}"; }
sub vcl_recv {
  if (req.method == "PURGE") {
    if (req.http.X-Purge-Token != "${token}") { return (synth(403, "Forbidden")); }
    return (purge);
  }
}
sub vcl_backend_response {
  if (bereq.url ~ "/head\\.json$") { set beresp.ttl = 5s; }
}
`;
  return await startServer((folder, port) => ({
    files: [{ name: 'main.vcl', text: vcl }],
    command: [
      ...(['varnishd', '-F', '-j', 'none', '-n', `${folder}/work`, '-a', `127.0.0.1:${port}`, '-T', 'none'] as const),
      ...['-f', `${folder}/main.vcl`, '-s', 'malloc,32m', '-p', 'thread_pools=1', '-p', 'thread_pool_min=10'],
      ...['-p', 'vsl_space=4M'],
    ],
  }));
}

/** Where Debian's libnginx-mod-http-cache-purge lies. */
export const nginxPurgeModule = '/usr/lib/nginx/modules/ngx_http_cache_purge_module.so';

/**
 * The system's nginx with the cache-purge module at a location of its own, reached as `GET /purge<path>` or, by a rewrite, as
 * `PURGE <path>`. Not as `proxy_cache_purge PURGE from …` in the location itself: with that Debian's 2.3-4 ends the worker by
 * signal 11 under nginx 1.22.1.
 */
export async function startNginxCache(originPort: number, token: string): Promise<RealServer> {
  return await startServer((folder, port) => ({
    files: [{ name: 'nginx.conf', text: nginxConf(originPort, port, token) }],
    command: ['nginx', '-p', folder, '-e', 'stderr', '-c', `${folder}/nginx.conf`],
  }));
}

/** Its workers must reach the folder, which is only its owner's. */
const asRoot = process.getuid?.() === 0 ? 'user root;' : '';

function nginxConf(originPort: number, port: number, token: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path tmp_${name};`);
  return `daemon off; worker_processes 1; pid run.pid; error_log stderr warn; ${asRoot}
load_module ${nginxPurgeModule};
events { worker_connections 64; }
http {
  access_log off;
${paths.join('\n')}
  proxy_cache_path cache keys_zone=media:1m use_temp_path=off;
  server {
    listen 127.0.0.1:${port};
    location / {
      if ($request_method = PURGE) { rewrite ^ /purge$uri last; }
      proxy_pass http://127.0.0.1:${originPort};
      proxy_cache media;
      proxy_cache_key $host$uri;
    }
    location ~ ^/purge(/.*)$ {
      if ($http_x_purge_token != "${token}") { return 403; }
      proxy_cache_purge media $host$1;
    }
  }
}
`;
}
