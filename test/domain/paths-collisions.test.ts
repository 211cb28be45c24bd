import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Claim, claimsOf, collidingDerivatives, findCollisions } from '../../src/domain/collisions.js';
import { itemId, sha256 } from '../../src/domain/digest.js';
import type { Entry } from '../../src/domain/types.js';

const jpegs = [
  { variant: '320w', ext: 'jpg' },
  { variant: '640w', ext: 'jpg' },
];
const avifs = [{ variant: '320w', ext: 'avif' }];
const original = [{ variant: 'original', ext: '{ext}' }];
const below = '{key}/{variant}.{ext}';

const claim = (name: string, path: string, outputs: readonly { variant: string; ext: string }[], ...keys: string[]) =>
  keys.flatMap(claimsOf({ name, path }, outputs));
const colliding = (...claims: readonly Claim[][]) =>
  [...findCollisions(claims.flat()).values()].map(({ recipe, key, code }) => `${code} ${recipe} ${key}`).sort();

describe('findCollisions', () => {
  it('finds none among assets of the default templates', () => {
    const keys = ['a.jpg', 'a.png', 'b/a.jpg', 'b/a.jpg.jpg', 'B2/a.jpg'];
    expect(colliding(claim('p', below, jpegs, ...keys), claim('c', '{key}', original, 'a.pdf', 'b/a.pdf'))).toEqual([]);
  });

  it('claims one folder an asset, however many outputs there are', () => {
    expect(claim('p', below, jpegs, 'a.jpg')).toHaveLength(1);
    expect(claim('p', '{recipe}/{dir}/{name}/{variant}.{ext}', jpegs, 'a.jpg')).toHaveLength(1);
    expect(claim('p', '{dir}/{name}-{variant}.{ext}', jpegs, 'a.jpg')).toHaveLength(2);
  });

  it('lets two recipes share an asset’s folder unless they share a file name', () => {
    expect(colliding(claim('p', below, jpegs, 'a.jpg'), claim('q', below, avifs, 'a.jpg'))).toEqual([]);
    expect(colliding(claim('p', below, jpegs, 'a.jpg'), claim('q', below, jpegs.slice(1), 'a.jpg'))).toEqual([
      'path-collision p a.jpg',
      'path-collision q a.jpg',
    ]);
  });

  it.each([
    ['letter case', 'Photos/A.jpg', 'photos/a.JPG'],
    ['letter case beyond ASCII', 'ÄÖ.jpg', 'äö.jpg'],
    ['composed and decomposed signs', 'caf\u00e9.jpg', 'cafe\u0301.jpg'],
    ['both', 'CAFE\u0301.jpg', 'caf\u00e9.jpg'],
  ])('names both assets that differ only in %s', (_what, one, other) => {
    const expected = [`path-collision p ${one}`, `path-collision p ${other}`].sort();
    expect(colliding(claim('p', below, jpegs, one, other))).toEqual(expected);
    expect(colliding(claim('p', '{key}', original, one, other))).toEqual(expected);
  });

  it('does not confuse letters that merely look alike', () => {
    expect(colliding(claim('p', below, jpegs, 'sınıf.jpg', 'sinif.jpg', 'strasse.jpg', 'straße.jpg'))).toEqual([]);
  });

  it('finds a file where another path needs a folder, at any depth and on both sides', () => {
    expect(
      colliding(claim('c', '{key}', original, 'x'), claim('p', '{key}/{variant}.{ext}', jpegs, 'x/y/z.jpg')),
    ).toEqual(['path-collision c x', 'path-collision p x/y/z.jpg']);
    expect(colliding(claim('c', '{key}', original, 'a.jpg'), claim('p', below, jpegs, 'a.jpg'))).toEqual([
      'path-collision c a.jpg',
      'path-collision p a.jpg',
    ]);
  });

  it('finds a copy that lies where a picture’s variant goes, and leaves its neighbours alone', () => {
    expect(
      colliding(
        claim('p', below, jpegs, 'A.jpg'),
        claim('c', '{key}', original, 'a.jpg/320w.JPG', 'a.jpg/320w.gif', 'a.jpg/640w.jpg/deep.txt'),
      ),
    ).toEqual([
      'path-collision c a.jpg/320w.JPG',
      'path-collision c a.jpg/640w.jpg/deep.txt',
      'path-collision p A.jpg',
    ]);
  });

  it('finds a template that drops what keeps assets or outputs apart', () => {
    expect(colliding(claim('p', '{name}.{ext}', avifs, 'a/x.jpg', 'b/x.png', 'b/y.jpg'))).toEqual([
      'path-collision p a/x.jpg',
      'path-collision p b/x.png',
    ]);
    expect(colliding(claim('p', '{key}', jpegs, 'a.jpg'))).toEqual(['path-collision p a.jpg']);
  });

  it('tells apart copies by their own extension', () => {
    expect(colliding(claim('c', '{name}.{ext}', original, 'a/x.css', 'b/x.js', 'c/x.CSS'))).toEqual([
      'path-collision c a/x.css',
      'path-collision c c/x.CSS',
    ]);
  });

  it('names the other path and asset, and is the recipe’s fault', () => {
    const [finding] = findCollisions(claim('p', below, jpegs, 'A.jpg', 'a.jpg')).values();
    expect(finding).toMatchObject({
      code: 'path-collision',
      class: 'recipe',
      severity: 'error',
      key: 'A.jpg',
      recipe: 'p',
    });
    expect(finding?.message).toContain("'A.jpg/' collides with 'a.jpg/' of recipe 'p' of 'a.jpg'");
  });

  it('finds paths that no server could hold', () => {
    const key = `${'x'.repeat(252)}.jpg`;
    expect(colliding(claim('p', below, jpegs, key))).toEqual([`path-invalid p ${key}`]);
    expect(colliding(claim('p', '{dir}/{name}-large.{ext}', avifs, `${'x'.repeat(245)}.jpg`))).toHaveLength(1);
  });

  it('agrees with comparing every path with every other, whatever the order', () => {
    const key = fc.stringMatching(/^[aA](\/[bB]){0,2}$/);
    const recipes = [
      { name: 'p', path: '{key}/{variant}.{ext}', outputs: [{ variant: 'b', ext: 'b' }] },
      { name: 'q', path: '{key}', outputs: original },
      {
        name: 'r',
        path: '{dir}/{variant}{ext}/{name}',
        outputs: [
          { variant: 'b', ext: '' },
          { variant: 'B', ext: 'b' },
        ],
      },
      {
        name: 's',
        path: '{key}.b/{variant}.{ext}',
        outputs: [
          { variant: 'B', ext: 'B' },
          { variant: 'c', ext: 'c' },
        ],
      },
      { name: 't', path: '{key}/b.b/{name}', outputs: [{ variant: 'x', ext: 'x' }] },
    ];
    const pick = fc.uniqueArray(fc.tuple(key, fc.constantFrom(...recipes)), {
      selector: ([name, recipe]) => `${recipe.name} ${name}`,
      maxLength: 8,
    });
    fc.assert(
      fc.property(pick, (picked) => {
        const claims = picked.flatMap(([name, recipe]) => claim(recipe.name, recipe.path, recipe.outputs, name));
        const found = findCollisions(claims);
        expect([...found.keys()].sort()).toEqual(byBruteForce(claims));
        expect([...findCollisions(claims.toReversed())].sort()).toEqual([...found].sort());
      }),
      { numRuns: 400 },
    );
  });
});

/** Every output path written out and compared with every other. */
function byBruteForce(claims: readonly Claim[]): readonly string[] {
  const files = claims.flatMap((claim) => {
    const paths = claim.kind === 'file' ? [claim.path] : claim.files.map((file) => `${claim.path}/${file}`);
    return paths.map((path) => ({ id: itemId(claim.recipe, claim.key), path: path.toLowerCase() }));
  });
  const meets = (a: string, b: string) => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
  const hit = files.filter((one) => files.some((other) => other !== one && meets(one.path, other.path)));
  return [...new Set(hit.map(({ id }) => id))].sort();
}

describe('collidingDerivatives', () => {
  const entry = (key: string, ...paths: readonly string[]): Entry => ({
    key,
    source: { sha256: sha256(key), bytes: 1, type: 'image/jpeg' },
    items: {
      p: {
        fingerprint: sha256(key),
        derivatives: paths.map((path) => ({
          path,
          variant: 'v',
          sha256: sha256(path),
          bytes: 1,
          type: 'image/jpeg',
          ext: 'jpg',
        })),
      },
    },
  });

  it('sees what only real sizes tell', () => {
    const entries = [entry('a', 'img/300w.jpg'), entry('b', 'img/300W.jpg', 'img/640w.jpg'), entry('c', 'img/c.jpg')];
    expect([...collidingDerivatives(entries).keys()].sort()).toEqual([itemId('p', 'a'), itemId('p', 'b')].sort());
  });

  it('finds nothing in a good snapshot', () => {
    expect(collidingDerivatives([entry('a', 'a/1.jpg', 'a/2.jpg'), entry('b', 'b/1.jpg')]).size).toBe(0);
  });
});
