import { immutable } from '../texts.js';
import { checkPairs } from './limits.js';
import {
  type EdgeFile,
  type EdgeTable,
  headline,
  ownPattern,
  pinNames,
  releaseOf,
  shortId,
  storedText,
} from './table.js';

/**
 * Cloudflare: a Worker module, and the pairs of a KV namespace bound as `NIGHTPRESS` in files for bulk upload. KV is
 * eventually consistent and remembers what was not there, so every key begins with the release: upload first, then deploy
 * the Worker. That deploy is the switch, and no key is ever asked for before it is there.
 *
 * Limits: developers.cloudflare.com/kv/platform/limits (key 512 bytes, value 25 MiB), /kv/api/write-key-value-pairs
 * (10,000 pairs and 100 MB an upload).
 */
const storeLimits = { store: 'Workers KV', keyBytes: 512, valueBytes: 25 * 1024 * 1024 };
const pairsAFile = 10_000;

export function cloudflareFiles(table: EdgeTable): readonly EdgeFile[] {
  const release = releaseOf(table);
  const pairs = table.rows.map((row) => ({ key: `${release}/${row.path}`, value: storedText(row) }));
  checkPairs(pairs, storeLimits);
  const files = Array.from({ length: Math.max(1, Math.ceil(pairs.length / pairsAFile)) }, (_, n) => {
    const lines = pairs.slice(n * pairsAFile, (n + 1) * pairsAFile).map((pair) => JSON.stringify(pair));
    return { name: `nightpress-kv-${String(n + 1).padStart(3, '0')}.json`, text: `[\n${lines.join(',\n')}\n]\n` };
  });
  return [...files, { name: 'nightpress-worker.js', text: workerText(table, release) }];
}

function workerText(table: EdgeTable, release: string): string {
  return `${headline(table, '//')}
// Binding: NIGHTPRESS, the KV namespace that holds nightpress-kv-*.json. Upload those before you deploy this.
const release = ${JSON.stringify(release)};
const prefix = ${JSON.stringify(table.prefix)};
const backend = ${JSON.stringify(table.backend.href.replace(/\/+$/, ''))};
const own = /^${ownPattern.replaceAll('/', '\\/')}$/;
const pins = new Map(${JSON.stringify(pinNames(table))});
const shown = ${JSON.stringify(table.snapshots.map(shortId))};

function keyAt(value, place) {
  if (!value.includes(':')) return value;
  for (const part of value.split(' ')) {
    const [places, key] = part.split(':');
    if (places.split(',').includes(String(place))) return key;
  }
  return undefined;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray percent sign: no path of ours
  }
}

function pinOf(request) {
  const cookie = /(?:^|;) *nightpress=([0-9a-f]+) *(?:;|$)/.exec(request.headers.get('Cookie') ?? '');
  return pins.get(cookie?.[1]) ?? 0;
}

/** What is asked for: the place of its snapshot in the table, the path, and how long the answer may be kept. */
function asked(request) {
  const path = decoded(new URL(request.url).pathname.slice(prefix.length));
  const [, id, rest] = /^\\/s\\/([0-9a-f]+)(\\/.*)$/s.exec(path) ?? [];
  const place = pins.get(id);
  if (place === undefined) return { place: pinOf(request), path, cache: 'no-cache' };
  return { place, path: rest, pinned: true, cache: '${immutable}' };
}

async function blob(request, { key, place, cache }) {
  const sha256 = /[0-9a-f]{64}/.exec(key)?.[0];
  const etag = sha256 && '"' + sha256 + '"';
  const headers = { 'Cache-Control': cache, 'Nightpress-Snapshot': shown[place], ...(etag && { ETag: etag }) };
  const known = (request.headers.get('If-None-Match') ?? '').split(',').map((one) => one.trim().replace(/^W\\//, ''));
  if (etag && known.includes(etag)) return new Response(null, { status: 304, headers });
  const range = request.headers.get('Range');
  const condition = request.headers.get('If-Range');
  const wanted = range && (!condition || condition === etag) ? { Range: range } : {};
  const answer = await fetch(backend + '/' + key, { method: request.method, headers: wanted });
  const response = new Response(answer.body, answer);
  if (!answer.ok) return response;
  for (const name of ['Last-Modified', 'Expires', 'ETag']) response.headers.delete(name);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

export default {
  async fetch(request, env) {
    if (!new URL(request.url).pathname.startsWith(prefix + '/')) return fetch(request);
    if (request.method !== 'GET' && request.method !== 'HEAD') return new Response(null, { status: 405 });
    const { place, path, pinned, cache } = asked(request);
    const value = path.length > 1 ? await env.NIGHTPRESS.get(release + path, { cacheTtl: 86400 }) : null;
    const key = value && keyAt(value, place);
    if (key) return blob(request, { key, place, cache });
    if (pinned || !own.test(path)) return new Response(null, { status: 404 });
    const headers = new Headers(request.headers);
    headers.delete('Cookie');
    return fetch(backend + path, { method: request.method, headers });
  },
};
`;
}
