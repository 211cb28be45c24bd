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
