import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  collectable,
  movedOf,
  type Root,
  reachableFrom,
  rootsOf,
  rootsReaching,
  whyKept,
} from '../../src/domain/collect.js';
import { sha256 } from '../../src/domain/digest.js';
import type { Head } from '../../src/domain/head.js';
import { updateManifest } from '../../src/domain/manifest-update.js';
import { blobKey, keyInGeneration, manifestKey, originalKey, parseKey } from '../../src/domain/origin-keys.js';
import type { Digest, Entry, RunId } from '../../src/domain/types.js';

const hour = 3_600_000;
const now = Date.parse('2026-11-22T03:00:00Z');
const at = { now, graceMs: 72 * hour };
const ago = (hours: number) => new Date(now - hours * hour).toISOString();
const css = (digest: Digest) => blobKey({ sha256: digest, ext: 'css' });
const id = (name: string) => sha256(`snapshot ${name}`);

function headWith(parts: Partial<Head>): Head {
  const head = { nightpress: 1, origin: 'o', job: 'catalog', seq: 9, at: ago(0), channels: {} } as const;
  return { ...head, retained: [], pins: [], commits: [{ seq: 9, txn: 't', kind: 'publish' }], ...parts };
}

const channel = (name: string, seq: number) => ({
  snapshot: id(name),
  seq,
  at: ago(1),
  window: '2026-11-22T02:00',
  run: '20261122T020003Z-4f2a' as RunId,
});

function shelf() {
  const nodes = new Map<Digest, Buffer>();
  const load = async (digest: Digest) => {
    const bytes = nodes.get(digest);
    if (!bytes) throw new Error(`node ${digest} is missing`);
    return bytes;
  };
  const snapshot = async (blobs: Readonly<Record<string, string>>) => {
    const updates = new Map(Object.entries(blobs).map(([key, content]) => [key, entry(key, sha256(content))]));
    const updated = await updateManifest(load, undefined, updates);
    for (const [digest, bytes] of updated.nodes) nodes.set(digest, bytes);
    return updated.root;
  };
  return { nodes, load, snapshot };
}

function entry(key: string, blob: Digest): Entry {
  const derivative = { path: key, sha256: blob, bytes: 1, type: 'text/css', ext: 'css', variant: 'original' };
  const items = { rest: { fingerprint: blob, derivatives: [derivative] } };
  return { key, source: { sha256: blob, bytes: 1, type: 'text/css' }, items };
}

describe('roots', () => {
  test('are live, staged, pinned, retained and those dropped within the grace, and nothing else', () => {
    const head = headWith({
      channels: { live: channel('new', 9), staged: { ...channel('held', 8), rules: ['shrink'] } },
      pins: [{ name: 'xmas', snapshot: id('old'), at: ago(999) }],
      retained: [
        { ...channel('expired', 2), droppedAt: ago(73) },
        { ...channel('dropped', 3), droppedAt: ago(71) },
        channel('old', 4),
        channel('new', 9),
      ],
    });
    expect(rootsOf(head, at)).toEqual([
      { snapshot: id('new'), because: { kind: 'live' } },
      { snapshot: id('held'), because: { kind: 'staged' } },
      { snapshot: id('old'), because: { kind: 'pin', name: 'xmas' } },
      { snapshot: id('dropped'), because: { kind: 'dropped', seq: 3, until: now + hour } },
      { snapshot: id('old'), because: { kind: 'retained', seq: 4 } },
      { snapshot: id('new'), because: { kind: 'retained', seq: 9 } },
    ]);
  });

  test('of an origin that shows nothing are none', () => {
    expect(rootsOf(headWith({}), at)).toEqual([]);
  });
});

describe('reachable', () => {
  test('are all nodes and all blobs of the snapshots', async () => {
    const { nodes, load, snapshot } = shelf();
    const large = Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`k${n}`, `content ${n}`]));
    const roots = [await snapshot(large), await snapshot({ a: 'another' })];
    const blobs = [...Object.values(large), 'another'].map((content) => css(sha256(content)));
    expect(await reachableFrom(load, roots)).toEqual(new Set([...[...nodes.keys()].map(manifestKey), ...blobs]));
    expect(await reachableFrom(load, [])).toEqual(new Set());
  });

  test('a node that cannot be read stops the marking, because what lies below it is not known', async () => {
    const { nodes, load, snapshot } = shelf();
    const root = await snapshot({ a: 'content' });
    nodes.delete(root);
    await expect(reachableFrom(load, [root])).rejects.toThrow('is missing');
  });

  test('every root that reaches a blob or a node is named', async () => {
    const { load, snapshot } = shelf();
    const [first, second] = [await snapshot({ a: '1', b: '2' }), await snapshot({ a: '1' })];
    const live: Root = { snapshot: second, because: { kind: 'live' } };
    const kept: Root = { snapshot: first, because: { kind: 'retained', seq: 1 } };
    expect(await rootsReaching(load, [live, kept], css(sha256('1')))).toEqual([live, kept]);
    expect(await rootsReaching(load, [live, kept], css(sha256('2')))).toEqual([kept]);
    expect(await rootsReaching(load, [live, kept], manifestKey(first))).toEqual([kept]);
    expect(await rootsReaching(load, [live, kept], css(sha256('3')))).toEqual([]);
  });
});

describe('collecting', () => {
  const stored = (name: string, hours: number, generation = 0) => ({
    key: keyInGeneration(css(sha256(name)), generation),
    sha256: sha256(name),
    at: now - hours * hour,
  });
  const olderThan = now - at.graceMs;
  const nobody = { moved: undefined, checkpoints: new Set<Digest>(), olderThan };

  test('takes what is unreachable and older than the grace, and no other', () => {
    const objects = [stored('used', 99), stored('left', 99), stored('young', 71), stored('future', -5)];
    const reachable = new Set([css(sha256('used'))]);
    expect(collectable({ ...nobody, stored: objects, reachable })).toEqual([objects[1]]);
  });

  test('of bytes that were moved takes those that lie where nobody looks any more', () => {
    const [before, after] = [stored('used', 99), stored('used', 99, 1)];
    const reachable = new Set([before.key]);
    const stay = { ...nobody, stored: [before, after], reachable };
    expect(collectable(stay)).toEqual([after]);
    expect(collectable({ ...stay, moved: { [before.key]: after.key } })).toEqual([before]);
  });

  test('leaves the same bytes under another extension to themselves', () => {
    const [css, txt] = [
      stored('used', 99),
      { ...stored('used', 99), key: blobKey({ sha256: sha256('used'), ext: 'txt' }) },
    ];
    expect(collectable({ ...nobody, stored: [css, txt], reachable: new Set([css.key]) })).toEqual([txt]);
  });

  test('keeps of what was moved what is still reached', () => {
    const [one, two] = [stored('one', 0).key, stored('two', 0).key];
    const moved = { [one]: keyInGeneration(one, 1), [two]: keyInGeneration(two, 1) };
    expect(movedOf(moved, new Set([two, 'another']))).toEqual({ [two]: moved[two] });
  });

  test('says every reason why an object stays', () => {
    const root: Root = { snapshot: id('live'), because: { kind: 'live' } };
    const why = { ...at, reaching: [root], checkpoints: new Set([sha256('x')]) };
    const reasons = [{ kind: 'live' }, { kind: 'checkpoint' }, { kind: 'young', until: now + hour }];
    expect(whyKept(stored('x', 71), why)).toEqual(reasons);
    expect(whyKept(stored('y', 99), { ...why, reaching: [] })).toEqual([]);
  });

  test('and saying why agree about every object', () => {
    const object = fc
      .tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 80 }))
      .map(([name, hours]) => stored(name, hours));
    fc.assert(
      fc.property(object, fc.boolean(), (one, isKnown) => {
        const checkpoints = new Set(isKnown ? [sha256('a')] : []);
        const taken = collectable({ ...nobody, stored: [one], reachable: new Set(), checkpoints });
        expect(whyKept(one, { ...at, reaching: [], checkpoints }).length === 0).toBe(taken.length === 1);
      }),
    );
  });
});

describe('keys at an origin', () => {
  const digest = sha256('x');
  const keys = [blobKey({ sha256: digest, ext: 'webp' }), blobKey({ sha256: digest, ext: '' }), manifestKey(digest)];

  test.each([0, 1, 9, 120])('name what they were made of, in generation %i', (generation) => {
    const blob = { kind: 'blob', sha256: digest, generation };
    const all = keys.map((key) => keyInGeneration(key, generation));
    expect(all.map(parseKey)).toEqual([blob, blob, { ...blob, kind: 'manifest' }]);
    expect(all.map(originalKey)).toEqual(keys);
  });

  test('of a later generation look like this', () => {
    const [blob = ''] = keys;
    expect(keyInGeneration(blob, 2)).toBe(`b/${digest.slice(0, 2)}/${digest}~2.webp`);
  });

  test.each([
    'head.json',
    `b/00/${digest}.webp`,
    `b/${digest.slice(0, 2)}/${digest}.`,
    `b/${digest.slice(0, 2)}/${digest}.a/b`,
    `b/${digest.slice(0, 2)}/../../head.json`,
    `m/${digest}.json\n`,
    `m/${digest}~0.json`,
    `m/${digest}~01.json`,
    `m/${digest}~.json`,
    `m/${digest}~1~2.json`,
    `m/${digest.toUpperCase()}.json`,
    `../m/${digest}.json`,
    '',
  ])('%j is none', (key) => {
    expect(parseKey(key)).toBeUndefined();
  });

  test('cannot be made of anything else', () => {
    expect(() => blobKey({ sha256: digest, ext: '../x' })).toThrow(TypeError);
    expect(() => blobKey({ sha256: '..' as Digest, ext: 'webp' })).toThrow(TypeError);
    expect(() => manifestKey('x' as Digest)).toThrow(TypeError);
  });
});
