import { cloudflareFiles } from './cloudflare.js';
import { cloudfrontFiles } from './cloudfront.js';
import { nginxFiles } from './nginx.js';
import type { EdgeFile, EdgeTable } from './table.js';
import { varnishFiles } from './varnish.js';

export const platforms = ['cloudfront', 'cloudflare', 'nginx', 'varnish'] as const;
export type Platform = (typeof platforms)[number];

/** The files of a platform; the same for the same table. Throws `edge-too-small` where they would not fit. */
export const filesFor: Readonly<Record<Platform, (table: EdgeTable) => readonly EdgeFile[]>> = {
  cloudfront: cloudfrontFiles,
  cloudflare: cloudflareFiles,
  nginx: nginxFiles,
  varnish: varnishFiles,
};

/** What to do with them, for people. */
export const howTo: Readonly<Record<Platform, string>> = {
  cloudfront:
    'make a key value store from nightpress-kvs.json, tie it to nightpress-viewer-request.js, publish both functions: that is the switch',
  cloudflare:
    'wrangler kv bulk put each nightpress-kv-*.json, then wrangler deploy nightpress-worker.js: that is the switch',
  nginx:
    'include nightpress-hash.conf (once for all jobs) and nightpress-maps.conf in http, nightpress-location.conf in a server, then: nginx -s reload',
  varnish: 'include nightpress.vcl first in your VCL, then load and use it: varnishadm vcl.load, vcl.use',
};
