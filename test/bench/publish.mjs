/**
 * `npm run bench:publish [-- --quick] [--write]`: what the end of a window costs when little of a large library changed.
 *
 * A synthetic manifest of 100,000 and of 1,000,000 entries lies at an origin: a folder (`tree: false`: the tree is a service
 * for plain web servers and costs a link a path), and a bucket of a Ceph gateway on this machine. A process of its own then publishes a night with 100 changed assets through
 * the phase that every run ends with, and says how long that took and how much memory it ever held. Target: at most 2 s
 * and 300 MB. `--write` puts the table in docs/PUBLISH.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createJiti } from 'jiti';
import { sha256 } from '../../dist/domain/digest.js';
import { firstHead, publishTo } from '../../dist/domain/head.js';
import { updateManifest } from '../../dist/domain/manifest-update.js';
import { manifestKey } from '../../dist/domain/origin-keys.js';
import { createPool } from '../../dist/engine/pool.js';
import { publish } from '../../dist/engine/publish.js';
import { origins } from '../../dist/origins/index.js';
import { holdLock } from '../../dist/state/lock.js';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, write: { type: 'boolean' }, night: { type: 'string' } },
});
const self = fileURLToPath(import.meta.url);
const changed = 100;
const rounds = 5;
const targetMs = 2000;
const targetBytes = 300e6;

if (options.night) await night(JSON.parse(options.night));
else await bench();

async function bench() {
  const rows = [];
  for (const [origin, begun] of Object.entries({ folder: inFolder, bucket: inBucket })) {
    for (const count of options.quick ? [10_000] : [100_000, 1_000_000]) {
      const folder = mkdtempSync(path.join(tmpdir(), 'nightpress-publish-'));
      const place = await begun(folder);
      try {
        rows.push({ origin, ...(await measure(place, count)) });
      } finally {
        await place.end();
        rmSync(folder, { recursive: true });
      }
    }
  }
  report(rows);
}

async function inFolder(folder) {
  const origin = path.join(folder, 'origin');
  mkdirSync(path.join(origin, 'm'), { recursive: true });
  const put = async (digest, bytes) => writeFileSync(path.join(origin, manifestKey(digest)), bytes);
  return { config: { type: 'directory', path: origin, tree: false }, put, end: () => undefined };
}

async function inBucket() {
  const jiti = createJiti(import.meta.url);
  const { aBucket, storeEnvironment } = await jiti.import('../servers/store.ts');
  Object.assign(process.env, storeEnvironment, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' });
  const server = await (await jiti.import('../servers/ceph.ts')).startCeph();
  const { name: bucket, endpoint } = await aBucket(server);
  const config = { type: 's3', bucket, endpoint, region: 'us-east-1', forcePathStyle: true };
  const origin = await open(config);
  return { config, put: origin.putManifest, end: server.end };
}

async function measure({ config, put }, count) {
  await begin(await open(config), await fill(put, count));
  const nights = Array.from({ length: rounds }, (_, round) => measured({ config, count, round }));
  const of = (pick) => nights.map(pick).sort((a, b) => a - b)[Math.floor(rounds / 2)];
  return { count, ms: of((n) => n.ms), peak: Math.max(...nights.map((n) => n.peak)), nodes: of((n) => n.nodes) };
}

async function open(config) {
  return (await origins[config.type]()).open(config, { holdLock });
}

function keyOf(n) {
  return `photos/${n % 1000}/picture-${n}.jpg`;
}

/** One asset as a picture recipe of three widths and two formats leaves it. */
function entry(n, version) {
  const key = keyOf(n);
  const source = {
    sha256: sha256(`${n} ${version}`),
    bytes: 4_000_000 + n,
    type: 'image/jpeg',
    width: 6000,
    height: 4000,
  };
  const derivatives = [320, 640, 1280].flatMap((width) =>
    ['webp', 'jpg'].map((ext) => ({
      path: `${key}/${width}w.${ext}`,
      sha256: sha256(`${n} ${version} ${width} ${ext}`),
      bytes: width * 100,
      type: ext === 'jpg' ? 'image/jpeg' : 'image/webp',
      ext,
      width,
      height: Math.round((width * 2) / 3),
      variant: `${width}w`,
    })),
  );
  return { key, source, items: { pictures: { fingerprint: sha256(`print ${n} ${version}`), derivatives } } };
}

/** Into a folder not through the origin, which makes every node durable: that is no part of what is measured. */
async function fill(put, count) {
  const nodes = new Map();
  const portions = Array.from({ length: 16 }, () => []);
  for (let n = 0; n < count; n++) portions[Number.parseInt(sha256(keyOf(n))[0], 16)].push(n);
  let root;
  for (const portion of portions) {
    const updates = new Map(portion.map((n) => [keyOf(n), entry(n, 0)]));
    const updated = await updateManifest(async (digest) => nodes.get(digest), root, updates);
    for (const [digest, bytes] of updated.nodes) nodes.set(digest, bytes);
    root = updated.root;
  }
  const pool = createPool(16);
  await Promise.all([...nodes].map(([digest, bytes]) => pool(() => put(digest, bytes))));
  return root;
}

async function begin(origin, root) {
  const now = Date.now();
  const head = publishTo(firstHead({ origin: crypto.randomUUID(), job: 'bench', now }), {
    ...{ txn: crypto.randomUUID(), now, snapshot: root, window: '2026-11-22T02:00', run: 'bench' },
  });
  if ((await origin.swapHead(head, undefined)) !== 'landed') throw new Error('the first head did not land');
}

function measured(order) {
  const child = spawnSync(process.execPath, [self, '--night', JSON.stringify(order)], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout);
}

/** The process that is measured. */
async function night({ config, count, round }) {
  const origin = await open(config);
  const before = performance.now();
  const { head } = await origin.readHead();
  const updates = new Map();
  for (let n = 0; n < changed; n++) {
    const fresh = entry(Math.floor((n * count) / changed) + round, round + 1);
    updates.set(fresh.key, fresh);
  }
  let nodes = 0;
  const published = await publish(
    {
      workers: 2,
      job: { name: 'bench', keep: { last: 14, withinMs: 30 * 86_400_000 } },
      origin,
      state: { beginSwap: () => undefined, endSwap: () => undefined, items: () => [] },
      clock: Date.now,
      emit: (event) => {
        if (event.type === 'manifest-ready') nodes = event.nodes;
      },
    },
    {
      run: `round-${round}`,
      window: { opens: 0, closes: 1, label: '2026-11-22T02:00' },
      base: head.channels.live.snapshot,
      head,
      updates,
      stagedListing: () => undefined,
      holds: [],
    },
  );
  if (published.kind !== 'live') throw new Error(`not published: ${published.kind}`);
  const ms = performance.now() - before;
  console.log(JSON.stringify({ ms, nodes, peak: peakBytes() }));
}

/** Not `maxRSS`, which on Linux begins with what the process that started this one held. */
function peakBytes() {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

function report(rows) {
  const lines = [
    '| origin | entries | changed | nodes written | end of the window, ms (≤ 2,000) | peak memory, MB (≤ 300) | |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(
      ({ origin, count, ms, nodes, peak }) =>
        `| ${origin} | ${count.toLocaleString('en-US')} | ${changed} | ${nodes} | ${ms.toFixed(0)} | ${(peak / 1e6).toFixed(0)} | ${ms <= targetMs && peak <= targetBytes ? 'met' : 'missed'} |`,
    ),
  ];
  console.log(lines.join('\n'));
  if (!options.write) return;
  const machine = `${cpus().length} processors (${cpus()[0]?.model}), Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
  writeFileSync(
    path.resolve(path.dirname(self), '../../docs/PUBLISH.md'),
    `# What the end of a window costs\n\nMade by \`npm run bench:publish -- --write\` on ${machine}: ${changed} changed assets in a\nlarge library, medians of ${rounds} nights, each in a process of its own whose start is not counted in time but is in memory.\nThe bucket is one of a Ceph gateway on the same machine.\n\n${lines.join('\n')}\n`,
  );
}
