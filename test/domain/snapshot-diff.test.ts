import { expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { describeChange, totalsOf } from '../../src/domain/snapshot-diff.js';
import type { Derivative, Entry } from '../../src/domain/types.js';

const picture = (path: string, content: string, more: Partial<Derivative> = {}): Derivative => ({
  path,
  sha256: sha256(content),
  bytes: content.length,
  type: 'image/jpeg',
  ext: 'jpg',
  variant: '16w',
  ...more,
});

const entry = (content: string, derivatives: readonly Derivative[], carried?: 'unread'): Entry => ({
  key: 'a.jpg',
  source: { sha256: sha256(content), bytes: content.length, type: 'image/jpeg' },
  items: { pictures: { fingerprint: sha256(content), derivatives, ...(carried && { carried }) } },
});

test('an asset that is new, gone or changed is told by public path, with what each side weighs', () => {
  const before = entry('old', [
    picture('a/1.jpg', 'same'),
    picture('a/2.jpg', 'two', { width: 4, height: 3 }),
    picture('a/3.jpg', 'gone!'),
  ]);
  const after = entry('new', [
    picture('a/1.jpg', 'same'),
    picture('a/2.jpg', 'second', { width: 8, height: 6 }),
    picture('a/4.jpg', 'more'),
  ]);
  const changed = describeChange({ key: 'a.jpg', before, after });
  expect(changed.paths.map(({ path, kind }) => [path, kind])).toEqual([
    ['a/2.jpg', 'changed'],
    ['a/3.jpg', 'removed'],
    ['a/4.jpg', 'added'],
  ]);
  expect(changed.paths[0]).toMatchObject({ before: { bytes: 3, width: 4 }, after: { bytes: 6, width: 8 } });
  const added = describeChange({ key: 'b.jpg', after });
  const removed = describeChange({ key: 'c.jpg', before });
  expect([added.kind, removed.kind, changed.kind]).toEqual(['added', 'removed', 'changed']);
  expect(totalsOf([changed, added, removed])).toEqual({
    assets: { added: 1, removed: 1, changed: 1 },
    paths: { added: 4, removed: 4, changed: 1 },
    bytes: { before: 3 + 5 + 4 + 3 + 5, after: 6 + 4 + 4 + 6 + 4 },
  });
});

test('what changed in the books only has no paths, and says when it is carried', () => {
  const same = [picture('a/1.jpg', 'same')];
  const diff = describeChange({ key: 'a.jpg', before: entry('old', same), after: entry('old', same, 'unread') });
  expect(diff).toMatchObject({ kind: 'changed', paths: [], carried: true });
  expect(JSON.parse(JSON.stringify(diff))).toEqual(diff);
});
