import { describe, expect, it, test } from 'vitest';
import { groupOf, largeGroups, tornGroups } from '../../src/domain/groups.js';

const pattern = (regex: RegExp) => groupOf({ kind: 'pattern', source: regex.source, flags: regex.flags });

describe('the group of an asset', () => {
  it.each<[string, ReturnType<typeof groupOf>, string, string | undefined]>([
    ['none unless asked for', groupOf(undefined), 'a/b.jpg', undefined],
    ['its folder', groupOf({ kind: 'directory' }), 'a/b/c.jpg', 'a/b'],
    ['of the root, the root', groupOf({ kind: 'directory' }), 'c.jpg', '.'],
    ['what a pattern captures', pattern(/^products\/([^/]+)\//), 'products/42/front/a.jpg', '42'],
    ['all that it matches', pattern(/^sku-\d+/), 'sku-42-front.jpg', 'sku-42'],
    ['none where it does not match', pattern(/^products\/([^/]+)\//), 'brand/logo.svg', undefined],
    ['its flags count', pattern(/^SKU-(\d+)/i), 'sku-42.jpg', '42'],
  ])('%s', (_, group, key, expected) => {
    expect(group(key)).toBe(expected);
  });

  it('does not depend on what was asked before, whatever the flags', () => {
    const group = pattern(/\d+/g);
    expect([group('a1'), group('b2'), group('a1')]).toEqual(['1', '2', '1']);
  });
});

test('a group is torn by its first failure; who stands for itself tears nothing', () => {
  const torn = tornGroups([{ key: 'a/1' }, { key: 'a/2' }, { key: 'x' }], pattern(/^(\w+)\//));
  expect([...torn]).toEqual([['a', { key: 'a/1' }]]);
});

test('groups of more than a twentieth are named, the largest first', () => {
  const keys = [...Array.from({ length: 6 }, (_, n) => `a/${n}`), ...Array.from({ length: 7 }, (_, n) => `b/${n}`)];
  const others = Array.from({ length: 107 }, (_, n) => `${n}/only`);
  expect(largeGroups([...keys, ...others], groupOf({ kind: 'directory' }))).toEqual([
    { group: 'b', assets: 7, share: 7 / 120 },
  ]);
  expect(largeGroups(['a/1'], groupOf({ kind: 'directory' }))).toEqual([]);
});
