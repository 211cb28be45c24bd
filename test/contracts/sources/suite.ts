import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fault } from '../../../src/domain/faults.js';
import type { Source, SourceKind } from '../../../src/sources/contract.js';

/** One member of the family, as the suite needs it. */
export interface SourceHarness {
  readonly kind: () => Promise<SourceKind>;
  /** A new, empty source; called for every test. */
  make(): Promise<SourceFixture>;
}

export interface SourceFixture {
  /** What the job file would say. */
  readonly config: Readonly<Record<string, unknown>>;
  put(key: string, bytes: Uint8Array | string): Promise<void>;
  remove(key: string): Promise<void>;
  /** Makes the source as a whole unreachable, as an unmounted volume or a dead host would. */
  lose(): Promise<void>;
  close(): Promise<void>;
}

const hour = 3_600_000;
const project = '/srv/project';

/** Every promise of `Source` and `SourceKind` that all members keep. */
export function sourceSuite(name: string, harness: SourceHarness): void {
  describe(`source ${name}`, () => {
    let fixture: SourceFixture;
    let kind: SourceKind;
    let scratch: string;
    let now: number;
    let source: Source;

    beforeEach(async () => {
      kind = await harness.kind();
      fixture = await harness.make();
      scratch = await mkdtemp(path.join(tmpdir(), 'nightpress-stage-'));
      now = Date.now() + hour;
      const checked = kind.check(fixture.config, project);
      if (!checked.ok) throw new Error('the harness gives a config that its own kind refuses');
      source = kind.open(checked.config, () => now);
    });

    afterEach(async () => {
      await fixture.close();
      await rm(scratch, { recursive: true, force: true });
    });

    const target = () => path.join(scratch, 'staged');
    const keysOf = async () => (await source.scan()).assets.map((asset) => asset.key);

    test('an unknown option is refused with its path, its value and what was expected', () => {
      const checked = kind.check({ ...fixture.config, folow: true }, project);
      expect(checked).toEqual({
        ok: false,
        problems: [{ path: ['folow'], value: true, expected: expect.stringMatching(/^no such key/) }],
      });
    });

    test('a checked config passes its own check and keeps its meaning', () => {
      const checked = kind.check(fixture.config, project);
      expect(checked.ok && kind.check(checked.config, '/elsewhere')).toEqual(checked);
    });

    test('an empty source is an empty inventory, said aloud', async () => {
      const { assets, unreadable, findings } = await source.scan();
      expect({ assets, unreadable }).toEqual({ assets: [], unreadable: [] });
      expect(findings).toMatchObject([{ code: 'source-empty', severity: 'notice' }]);
    });

    test('every asset is listed once with its size, sorted by UTF-16 code units', async () => {
      const keys = [
        'b',
        'a/z.jpg',
        'a.jpg',
        'a/b/c.jpg',
        'a-b.jpg',
        'A.jpg',
        'ä.jpg',
        'a/\u{1f600}.jpg',
        'a/\uff5e.jpg',
        '.hidden/x',
        'a0',
      ];
      for (const [index, key] of keys.entries()) await fixture.put(key, 'x'.repeat(index));
      const { assets, findings } = await source.scan();
      expect(assets.map(({ key, bytes }) => [key, bytes])).toEqual(
        [...keys].sort().map((key) => [key, keys.indexOf(key)]),
      );
      expect(findings).toEqual([]);
    });

    test('a name is a name, whatever is in it', async () => {
      const names = [
        "it's.jpg",
        '"q".jpg',
        '100%.jpg',
        '%2e%2e.jpg',
        'a#b.jpg',
        'te[s]t*?{a,b}.jpg',
        '-rf',
        ' lead',
        'trail ',
        'a\nb.jpg',
      ];
      const more = [
        'back\\slash.jpg',
        'tab\t.jpg',
        '\u001b[31m.jpg',
        'e\u0301.jpg',
        'é.jpg',
        '...',
        '.env',
        'HEAD.JPG',
        'head.jpg',
        '\ufffd.jpg',
      ];
      const keys = [...names, ...more].map((one) => `odd/${one}`);
      for (const key of keys) await fixture.put(key, key);
      const { assets, findings } = await source.scan();
      expect(assets.map((asset) => asset.key)).toEqual([...keys].sort());
      expect(findings).toEqual([]);
      for (const key of keys) {
        expect(await source.list(key), key).toEqual(assets.find((asset) => asset.key === key));
        expect(await source.stage(key, target()), key).toMatchObject({ ok: true, sha256: sha256(key) });
        await rm(target());
      }
    });

    test('a listing stays the same while nothing changes, and is the one that list and stage give', async () => {
      await fixture.put('a/b.jpg', 'bytes');
      const [first] = (await source.scan()).assets;
      const [second] = (await source.scan()).assets;
      const staged = await source.stage('a/b.jpg', target());
      expect(second).toEqual(first);
      expect(await source.list('a/b.jpg')).toEqual(first);
      expect(staged.ok && staged.asset).toEqual(first);
    });

    test('new bytes of the same length give another listing', async () => {
      await fixture.put('a.jpg', 'old');
      const before = await source.list('a.jpg');
      await fixture.put('a.jpg', 'new');
      expect((await source.list('a.jpg'))?.listing).not.toBe(before?.listing);
    });

    test('a listing is not trusted until it is older than two seconds', async () => {
      await fixture.put('a.jpg', 'x');
      const modified = (await source.list('a.jpg'))?.modifiedAt ?? 0;
      const settledAt = async (at: number) => {
        now = at;
        return (await source.scan()).assets[0]?.settled;
      };
      expect(await settledAt(modified - hour)).toBe(false);
      expect(await settledAt(modified + 1_900)).toBe(false);
      expect(await settledAt(modified + 4_000)).toBe(true);
    });

    test('a removed asset is listed no more, and staging it is a temporary finding of that asset', async () => {
      await fixture.put('a.jpg', 'x');
      await fixture.put('b.jpg', 'x');
      expect(await keysOf()).toEqual(['a.jpg', 'b.jpg']);
      await fixture.remove('a.jpg');
      expect(await keysOf()).toEqual(['b.jpg']);
      expect(await source.list('a.jpg')).toBeUndefined();
      const staged = await source.stage('a.jpg', target());
      expect(staged).toMatchObject({
        ok: false,
        finding: { code: 'vanished', class: 'transient', severity: 'error', key: 'a.jpg' },
      });
      expect(await readdir(scratch)).toEqual([]);
    });

    test.each([0, 1, 1_000, 1 << 20, (1 << 20) + 1, 2_500_000])(
      'staging copies and hashes %i bytes',
      async (length) => {
        const bytes = Buffer.alloc(length, 'nightpress ');
        await fixture.put('a.bin', bytes);
        expect(await source.stage('a.bin', target())).toMatchObject({ ok: true, sha256: sha256(bytes), bytes: length });
        expect(bytes.equals(await readFile(target()))).toBe(true);
      },
    );

    test('many assets staged at once do not mix', async () => {
      const bytesOf = (index: number) => Buffer.alloc(300_000 + index, `${index} `);
      for (let index = 0; index < 12; index++) await fixture.put(`${index}.bin`, bytesOf(index));
      const stage = (_: unknown, index: number) => source.stage(`${index}.bin`, path.join(scratch, `${index}`));
      const staged = await Promise.all(Array.from({ length: 12 }, stage));
      expect(staged.map((one) => one.ok && one.sha256)).toEqual(staged.map((_, index) => sha256(bytesOf(index))));
      for (let index = 0; index < 12; index++) {
        expect(bytesOf(index).equals(await readFile(path.join(scratch, `${index}`)))).toBe(true);
      }
    });

    test('a target that exists is neither overwritten nor deleted', async () => {
      await fixture.put('a.jpg', 'x');
      await writeFile(target(), 'mine');
      await expect(source.stage('a.jpg', target())).rejects.toMatchObject({ code: 'EEXIST' });
      expect(await readFile(target(), 'utf8')).toBe('mine');
    });

    test('trouble with the target is a system error and no finding of the asset', async () => {
      await fixture.put('a.jpg', 'x');
      await expect(source.stage('a.jpg', path.join(scratch, 'absent', 'a'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test.each(['', '.', '..', '../a.jpg', 'a/../a.jpg', './a.jpg', '/a.jpg', 'a//a.jpg', 'a.jpg/', 'a\0.jpg'])(
      'the key %j that no scan gives is nobody',
      async (key) => {
        await fixture.put('a.jpg', 'x');
        expect(await source.list(key)).toBeUndefined();
        expect(await source.stage(key, target())).toMatchObject({ ok: false });
        expect(await readdir(scratch)).toEqual([]);
      },
    );

    test('a source that is gone is unreachable and never an empty library', async () => {
      await fixture.put('a.jpg', 'x');
      await source.scan();
      await fixture.lose();
      const calls = [() => source.scan(), () => source.list('a.jpg'), () => source.stage('a.jpg', target())];
      for (const call of calls) {
        const fault = await call().then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(fault).toBeInstanceOf(Fault);
        expect(fault).toMatchObject({ code: 'source-unreachable' });
      }
      expect(await readdir(scratch)).toEqual([]);
    });
  });
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
