import { immutable } from '../texts.js';
import {
  backendPath,
  type EdgeFile,
  type EdgeTable,
  edgeName,
  headline,
  ownPattern,
  pinNames,
  shortId,
} from './table.js';

/**
 * nginx: maps for the `http` context, a location for the `server` context. Maps are hashed when nginx starts and evaluated
 * only when asked for. They fold the case of ASCII letters, which no two public paths differ in alone.
 *
 * The blob's own validators are replaced: a plain origin makes them of time and size, which may be equal in two snapshots.
 */
export function nginxFiles(table: EdgeTable): readonly EdgeFile[] {
  return [
    { name: 'nightpress-hash.conf', text: hashText(table) },
    { name: 'nightpress-maps.conf', text: mapsText(table) },
    { name: 'nightpress-location.conf', text: locationText(table) },
  ];
}

/** nginx takes these once for all maps, and before the first: of several jobs in one nginx they can be included once. */
function hashText(table: EdgeTable): string {
  const { rows } = table;
  return `${headline(table, '#')}
# Include it in the http block, before any map. It may be there once: of several jobs take one, with the larger figures.
map_hash_max_size ${Math.max(2048, 2 * rows.length)};
map_hash_bucket_size ${bucketSize(rows.map(({ path }) => path))};
`;
}

function mapsText(table: EdgeTable): string {
  const { backend, snapshots, prefix } = table;
  const v = `$${edgeName(table)}_`;
  const map = mapper(v);
  const names = pinNames(table);
  const start = `(?s)^${regex(decodeURIComponent(prefix))}`;
  const ids = names.map(([name]) => name).join('|');
  const indexed = names.map(([name, at]) => [name, String(at)] as const);
  return `${headline(table, '#')}
# Include it in the http block, after nightpress-hash.conf.

upstream ${edgeName(table)}_origin {
  server ${backend.hostname}:${backend.port || (backend.protocol === 'https:' ? 443 : 80)};
  keepalive 16;
}

${map('$uri', 'pin', [[`~${start}/s/(${ids})/`, '$1', 'raw']])}
${map('$uri', 'path', [
  [`~${start}/s/(?:${ids})(/.*)$`, '$1', 'raw'],
  [`~${start}(/.*)$`, '$1', 'raw'],
])}
${map('$cookie_nightpress', 'cookie_index', [['default', '0', 'raw'], ...indexed])}
${map(`${v}pin`, 'index', [['default', `${v}cookie_index`, 'raw'], ...indexed])}
${snapshots.map((_, at) => map(`${v}path`, `key_${at}`, keysOf(table, at))).join('\n')}
${map(
  `${v}index`,
  'key',
  snapshots.map((_, at) => [String(at), `${v}key_${at}`, 'raw'] as const),
)}
${map(
  `${v}index`,
  'snapshot',
  snapshots.map((id, at) => [String(at), shortId(id)] as const),
)}
${map(`${v}pin${v}path`, 'own', [[`~^${ownPattern}$`, '$1', 'raw']])}
${map(`${v}key`, 'target', [
  ['default', `${v}key`, 'raw'],
  ['', `${v}own`, 'raw'],
])}
${conditions(v)}`;
}

type Line = readonly [source: string, value: string, raw?: 'raw'];

function mapper(variables: string): (source: string, name: string, lines: readonly Line[]) => string {
  return (source, name, lines) => {
    const written = lines.map(
      ([from, to, raw]) => `  ${from === 'default' ? from : quoted(from)} ${raw ? to : quoted(to)};\n`,
    );
    return `map "${source}" ${variables}${name} {\n${written.join('')}}`;
  };
}

function keysOf({ rows }: EdgeTable, at: number): readonly Line[] {
  return rows.flatMap(({ path, keys }) => (keys[at] === undefined ? [] : [[`/${path}`, keys[at]] as const]));
}

/** Of a blob, validators are the sha256's; of the origin's own objects, whatever the origin says. */
const conditions = (v: string) => `map ${v}key ${v}etag {
  "~([0-9a-f]{64})" "\\"$1\\"";
}
map ${v}key ${v}show_etag {
  "" $upstream_http_etag;
  default ${v}etag;
}
map "${v}etag $http_if_none_match" ${v}unchanged {
  default 0;
  "~^(\\"[0-9a-f]+\\") (?:.*,)? *(?:W/)?\\\\1 *(?:,.*)?$" 1;
}
map ${v}key ${v}if_none_match {
  "" $http_if_none_match;
}
map ${v}key ${v}if_modified_since {
  "" $http_if_modified_since;
}
map ${v}key ${v}if_range {
  "" $http_if_range;
}
map "${v}etag $http_if_range" ${v}range {
  "~^ " $http_range;
  "~^\\\\S+ $" $http_range;
  "~^(\\\\S+) \\\\1$" $http_range;
}
map "${v}pin ${v}key" ${v}cache {
  "~ $" $upstream_http_cache_control;
  "~^ " "no-cache";
  default "${immutable}";
}
map "${v}key" ${v}shown_snapshot {
  "" "";
  default ${v}snapshot;
}
map "${v}key" ${v}last_modified {
  "" $upstream_http_last_modified;
}
`;

function locationText(table: EdgeTable): string {
  const v = `$${edgeName(table)}_`;
  const { backend, prefix } = table;
  const tls = `
  proxy_ssl_server_name on;
  proxy_ssl_name ${backend.hostname};`;
  return `${headline(table, '#')}
# Include it in a server block. No proxy_cache here, ranges are passed on: put a cache before or behind.
location ${quoted(`${decodeURIComponent(prefix)}/`)} {
  limit_except GET { deny all; }
  if (${v}target = "") { return 404; }
  if (${v}unchanged) { return 304; }
  proxy_pass ${backend.protocol}//${edgeName(table)}_origin${backendPath(table)}/${v}target;
  proxy_http_version 1.1;${backend.protocol === 'https:' ? tls : ''}
  proxy_set_header Connection "";
  proxy_set_header Host ${backend.host};
  proxy_set_header Cookie "";
  proxy_set_header Range ${v}range;
  proxy_set_header If-Range ${v}if_range;
  proxy_set_header If-None-Match ${v}if_none_match;
  proxy_set_header If-Modified-Since ${v}if_modified_since;
  proxy_hide_header Cache-Control;
  proxy_hide_header Expires;
  proxy_hide_header ETag;
  proxy_hide_header Last-Modified;
  add_header Cache-Control ${v}cache;
  add_header ETag ${v}show_etag;
  add_header Last-Modified ${v}last_modified;
  add_header Nightpress-Snapshot ${v}shown_snapshot;
}
`;
}

/** Inside quotes, nginx knows these escapes alone, and reads `\\t`, `\\r`, `\\n` as more than two characters. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

function regex(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
}

/** A bucket must hold the longest key with its pointers, and is a power of two. */
function bucketSize(paths: readonly string[]): number {
  const longest = paths.reduce((most, path) => Math.max(most, Buffer.byteLength(path)), 0);
  return 2 ** Math.max(7, Math.ceil(Math.log2(longest + 64)));
}
