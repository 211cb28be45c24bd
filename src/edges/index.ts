import type { BunnyInput } from './bunny/index.js';
import type { CloudflareInput } from './cloudflare/index.js';
import type { CloudfrontInput } from './cloudfront/index.js';
import type { EdgeKind } from './contract.js';
import type { FastlyInput } from './fastly/index.js';
import type { HttpPurgeInput } from './http-purge/index.js';

/** One of the `edges` of a job file. */
export type EdgeInput = CloudfrontInput | CloudflareInput | FastlyInput | BunnyInput | HttpPurgeInput;

/** Every kind of edge, by the `type` a job file names; loaded when first asked for. */
export const edges: Readonly<Record<string, () => Promise<EdgeKind>>> = Object.freeze({
  cloudfront: async () => (await import('./cloudfront/index.js')).cloudfront,
  cloudflare: async () => (await import('./cloudflare/index.js')).cloudflare,
  fastly: async () => (await import('./fastly/index.js')).fastly,
  bunny: async () => (await import('./bunny/index.js')).bunny,
  'http-purge': async () => (await import('./http-purge/index.js')).httpPurge,
});
