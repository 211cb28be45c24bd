import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, it } from 'vitest';
import { compileGlobs, compileMatch } from '../../src/domain/match.js';

const matches = (glob: string | readonly string[], key: string) =>
  compileGlobs(typeof glob === 'string' ? [glob] : glob)(key);

describe('compileMatch', () => {
  it('names every matching recipe, in the order given', () => {
    const pictures = { name: 'pictures', match: ['**/*.{jpg,png}'] };
    const heroes = { name: 'heroes', match: ['hero/**'] };
    const recipesFor = compileMatch([pictures, heroes]);
    expect(recipesFor('hero/a.jpg')).toEqual([pictures, heroes]);
    expect(recipesFor('a.jpg')).toEqual([pictures]);
    expect(recipesFor('a.txt')).toEqual([]);
  });

  it.each([
    ['**/*.jpg', 'a.jpg', true],
    ['**/*.jpg', 'a/b/c.jpg', true],
    ['**/*.jpg', 'a.JPG', false],
    ['*.jpg', 'a/b.jpg', false],
    ['**/*.jpg', '.hidden.jpg', false],
    ['**/*.jpg', '.cache/a.jpg', false],
    ['**/.*.jpg', 'd/.hidden.jpg', true],
    ['.cache/**', '.cache/a.jpg', true],
    ['plain [1].jpg', 'plain [1].jpg', true],
  ])('%s on %s: %s', (glob, key, expected) => expect(matches(glob, key)).toBe(expected));

  it.each([
    'with space.jpg',
    'größe/ümläut.jpg',
    '写真/夏.jpg',
    '100%.jpg',
    '#1.jpg',
    `it's "so".jpg`,
    'a[1].jpg',
    'a{b,c}.jpg',
    '(x|y)!.jpg',
    '-rf.jpg',
    '-x/-y.jpg',
    '!no.jpg',
    'back\\slash.jpg',
    'line\nbreak/two\n.jpg',
    'star*?.jpg',
    '$HOME.jpg',
  ])('takes the key %j as plain text', (key) => {
    expect(matches('**/*.jpg', key)).toBe(true);
    expect(matches('**/*.png', key)).toBe(false);
  });

  it('takes away what a glob with ! names, dotfiles included', () => {
    const globs = ['**/*.jpg', '.raw/**', '!**/*-draft.jpg'];
    expect(matches(globs, 'a.jpg')).toBe(true);
    expect(matches(globs, 'x/a-draft.jpg')).toBe(false);
    expect(matches(globs, '.raw/a.jpg')).toBe(true);
    expect(matches(globs, '.raw/a-draft.jpg')).toBe(false);
    expect(matches('!(a|b).jpg', 'c.jpg')).toBe(true);
    expect(matches('!(a|b).jpg', 'a.jpg')).toBe(false);
  });

  it.each([['/abs/*.jpg'], ['a[.jpg'], ['!**/*.jpg'], ['']])('refuses %j', (glob) => {
    expect(() => compileMatch([{ match: [glob] }])).toThrow();
  });
});

describe('no glob takes for ever over any name', () => {
  const many = (text: string, times: number) => Array.from({ length: times }, () => text).join('');

  it.each([
    ['*(a|a*)*(a|a*)*(a|a*)b', many('a', 250)],
    [`${many('*a', 30)}b`, many('a', 250)],
    ['+(a|aa)+(a|aa)b', many('a', 250)],
    ['(a+)+b', many('a', 250)],
    [`${many('?(a)', 60)}b`, many('a', 60)],
    [`${many('{a,aa}', 60)}b`, many('a', 100)],
    [`${many('**/a/', 20)}b`, many('a/', 1000)],
  ])('%s', (glob, key) => {
    const startedAt = performance.now();
    expect(matches(glob, `${key}c`)).toBe(false);
    expect(matches(glob, `${key}b`)).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it.each([
    ['+(+(+(a)))', 'has repeats in repeats in repeats'],
    ['(a)\\1', "holds '\\1'"],
    ['x(?<!a)b', "holds '(?'"],
  ])('and %s, for which that cannot be promised, is refused', (glob, why) => {
    expect(() => compileGlobs([glob])).toThrow(`'${glob}' ${why}`);
  });

  it('and the answer is the one that picomatch gives', () => {
    const piece = fc.constantFrom(
      '*',
      '**/',
      '?',
      'a',
      'b',
      '/',
      '.',
      '*(a|b*)',
      '+(ab|a)',
      '!(a|b)',
      '@(a|*b)',
      '{a,b/}',
      '[ab]',
      '?(b)',
      '[!a]',
    );
    const globs = fc.array(piece, { minLength: 1, maxLength: 9 }).map((pieces) => pieces.join(''));
    const keys = fc
      .array(fc.constantFrom('a', 'b', '/', '.', 'c'), { minLength: 1, maxLength: 9 })
      .map((units) => units.join(''));
    fc.assert(
      fc.property(globs, keys, (glob, key) => {
        fc.pre(!glob.startsWith('/') && !(glob.startsWith('!') && !glob.startsWith('!(')));
        const options = { strictBrackets: true, windows: false, flags: 's', maxExtglobRecursion: false };
        expect(matches(glob, key)).toBe(picomatch.makeRe(glob, options).test(key) || glob === key);
      }),
      { numRuns: 1500 },
    );
  });
});
