import { expect, test } from 'vitest';
import { nearestNames } from '../../src/domain/nearest.js';
import type { Derivative, Digest } from '../../src/domain/types.js';
import { encodePath, pathOfUrl, urlsOf } from '../../src/domain/urls.js';

const sha256 = 'ab'.repeat(32) as Digest;
const derivative: Derivative = {
  path: 'a b/50% #1?.jpg/16w.jpg',
  sha256,
  bytes: 1,
  type: 'image/jpeg',
  ext: 'jpg',
  variant: '16w',
};

test.each(['https://cdn.example.com/x', 'https://cdn.example.com/x/'])(
  'a derivative below %s has two URLs',
  (baseUrl) => {
    expect(urlsOf(derivative, { baseUrl, hasTree: true })).toEqual({
      immutable: `https://cdn.example.com/x/b/ab/${sha256}.jpg`,
      stable: 'https://cdn.example.com/x/live/a%20b/50%25%20%231%3F.jpg/16w.jpg',
    });
  },
);

test('without a tree for web servers there is only the immutable one', () => {
  expect(urlsOf(derivative, { baseUrl: 'https://x', hasTree: false })).toEqual({
    immutable: `https://x/b/ab/${sha256}.jpg`,
  });
});

test.each(['a/b.jpg', 'müll 100%.jpg', "it's (1)/[x].jpg", 'live/live.jpg'])(
  'the URL of %s leads back to it',
  (name) => {
    expect(pathOfUrl(`https://x/y/live/${encodePath(name)}?v=1`, 'https://x/y/')).toBe(name);
  },
);

test.each([
  ['live/a.jpg', 'a.jpg'],
  ['/live/a.jpg', 'a.jpg'],
  ['a%20b.jpg', 'a%20b.jpg'],
  ['https://elsewhere/live/a.jpg', 'https://elsewhere/live/a.jpg'],
  ['https://x/100%.jpg', '100%.jpg'],
  [`https://x/b/ab/${sha256}.jpg`, `b/ab/${sha256}.jpg`],
])('%s means %s', (text, path) => {
  expect(pathOfUrl(text, 'https://x')).toBe(path);
});

test('the nearest names are those that hold the text, then those with the fewest edits between', () => {
  const names = ['photos/hero.jpg', 'photos/hera.jpg', 'clips/intro.mp4', 'hero.png', 'zzz'];
  expect(nearestNames('hero', names, 2)).toEqual(['hero.png', 'photos/hero.jpg']);
  expect(nearestNames('photos/hers.jpg', names, 3)).toEqual(['photos/hera.jpg', 'photos/hero.jpg', 'hero.png']);
  expect(nearestNames('HERO.PNG', names, 1)).toEqual(['hero.png']);
  expect(nearestNames('x', [], 3)).toEqual([]);
});
