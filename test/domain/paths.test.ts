import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkTemplate, extensionOf, pathProblem, publicPath } from '../../src/domain/paths.js';

const facts = {
  key: 'photos/2024/hero.final.jpg',
  recipe: 'pictures',
  variant: '640w',
  ext: 'webp',
  width: 640,
  height: 427,
};

describe('publicPath', () => {
  it.each([
    ['{key}/{variant}.{ext}', 'photos/2024/hero.final.jpg/640w.webp'],
    ['{key}', 'photos/2024/hero.final.jpg'],
    ['{dir}/{name}-{width}x{height}.{ext}', 'photos/2024/hero.final-640x427.webp'],
    ['{recipe}/{dir}/{name}.{variant}.{ext}', 'pictures/photos/2024/hero.final.640w.webp'],
    ['img/{name}_{name}', 'img/hero.final_hero.final'],
  ])('fills %s', (template, path) => expect(publicPath(template, facts)).toBe(path));

  it.each([
    ['{dir}/{name}.{ext}', 'hero.webp'],
    ['{recipe}/{dir}/{name}.{ext}', 'pictures/hero.webp'],
    ['{key}/{variant}.{ext}', 'hero.jpg/640w.webp'],
  ])('leaves no slash behind for an asset at the root: %s', (template, path) => {
    expect(publicPath(template, { ...facts, key: 'hero.jpg' })).toBe(path);
  });

  it('leaves no dot behind for an output without an extension', () => {
    expect(publicPath('{dir}/{name}.{ext}', { ...facts, key: 'bin/Makefile', ext: '' })).toBe('bin/Makefile');
  });

  it('names a dotfile whole, and says 0 for pixels that an output does not have', () => {
    const { width: _width, height: _height, ...sound } = { ...facts, key: 'a/.htaccess' };
    expect(publicPath('{name}-{width}-{height}', sound)).toBe('.htaccess-0-0');
  });

  it('never takes a placeholder, a dollar or any other sign in a key for more than text', () => {
    const key = "a {variant}/$& $1 {ext}/100%#'[x]\\.jpg";
    expect(publicPath('{key}/{variant}.{ext}', { ...facts, key })).toBe(`${key}/640w.webp`);
  });

  it('makes good paths of good keys with every good template', () => {
    const segment = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((text) => !/^\.{1,2}$|[/\0]/.test(text));
    const key = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
    const templates = [
      '{key}',
      '{key}/{variant}.{ext}',
      '{dir}/{name}.{ext}',
      'x/{dir}/{name}-{width}/{variant}.{ext}',
      '{recipe}/{name}/{dir}/v.{ext}',
    ];
    for (const template of templates) expect(checkTemplate(template)).toEqual([]);
    fc.assert(
      fc.property(key, fc.constantFrom(...templates), (name, template) => {
        expect(pathProblem(publicPath(template, { ...facts, key: name }))).toBeUndefined();
      }),
    );
  });
});

describe('checkTemplate', () => {
  it.each([
    ['{key}/{size}.{ext}', 'not {size}'],
    ['{key}/{}.{ext}', 'not {}'],
    ['{constructor}/{key}', 'not {constructor}'],
    ['{key}/{variant', 'braces only around'],
    ['{recipe}/{variant}.{ext}', '{key} or {name}'],
    ['/{key}', 'relative'],
    ['{key}/', 'relative'],
    ['{name}/{dir}', 'relative'],
    ['a//{key}', 'relative'],
    ['../{key}', 'relative'],
    ['./{key}', 'relative'],
    ['{key}\0', 'NUL'],
    [`${'x'.repeat(256)}/{key}`, 'segments of at most 255 bytes'],
    ['', '{key} or {name}'],
  ])('refuses %j', (template, problem) => expect(checkTemplate(template).join('; ')).toContain(problem));

  it('lists every problem at once', () => {
    expect(checkTemplate('{a}/{b}')).toHaveLength(3);
  });
});

describe('pathProblem', () => {
  it.each(['a', 'a/b', '...', 'a/..b', '.a/b.', ' ', 'a\nb', 'ü'.repeat(127)])('accepts %j', (path) => {
    expect(pathProblem(path)).toBeUndefined();
  });

  it.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/../b',
    './a',
    'a/.',
    'a\0b',
    'ü'.repeat(128),
    `${'a/'.repeat(1100)}a`,
  ])('refuses %j', (path) => expect(pathProblem(path)).toBeDefined());
});

describe('extensionOf', () => {
  it.each([
    ['a.JPG', 'jpg'],
    ['a.b/c', ''],
    ['.htaccess', ''],
    ['a/.x.tar.GZ', 'gz'],
    ['a.', ''],
  ])('%s → %j', (key, ext) => expect(extensionOf(key)).toBe(ext));
});
