import { immutable } from '../texts.js';
import { checkBytes, checkPairs } from './limits.js';
import { backendPath, type EdgeFile, type EdgeTable, headline, ownPattern, pinNames, storedText } from './table.js';

/**
 * CloudFront: two Functions (JavaScript runtime 2.0) and the pairs of a KeyValueStore, as the file that one is made from.
 * A store takes 50 changes at a time, so an old one cannot be switched in one step: make a new store, and publish the
 * function that is tied to it. That publish is the switch.
 *
 * Limits. Store: docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/kvs-with-functions-create-s3-kvp.html (file
 * 5 MB, key 512, value 1024 characters; counted in bytes here, which is never more generous). Function: 10 KB, the
 * quotas page beside it (cloudfront-limits.html).
 */
const storeLimits = { store: 'a CloudFront KeyValueStore', keyBytes: 512, valueBytes: 1024 };
const storeBytes = 5_000_000;
const functionBytes = 10_000;
const ownLiteral = ownPattern.replaceAll('/', '\\/');

export function cloudfrontFiles(table: EdgeTable): readonly EdgeFile[] {
  const pairs = table.rows.map((row) => ({ key: `/${row.path}`, value: storedText(row) }));
  checkPairs(pairs, storeLimits);
  const lines = pairs.map(({ key, value }) => JSON.stringify({ key, value })).join(',\n');
  const store = { name: 'nightpress-kvs.json', text: `{"data":[\n${lines}\n]}\n` };
  checkBytes(store, storeBytes, `${storeLimits.store} of ${pairs.length} pairs`);
  const functions = [
    { name: 'nightpress-viewer-request.js', text: requestText(table) },
    { name: 'nightpress-viewer-response.js', text: responseText(table) },
  ];
  for (const one of functions) checkBytes(one, functionBytes, 'a CloudFront Function');
  return [store, ...functions];
}

/** `kvs.get` of a key that is not there throws as a broken store does, so it is asked first. */
function requestText(table: EdgeTable): string {
  return `import cf from 'cloudfront';
${headline(table, '//')}
// Viewer request. Tie it to the key value store made from nightpress-kvs.json.
const kvs = cf.kvs();
const prefix = ${JSON.stringify(table.prefix)};
const base = ${JSON.stringify(backendPath(table))};
const pins = ${JSON.stringify(Object.fromEntries(pinNames(table)))};
const own = /^${ownLiteral}$/;

function placeOf(id) {
  return Object.prototype.hasOwnProperty.call(pins, id) ? pins[id] : undefined;
}

function keyAt(value, place) {
  if (value.indexOf(':') < 0) return value;
  const parts = value.split(' ');
  for (let n = 0; n < parts.length; n++) {
    const at = parts[n].indexOf(':');
    if (parts[n].slice(0, at).split(',').indexOf(String(place)) >= 0) return parts[n].slice(at + 1);
  }
  return undefined;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    return text; // a stray percent sign: no path of ours
  }
}

async function handler(event) {
  const request = event.request;
  if (request.uri.slice(0, prefix.length + 1) !== prefix + '/') return request;
  let path = decoded(request.uri.slice(prefix.length));
  const cookie = request.cookies.nightpress;
  let place = (cookie && placeOf(cookie.value)) || 0;
  let kind = 'stable';
  const pin = /^\\/s\\/([0-9a-f]+)(\\/[^]*)$/.exec(path);
  if (pin && placeOf(pin[1]) !== undefined) {
    place = placeOf(pin[1]);
    path = pin[2];
    kind = 'pinned';
  }
  const value = path.length > 1 && (await kvs.exists(path)) ? await kvs.get(path) : undefined;
  let key = value && keyAt(value, place);
  if (!key && kind === 'stable' && own.test(path)) {
    key = path.slice(1);
    kind = 'own';
  }
  if (!key) return { statusCode: 404, statusDescription: 'Not Found' };
  request.uri = base + '/' + key;
  request.headers['nightpress-kind'] = { value: kind };
  if (kind !== 'own') delete request.headers['if-modified-since']; // blobs of two snapshots know no order in time
  return request;
}
`;
}

/**
 * Whether the request is shown to this function as it came or as the other one left it is not written down clearly
 * (functions-event-structure.html): the header tells in the one case, the path in the other.
 */
function responseText(table: EdgeTable): string {
  return `${headline(table, '//')}
// Viewer response. A blob may be kept for ever under its own name; under a public path it must be asked for again.
const prefix = ${JSON.stringify(table.prefix)};
const pins = ${JSON.stringify(Object.fromEntries(pinNames(table)))};

function kindOf(request) {
  const told = request.headers['nightpress-kind'];
  if (told) return told.value;
  const path = request.uri.slice(prefix.length);
  const pin = /^\\/s\\/([0-9a-f]+)\\//.exec(path);
  if (pin && Object.prototype.hasOwnProperty.call(pins, pin[1])) return 'pinned';
  return /^${ownLiteral}$/.test(path) ? 'own' : 'stable';
}

function handler(event) {
  const response = event.response;
  if (event.request.uri.slice(0, prefix.length + 1) !== prefix + '/' && !event.request.headers['nightpress-kind']) return response;
  const kind = kindOf(event.request);
  if (kind === 'own' || response.statusCode >= 400) return response;
  response.headers['cache-control'] = { value: kind === 'pinned' ? '${immutable}' : 'no-cache' };
  delete response.headers['last-modified'];
  return response;
}
`;
}
