import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, sha256 } from '../../src/domain/digest.js';
import { diffManifests, entries, type LoadNode, lookup, namedNodes } from '../../src/domain/manifest.js';
import { updateManifest } from '../../src/domain/manifest-update.js';
import type { AssetKey, Digest, Entry, SnapshotId } from '../../src/domain/types.js';

type Updates = ReadonlyMap<AssetKey, Entry | undefined>;

/** An origin's manifests in memory; `reads` counts what a call had to read. */
function shelf() {
  const nodes = new Map<Digest, Buffer>();
  const world = {
    nodes,
    reads: 0,
    load: async (digest: Digest) => {
      world.reads++;
      const bytes = nodes.get(digest);
      if (!bytes) throw new Error(`node ${digest} was never stored`);
      return bytes;
    },
    async update(root: SnapshotId | undefined, updates: Updates) {
      const updated = await updateManifest(world.load, root, updates);
      for (const [digest, bytes] of updated.nodes) nodes.set(digest, bytes);
      return updated;
    },
  };
  return world;
}

function entry(key: AssetKey, version = 0): Entry {
  const digest = sha256(`${key} ${version}`);
  const derivative = { path: `${key}/a.webp`, sha256: digest, bytes: 7, type: 'image/webp', ext: 'webp', variant: 'a' };
  return {
    key,
    source: { sha256: digest, bytes: version, type: 'image/png', width: undefined },
    items: { pictures: { fingerprint: digest, derivatives: [derivative] } },
  };
}

function changed(key: AssetKey, version: number | undefined): Entry | undefined {
  return version === undefined ? undefined : entry(key, version);
}

function photos(count: number, version = 0): Map<AssetKey, Entry> {
  return new Map(Array.from({ length: count }, (_, at) => `photos/${at}.png`).map((key) => [key, entry(key, version)]));
}

async function all(load: (digest: Digest) => Promise<Buffer>, root: SnapshotId): Promise<Map<AssetKey, Entry>> {
  const found = new Map<AssetKey, Entry>();
  for await (const one of entries(load, root)) found.set(one.key, one);
  return found;
}

async function collect<T>(things: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const thing of things) list.push(thing);
  return list;
}

async function names(
  load: (digest: Digest) => Promise<Buffer>,
  root: SnapshotId,
  seen: Set<Digest>,
): Promise<Digest[]> {
  return (await collect(namedNodes(load, root, seen))).map(({ digest }) => digest);
}

/** Undefined members are left out in a manifest. */
const stored = (one: Entry): Entry => JSON.parse(canonicalJson(one)) as Entry;

describe('the shape of a manifest follows from its entries alone', () => {
  test('any order of inserts, updates and removals ends at the root that building from nothing gives', async () => {
    const change = fc.tuple(fc.nat(700), fc.option(fc.nat(2), { nil: undefined, freq: 2 }));
    const steps = fc.array(fc.array(change, { maxLength: 500, size: 'max' }), { maxLength: 4, size: 'max' });
    await fc.assert(fc.asyncProperty(steps, changesAlways), { numRuns: 25 });
  });

  async function changesAlways(steps: readonly (readonly (readonly [number, number | undefined])[])[]): Promise<void> {
    const world = shelf();
    let expected = photos(300);
    let { root } = await world.update(undefined, expected);
    for (const changes of steps) {
      const updates: Updates = new Map(
        changes.map(([at, version]) => [`photos/${at}.png`, changed(`photos/${at}.png`, version)]),
      );
      const merged = [...new Map<AssetKey, Entry | undefined>([...expected, ...updates])];
      expected = new Map(merged.filter((pair): pair is [AssetKey, Entry] => pair[1] !== undefined));
      const updated = await world.update(root, updates);
      expect(updated.count).toBe(expected.size);
      root = updated.root;
    }
    const shuffled = new Map([...expected].reverse());
    expect(root).toBe((await shelf().update(undefined, shuffled)).root);
  }

  test('256 entries are one leaf, one more makes a node of 16, and taking it away makes the same leaf again', async () => {
    const world = shelf();
    const leaf = await world.update(undefined, photos(256));
    expect(leaf.nodes.size).toBe(1);
    const grown = await world.update(leaf.root, new Map([['one/more', entry('one/more')]]));
    expect(JSON.parse(String(grown.nodes.get(grown.root)))).toMatchObject({ count: 257, nightpress: 1 });
    const shrunk = await world.update(grown.root, new Map([['one/more', undefined]]));
    expect(shrunk.root).toBe(leaf.root);
    expect([...shrunk.nodes.keys()]).toEqual([leaf.root]);
  });

  test('removing most of a deep manifest collapses it, and writes no node that the result does not have', async () => {
    const world = shelf();
    const deep = await world.update(undefined, photos(5000));
    const removals = new Map([...photos(5000).keys()].slice(200).map((key) => [key, undefined]));
    const shrunk = await world.update(deep.root, removals);
    expect(shrunk.root).toBe((await shelf().update(undefined, photos(200))).root);
    expect([...shrunk.nodes.keys()]).toEqual(await names(world.load, shrunk.root, new Set()));
  });

  test('the empty manifest has an id, the same from nothing and after removing everything', async () => {
    const world = shelf();
    const empty = await world.update(undefined, new Map());
    expect(empty).toMatchObject({ count: 0, root: sha256('{"entries":[],"nightpress":1}') });
    const full = await world.update(empty.root, photos(300));
    const emptied = await world.update(full.root, new Map([...photos(300).keys()].map((key) => [key, undefined])));
    expect(emptied.root).toBe(empty.root);
    expect(await all(world.load, empty.root)).toEqual(new Map());
  });

  test('nodes are canonical JSON: sorted members, sorted entries, nothing undefined', async () => {
    const { root, nodes } = await shelf().update(undefined, photos(3));
    const text = String(nodes.get(root));
    expect(text).toBe(canonicalJson(JSON.parse(text)));
    expect(text).not.toContain('undefined');
    expect(text.indexOf('photos/0.png')).toBeLessThan(text.indexOf('photos/1.png'));
  });
});

describe('an update touches only what changed', () => {
  test('no updates, and updates that change nothing, write nothing', async () => {
    const world = shelf();
    const { root } = await world.update(undefined, photos(2000));
    for (const updates of [new Map(), photos(100), new Map([['absent', undefined]])]) {
      const same = await world.update(root, updates);
      expect(same).toMatchObject({ root, count: 2000 });
      expect(same.nodes.size).toBe(0);
    }
  });

  test('one changed entry reads and writes its leaf and the way to it, children before parents', async () => {
    const world = shelf();
    const { root } = await world.update(undefined, photos(5000));
    world.reads = 0;
    const updated = await world.update(root, new Map([['photos/7.png', entry('photos/7.png', 1)]]));
    expect(world.reads).toBeLessThanOrEqual(3);
    expect(updated.nodes.size).toBeLessThanOrEqual(3);
    expect([...updated.nodes.keys()].at(-1)).toBe(updated.root);
  });

  test('the given manifest stays readable after the update', async () => {
    const world = shelf();
    const { root } = await world.update(undefined, photos(300));
    await world.update(root, photos(600, 1));
    expect((await all(world.load, root)).get('photos/7.png')).toEqual(stored(entry('photos/7.png')));
  });
});

describe('reading', () => {
  test('lookup finds the entries of the keys that exist, and reads no leaf for the others', async () => {
    const world = shelf();
    const { root } = await world.update(undefined, photos(5000));
    world.reads = 0;
    const found = await lookup(world.load, root, ['photos/1.png', 'photos/4999.png', 'photos/1.png', 'absent']);
    expect(found).toEqual(new Map(['photos/1.png', 'photos/4999.png'].map((key) => [key, stored(entry(key))])));
    expect(world.reads).toBeLessThanOrEqual(7);
    expect(await lookup(world.load, root, [])).toEqual(new Map());
  });

  test('iteration yields every entry once', async () => {
    const world = shelf();
    const { root } = await world.update(undefined, photos(1000));
    const listed = await collect(entries(world.load, root));
    expect(listed).toHaveLength(1000);
    expect(new Set(listed.map((one) => one.key)).size).toBe(1000);
  });

  test('nodes already seen are skipped with all below them', async () => {
    const world = shelf();
    const first = await world.update(undefined, photos(5000));
    const second = await world.update(first.root, new Map([['photos/7.png', undefined]]));
    const seen = new Set<Digest>();
    const before = await names(world.load, first.root, seen);
    expect(new Set(before)).toEqual(new Set(first.nodes.keys()));
    const after = await names(world.load, second.root, seen);
    expect(new Set(after)).toEqual(new Set(second.nodes.keys()));
  });
});

describe('what lies side by side is asked for at once, because a bucket far away is waited for', () => {
  const changes = new Map([...photos(3000, 1)].filter((_, at) => at % 30 === 0));
  const readers: readonly [string, (load: LoadNode, roots: readonly [SnapshotId, SnapshotId]) => Promise<unknown>][] = [
    ['an update', (load, [root]) => updateManifest(load, root, changes)],
    ['a lookup', (load, [root]) => lookup(load, root, changes.keys())],
    ['every entry', (load, [root]) => collect(entries(load, root))],
    ['every node', (load, [root]) => names(load, root, new Set())],
    ['a difference', (load, [root, other]) => collect(diffManifests(load, root, other))],
  ];

  test.each(readers)('%s', async (_, read) => {
    const { world, roots } = await twoManifests();
    const counting = { now: 0, most: 0 };
    await read(async (digest) => {
      counting.now++;
      counting.most = Math.max(counting.most, counting.now);
      const bytes = await world.load(digest);
      await new Promise(setImmediate);
      counting.now--;
      return bytes;
    }, roots);
    expect(counting.most).toBeGreaterThanOrEqual(16);
  });

  test.each(readers)(
    '%s: of several nodes that are lost, one is named, and no other failure is left unheard',
    async (_, read) => {
      const { world, roots } = await twoManifests();
      for (const [digest, bytes] of world.nodes) if (bytes.includes('"entries"')) world.nodes.delete(digest);
      await expect(read(world.load, roots)).rejects.toThrow(/node [0-9a-f]{64} was never stored/);
      await new Promise(setImmediate);
    },
  );

  async function twoManifests() {
    const world = shelf();
    const { root } = await world.update(undefined, photos(3000));
    const { root: other } = await world.update(root, changes);
    return { world, roots: [root, other] as const };
  }
});

describe('differences', () => {
  test('the difference of two manifests is what a comparison of all their entries finds', async () => {
    const keys = fc.uniqueArray(fc.nat(900), { maxLength: 700, size: 'max' });
    await fc.assert(
      fc.asyncProperty(keys, keys, fc.nat(5), async (left, right, odd) => {
        const world = shelf();
        const make = (numbers: readonly number[], version: (at: number) => number) =>
          new Map(numbers.map((at) => [`k${at}`, entry(`k${at}`, version(at))]));
        const [a, b] = [make(left, () => 0), make(right, (at) => (at % 7 === odd ? 1 : 0))];
        const before = (await world.update(undefined, a)).root;
        const after = (await world.update(undefined, b)).root;
        const expected = [...new Set([...a.keys(), ...b.keys()])]
          .filter((key) => canonicalJson(a.get(key) ?? null) !== canonicalJson(b.get(key) ?? null))
          .sort();
        const changes = await collect(diffManifests(world.load, before, after));
        expect(changes.map((change) => change.key).sort()).toEqual(expected);
        for (const { key, ...sides } of changes) {
          const [was, is] = [a.get(key), b.get(key)];
          expect(sides).toEqual({ ...(was && { before: stored(was) }), ...(is && { after: stored(is) }) });
        }
      }),
      { numRuns: 20 },
    );
  });

  test('a leaf is compared with the nodes that have grown in its place, also deep below the root', async () => {
    const world = shelf();
    const [before, after] = [photos(3000), photos(5000)];
    const [small, large] = [await world.update(undefined, before), await world.update(undefined, after)];
    const added = await collect(diffManifests(world.load, small.root, large.root));
    expect(added.map((change) => change.key).sort()).toEqual(
      [...after.keys()].filter((key) => !before.has(key)).sort(),
    );
  });

  test('equal subtrees are not read', async () => {
    const world = shelf();
    const first = await world.update(undefined, photos(5000));
    const second = await world.update(first.root, new Map([['photos/7.png', undefined]]));
    world.reads = 0;
    const changes = await collect(diffManifests(world.load, first.root, second.root));
    expect(changes.map((change) => change.key)).toEqual(['photos/7.png']);
    expect(world.reads).toBeLessThanOrEqual(6);
    world.reads = 0;
    expect(await collect(diffManifests(world.load, first.root, first.root))).toEqual([]);
    expect(world.reads).toBe(0);
  });

  test('without one side everything is added or removed', async () => {
    const world = shelf();
    const { root } = await world.update(undefined, photos(300));
    const added = await collect(diffManifests(world.load, undefined, root));
    expect(added).toHaveLength(300);
    expect(added.every(({ before, after }) => !before && after)).toBe(true);
    const removed = await collect(diffManifests(world.load, root, undefined));
    expect(removed.every(({ before, after }) => before && !after)).toBe(true);
    expect(await collect(diffManifests(world.load, undefined, undefined))).toEqual([]);
  });
});

describe('a malformed node is origin-corrupt and named', () => {
  const one = stored(entry('a'));
  const node = (members: object) => JSON.stringify({ nightpress: 1, ...members });
  const cases: readonly (readonly [string, string])[] = [
    ['cut off', node({ entries: [one] }).slice(0, -5)],
    ['empty', ''],
    ['another format', JSON.stringify({ entries: [], nightpress: 2 })],
    ['no format', JSON.stringify({ entries: [] })],
    ['a list', '[]'],
    ['null', 'null'],
    ['entries without order', node({ entries: [stored(entry('b')), one] })],
    ['the same key twice', node({ entries: [one, one] })],
    [
      'a leaf that is too large',
      node({ entries: [...photos(257).values()].map(stored).sort((a, b) => (a.key < b.key ? -1 : 1)) }),
    ],
    ['an entry without source', node({ entries: [{ key: 'a', items: {} }] })],
    ['a digest that is none', node({ entries: [{ ...one, source: { ...one.source, sha256: 'ABC' } }] })],
    [
      'a derivative without path',
      node({ entries: [{ ...one, items: { r: { fingerprint: one.source.sha256, derivatives: [{}] } } }] }),
    ],
    ['15 children', node({ count: 300, children: Array(15).fill(null) })],
    ['a child that is no digest', node({ count: 300, children: Array(16).fill('x') })],
    ['a count that a leaf would hold', node({ count: 256, children: Array(16).fill(null) })],
    ['a count that is no number', node({ count: '300', children: Array(16).fill(null) })],
  ];
  test.each(cases)('%s', async (_name, text) => {
    const digest = sha256(text);
    const read = collect(entries(async () => Buffer.from(text), digest));
    await expect(read).rejects.toMatchObject({
      code: 'origin-corrupt',
      message: expect.stringContaining(`m/${digest}.json`),
    });
  });
});
