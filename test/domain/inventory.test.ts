import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { type CompareInput, compareInventory, type KnownListing } from '../../src/domain/inventory.js';
import type { Finding, ListedAsset } from '../../src/domain/types.js';
import type { KnownAsset } from '../../src/state/contract.js';

const now = sha256('recipe set');
const content = sha256('content');
const problem: Finding = { code: 'unreadable', severity: 'error', message: 'permission denied' };

const listed = (key: string, more: Partial<ListedAsset> = {}): ListedAsset => ({
  key,
  bytes: 1,
  modifiedAt: 0,
  listing: `listing of ${key}`,
  settled: true,
  ...more,
});
const settled = (key: string, more: Partial<KnownListing> = {}): KnownListing => ({
  listing: `listing of ${key}`,
  sha256: content,
  recipes: 2,
  settled: now,
  ...more,
});

function compare(input: {
  assets?: readonly ListedAsset[];
  known?: Readonly<Record<string, KnownListing>>;
  unreadable?: readonly string[];
  matchCount?: CompareInput['matchCount'];
}) {
  const { assets = [], known = {}, unreadable = [], matchCount = () => 2 } = input;
  return compareInventory({
    inventory: { assets, findings: [], unreadable },
    known: new Map(Object.entries(known)),
    recipeSet: now,
    matchCount,
  });
}

describe('compareInventory', () => {
  it('counts a settled asset with an equal listing and never asks which recipes match it', () => {
    const matchCount = () => {
      throw new Error('asked');
    };
    const result = compare({ assets: [listed('a')], known: { a: settled('a') }, matchCount });
    expect(result).toEqual({ changes: [], unchanged: 1, unchangedItems: 2, unmatched: 0, total: 1 });
  });

  it.each<[string, ListedAsset, KnownListing | undefined, object]>([
    ['an unknown asset is added', listed('a'), undefined, { kind: 'added' }],
    ['another listing is a change', listed('a', { listing: 'new' }), settled('a'), { kind: 'changed' }],
    ['a young listing is not trusted', listed('a', { settled: false }), settled('a'), { kind: 'changed' }],
    ['a listing never trusted is a change', listed('a'), settled('a', { listing: undefined }), { kind: 'changed' }],
    [
      'another recipe set is looked at again, content known',
      listed('a'),
      settled('a', { settled: sha256('old') }),
      { kind: 'again', sha256: content },
    ],
    [
      'an asset never settled is looked at again, content known',
      listed('a'),
      settled('a', { settled: undefined }),
      { kind: 'again', sha256: content },
    ],
    ['a problem makes a settled asset unreadable', listed('a', { problem }), settled('a'), { kind: 'unreadable' }],
    ['a problem makes a new asset unreadable', listed('a', { problem }), undefined, { kind: 'unreadable' }],
  ])('%s', (_name, asset, known, expected) => {
    const { changes, total, unchanged } = compare({ assets: [asset], known: known && { a: known } });
    expect(changes).toEqual([{ key: 'a', asset, recipes: 2, ...expected }]);
    expect([total, unchanged]).toEqual([1, 0]);
  });

  it('calls a known asset that is listed no more removed, with the recipes it had', () => {
    const result = compare({ known: { a: settled('a'), b: settled('b', { recipes: 0, sha256: undefined }) } });
    expect(result.changes).toEqual([
      { key: 'a', kind: 'removed', recipes: 2 },
      { key: 'b', kind: 'removed', recipes: 0 },
    ]);
    expect(result).toMatchObject({ total: 0, unmatched: 0 });
  });

  it('keeps what was known below a folder that could not be listed', () => {
    const known = { 'in/a': settled('in/a'), 'in/b/c': settled('in/b/c'), 'inside/a': settled('inside/a') };
    const result = compare({ known, unreadable: ['in/'] });
    expect(result.changes.map(({ key, kind }) => [key, kind])).toEqual([
      ['in/a', 'unreadable'],
      ['in/b/c', 'unreadable'],
      ['inside/a', 'removed'],
    ]);
    expect(result.total).toBe(2);
  });

  it('counts assets that no recipe matches, whether looked at or not', () => {
    const result = compare({
      assets: [listed('new'), listed('old')],
      known: { old: settled('old', { recipes: 0, sha256: undefined }) },
      matchCount: () => 0,
    });
    expect(result).toMatchObject({ unmatched: 2, total: 2, unchanged: 1, unchangedItems: 0 });
  });

  it('gives every asset exactly one place, whatever the order of the inventory', () => {
    const key = fc.stringMatching(/^[ab]\/[a-f]$/);
    const world = fc.record({
      assets: fc.uniqueArray(
        fc.record({ key, listing: fc.constantFrom('1', '2'), settled: fc.boolean(), broken: fc.boolean() }),
        { selector: (asset) => asset.key },
      ),
      known: fc.dictionary(key, fc.record({ listing: fc.constantFrom('1', '2', undefined), current: fc.boolean() })),
      unreadable: fc.constantFrom<readonly string[]>([], ['a/']),
    });
    fc.assert(
      fc.property(world, ({ assets, known, unreadable }) => {
        const input = {
          assets: assets.map((asset) => listed(asset.key, { ...asset, problem: asset.broken ? problem : undefined })),
          known: Object.fromEntries(
            Object.entries(known).map(([name, { listing, current }]) => [
              name,
              settled(name, { listing, settled: current ? now : undefined }),
            ]),
          ),
          unreadable,
        };
        const result = compare(input);
        const keys = result.changes.map((change) => change.key);
        const all = new Set([...assets.map((asset) => asset.key), ...Object.keys(known)]);
        expect(keys).toEqual([...new Set(keys)].sort());
        expect(result.unchanged + keys.length).toBe(all.size);
        expect(result.total).toBe(all.size - result.changes.filter((change) => change.kind === 'removed').length);
        expect(compare({ ...input, assets: input.assets.toReversed() })).toEqual(result);
      }),
    );
  });

  it('speaks the language of the state', () => {
    const known: ReadonlyMap<string, KnownAsset> = new Map();
    const { changes } = compareInventory({
      inventory: { assets: [listed('a')], findings: [], unreadable: [] },
      known,
      recipeSet: now,
      matchCount: () => 1,
    });
    expect(changes).toHaveLength(1);
  });
});
