import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { assetsAmong, parseFileList } from '../../src/cli/files-from.js';

describe('a list of files', () => {
  test.each([
    ['one a line', 'a.jpg\nb c.jpg\n', ['a.jpg', 'b c.jpg']],
    ['with Windows line ends and empty lines', 'a.jpg\r\n\r\nb.jpg\r\n', ['a.jpg', 'b.jpg']],
    ['ended by NUL, whatever is in the names', 'a\nb.jpg\0"c".jpg\0', ['a\nb.jpg', '"c".jpg']],
    ['quoted as git does', '"m\\303\\274ll \\"x\\" \\\\ \\t.jpg"\n', ['müll "x" \\ \t.jpg']],
    ['empty', '', []],
  ])('%s', (_what, text, paths) => {
    expect(parseFileList(text)).toEqual(paths);
  });
});

describe('the assets that paths mean', () => {
  let folder: string;
  const known = new Set(['a.jpg', 'sub/b.jpg']);

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'nightpress-files-')));
    mkdirSync(path.join(folder, 'media/sub'), { recursive: true });
    writeFileSync(path.join(folder, 'README.md'), 'no asset');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function among(lines: readonly string[], root = path.join(folder, 'media')) {
    const { keys, gone, outside } = assetsAmong(lines, { bases: [path.join(folder, 'else'), folder], root, known });
    return { keys: [...keys], gone, outside };
  }

  test.each([
    ['from the project', ['media/a.jpg'], { keys: ['a.jpg'], gone: 0, outside: 0 }],
    ['from the source', ['sub/b.jpg', './a.jpg'], { keys: ['sub/b.jpg', 'a.jpg'], gone: 0, outside: 0 }],
    ['named twice', ['media/a.jpg', 'a.jpg', 'a.jpg'], { keys: ['a.jpg'], gone: 0, outside: 0 }],
    ['deleted', ['media/was.jpg', 'media/sub'], { keys: [], gone: 2, outside: 0 }],
    ['elsewhere', ['README.md', '../x.jpg', '/mediaeval/a.jpg', 'media'], { keys: [], gone: 0, outside: 4 }],
    ['from the source, and missing', ['sub/typo.jpg'], { keys: [], gone: 1, outside: 0 }],
  ])('%s', (_what, lines, expected) => {
    expect(among(lines)).toEqual(expected);
  });

  test('absolute, and through a link to the source', () => {
    symlinkSync(path.join(folder, 'media'), path.join(folder, 'link'));
    expect(among([path.join(folder, 'media/a.jpg')], path.join(folder, 'link'))).toEqual({
      keys: ['a.jpg'],
      gone: 0,
      outside: 0,
    });
  });

  test('of a source without a folder: by key', () => {
    const list = assetsAmong(['a.jpg', 'x.jpg'], { bases: [folder], root: undefined, known });
    expect(list).toMatchObject({ gone: 1, outside: 0 });
    expect([...list.keys]).toEqual(['a.jpg']);
  });
});
