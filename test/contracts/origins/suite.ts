import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/domain/digest.js';
import { blobKey, manifestKey } from '../../../src/domain/origin-keys.js';
import type { Digest, SnapshotId } from '../../../src/domain/types.js';
import type { BlobName, Origin, OriginKind, Stored } from '../../../src/origins/contract.js';
import { pageEntry, publisher, services } from './publisher.js';

/** One member of the family, as the suite needs it. */
export interface OriginHarness {
  /** Whether it makes trees of public paths. */
  readonly trees: boolean;
  /** Whether it can keep others from moving the head. */
  readonly exclusive: boolean;
  /** How the first commit is made; absent: as most do. */
  readonly commitsBy?: 'log';
  readonly kind: () => Promise<OriginKind>;
  /** A new, empty place to publish to; called for every test. */
  make(): Promise<OriginFixture>;
}

export interface OriginFixture {
  /** What the job file would say. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Damages what is stored under a key, behind the origin's back: other bytes, the same size. */
  damage(key: string): Promise<void>;
  /** Everything at the place that a reader or a listing of it could find, also what has no name yet. */
  everything(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Every promise of `Origin` and `OriginKind` that all members keep. */
export function originSuite(name: string, harness: OriginHarness): void {
  describe(`origin ${name}`, () => {
    let fixture: OriginFixture;
    let kind: OriginKind;
    let scratch: string;
    let origin: Origin;
    let publish: ReturnType<typeof publisher>;

    beforeEach(async () => {
      kind = await harness.kind();
      fixture = await harness.make();
      scratch = await mkdtemp(path.join(tmpdir(), 'nightpress-origin-'));
      origin = another();
      publish = publisher(origin, scratch, harness.commitsBy);
    });

    afterEach(async () => {
      await fixture.close();
      await rm(scratch, { recursive: true, force: true });
    });

    function another(): Origin {
      const checked = kind.check(fixture.config, '/srv/project');
      if (!checked.ok) throw new Error(`the fixture's config was refused: ${JSON.stringify(checked.problems)}`);
      return kind.open(checked.config, services);
    }

    async function stored(): Promise<Stored[]> {
      const list: Stored[] = [];
      for await (const one of origin.listStored()) list.push(one);
      return list.sort((a, b) => (a.key < b.key ? -1 : 1));
    }

    async function file(content: string): Promise<string> {
      const at = path.join(scratch, randomUUID());
      await writeFile(at, content);
      return at;
    }

    describe('the head', () => {
      test('is absent before the first publish', async () => {
        expect(await origin.readHead()).toBeUndefined();
      });

      test('that was swapped in is read back, by others too', async () => {
        const { head, base } = await publish.next('one');
        expect(await origin.swapHead(head, base)).toBe('landed');
        expect((await origin.readHead())?.head).toEqual(head);
        expect(await another().readHead()).toEqual(await origin.readHead());
      });

      test('keeps its version while it is unchanged, and gets another with every commit', async () => {
        await publish.publish('one');
        const versions = [(await origin.readHead())?.version, (await another().readHead())?.version];
        expect(versions[0]).toBe(versions[1]);
        await publish.publish('two');
        expect((await origin.readHead())?.version).not.toBe(versions[0]);
      });

      test('is not moved by a swap whose base is gone: lost, and nothing is changed', async () => {
        await publish.publish('one');
        const stale = await publish.next('stale');
        await publish.publish('two');
        const before = await origin.readHead();
        expect(await origin.swapHead(stale.head, stale.base)).toBe('lost');
        expect(await origin.readHead()).toEqual(before);
      });

      test('is not moved by a first publisher that comes second', async () => {
        const late = await publish.next('late');
        await publish.publish('one');
        expect(late.base).toBeUndefined();
        expect(await origin.swapHead(late.head, late.base)).toBe('lost');
      });

      test('is not made by a swap that expects one', async () => {
        const { head } = await publish.next('one');
        expect(await origin.swapHead(head, 'some version')).toBe('lost');
        expect(await origin.readHead()).toBeUndefined();
      });

      test('is moved by exactly one of many who try at once', async () => {
        for (const round of ['first', 'second']) {
          const rivals = await Promise.all([1, 2, 3, 4, 5].map((n) => publish.next(`${round} ${n}`)));
          const swaps = await Promise.all(rivals.map(({ head, base }) => another().swapHead(head, base)));
          expect(swaps.filter((swap) => swap === 'landed')).toHaveLength(1);
          expect(swaps.filter((swap) => swap === 'lost')).toHaveLength(4);
          const landed = (await origin.readHead())?.head;
          expect(landed).toEqual(rivals[swaps.indexOf('landed')]?.head);
        }
      });

      test('is whole for everyone who reads while it moves, and never goes back', async () => {
        let done = false;
        const seen: number[] = [];
        const reading = (async () => {
          const reader = another();
          while (!done) seen.push((await reader.readHead())?.head.seq ?? 0);
        })();
        for (let n = 0; n < 20; n++) expect(await publish.publish(`night ${n}`)).toBe('landed');
        done = true;
        await reading;
        expect(seen.length).toBeGreaterThan(20);
        expect(seen).toEqual([...seen].sort((a, b) => a - b));
      });

      test('that is damaged is origin-corrupt', async () => {
        await publish.publish('one');
        await fixture.damage('head.json');
        await expect(origin.readHead()).rejects.toMatchObject({ code: 'origin-corrupt' });
        await expect(publish.publish('two')).rejects.toMatchObject({ code: 'origin-corrupt' });
      });
    });

    describe('a manifest node', () => {
      const bytes = Buffer.from('{"entries":[],"nightpress":1}');
      const digest = sha256(bytes);

      test('that was stored is read back; one that was not is undefined', async () => {
        expect(await origin.readManifest(digest)).toBeUndefined();
        await origin.putManifest(digest, bytes);
        await origin.putManifest(digest, bytes);
        expect(await another().readManifest(digest)).toEqual(bytes);
      });

      test('with a flipped byte is origin-corrupt and named, and is mended by storing it again', async () => {
        await origin.putManifest(digest, bytes);
        await fixture.damage(manifestKey(digest));
        const corrupt = { code: 'origin-corrupt', message: expect.stringContaining(digest) };
        await expect(origin.readManifest(digest)).rejects.toMatchObject(corrupt);
        await origin.putManifest(digest, bytes);
        expect(await origin.readManifest(digest)).toEqual(bytes);
      });

      test('whose bytes are not what it is named by is refused', async () => {
        await expect(origin.putManifest(sha256('other'), bytes)).rejects.toMatchObject({ code: 'EBADHASH' });
        expect(await origin.readManifest(sha256('other'))).toBeUndefined();
      });
    });

    describe('a blob', () => {
      const content = 'a picture';
      const blob = { sha256: sha256(content), ext: 'webp' };

      test('that was stored has its size and hash; one that was not has neither', async () => {
        expect(await origin.blobBytes(blob)).toBeUndefined();
        expect(await origin.hashBlob(blob)).toBeUndefined();
        await origin.putBlob(blob, await file(content));
        expect(await another().blobBytes(blob)).toBe(content.length);
        expect(await another().hashBlob(blob)).toBe(blob.sha256);
        expect(await origin.blobBytes({ ...blob, ext: 'jpg' })).toBeUndefined();
      });

      test('may be empty, may have no extension, and may be larger than any buffer', async () => {
        for (const text of ['', 'x'.repeat(3_000_001)]) {
          const large = { sha256: sha256(text), ext: '' };
          await origin.putBlob(large, await file(text));
          expect(await origin.blobBytes(large)).toBe(text.length);
          expect(await origin.hashBlob(large)).toBe(large.sha256);
        }
      });

      test('may be stored again, and by several at once', async () => {
        const files = await Promise.all([1, 2, 3].map(() => file(content)));
        await Promise.all(files.map((from) => another().putBlob(blob, from)));
        await origin.putBlob(blob, await file(content));
        expect(await origin.hashBlob(blob)).toBe(blob.sha256);
        expect(await stored()).toHaveLength(1);
      });

      test('whose bytes are not what it is named by is refused, and nothing is stored', async () => {
        await origin.putBlob(blob, await file(content));
        const before = await fixture.everything();
        const wrong = { sha256: sha256('promised'), ext: 'webp' };
        await expect(origin.putBlob(wrong, await file('given'))).rejects.toMatchObject({ code: 'EBADHASH' });
        await expect(origin.putBlob(blob, await file('a pictura'))).rejects.toMatchObject({ code: 'EBADHASH' });
        expect(await origin.blobBytes(wrong)).toBeUndefined();
        expect(await origin.hashBlob(blob)).toBe(blob.sha256);
        expect(await fixture.everything()).toEqual(before);
      });

      test('from a file that is not there fails as that, not as an unreachable origin', async () => {
        await expect(origin.putBlob(blob, path.join(scratch, 'gone'))).rejects.toMatchObject({ code: 'ENOENT' });
      });

      test('that went bad is told by its hash, is gone when condemned, and is good when stored again', async () => {
        await origin.putBlob(blob, await file(content));
        await fixture.damage(blobKey(blob));
        expect(await origin.hashBlob(blob)).not.toBe(blob.sha256);
        await origin.condemnBlob(blob);
        await origin.condemnBlob(blob);
        expect(await origin.blobBytes(blob)).toBeUndefined();
        expect(await stored()).toEqual([]);
        await origin.putBlob(blob, await file(content));
        expect(await origin.hashBlob(blob)).toBe(blob.sha256);
      });

      test('leaves alone the file it came from, or takes it away whole', async () => {
        const from = await file(content);
        await origin.putBlob(blob, from);
        const left = await readFile(from, 'utf8').catch(() => content);
        expect(left).toBe(content);
      });

      test('cannot have a name that leads elsewhere', async () => {
        const from = await file(content);
        for (const ext of ['../../x', 'a/b', '.', 'WEBP', 'ö']) {
          await expect(origin.putBlob({ ...blob, ext }, from)).rejects.toThrow(TypeError);
        }
        await expect(origin.putBlob({ sha256: '../up' as Digest, ext: 'x' }, from)).rejects.toThrow(TypeError);
        expect(await stored()).toEqual([]);
      });
    });

    describe('collecting', () => {
      test('lists blobs and manifests with size and time, and nothing else', async () => {
        const before = Date.now() - 2000;
        await publish.publish('one');
        const list = await stored();
        expect(list.map(({ kind: what, bytes }) => [what, bytes > 0])).toEqual([
          ['blob', true],
          ['manifest', true],
        ]);
        expect(list[0]).toMatchObject({
          sha256: sha256('one'),
          bytes: 3,
          key: blobKey({ sha256: sha256('one'), ext: 'txt' }),
        });
        for (const { at } of list) expect(at).toBeGreaterThan(before);
      });

      test('an empty origin lists nothing', async () => {
        expect(await stored()).toEqual([]);
      });

      test('deletes by key, and keys that are gone are no error', async () => {
        const gone = await publish.put('left over');
        const kept = await publish.put('needed');
        const deleteTwice = async () => {
          await origin.remove([blobKey(gone), manifestKey(sha256('never stored'))]);
          await origin.remove([blobKey(gone)]);
        };
        await (origin.exclusively?.(deleteTwice) ?? deleteTwice());
        expect((await stored()).map((one) => one.key)).toEqual([blobKey(kept)]);
      });

      test('refuses keys that are none before anything is deleted', async () => {
        const kept = await publish.put('needed');
        for (const key of ['head.json', '../x', 'b/aa/../../head.json', '', 'm/', 'b']) {
          await expect(origin.remove([blobKey(kept), key])).rejects.toThrow(TypeError);
        }
        expect(await stored()).toHaveLength(1);
      });
    });

    describe.runIf(harness.exclusive)('exclusively', () => {
      test('keeps others from moving the head, and may move it itself', async () => {
        await publish.publish('one');
        const mine = await publish.next('mine');
        const theirs = await publisher(another(), scratch, harness.commitsBy).next('theirs');
        let swapping: Promise<string> | undefined;
        const result = await origin.exclusively?.(async (swapHead) => {
          swapping = another().swapHead(theirs.head, theirs.base);
          return await swapHead(mine.head, mine.base);
        });
        expect(result).toBe('landed');
        expect(await swapping).toBe('lost');
        expect((await origin.readHead())?.head).toEqual(mine.head);
      });

      test('lets go of the head when the work throws', async () => {
        const work = origin.exclusively?.(async () => await Promise.reject(new Error('on purpose')));
        await expect(work).rejects.toThrow('on purpose');
        expect(await publish.publish('one')).toBe('landed');
      });
    });

    describe.runIf(harness.trees)('the tree', () => {
      const page = (name: BlobName) => Object.values(pageEntry(name).items).flatMap((item) => item.derivatives)[0];
      const lookAt = async (snapshot: SnapshotId, name: BlobName, deep: boolean) => {
        const derivative = page(name);
        return derivative && (await origin.tree?.whatIsWrong(snapshot, derivative, deep));
      };

      test('is there once it was prepared, and shows every blob', async () => {
        const blob = await publish.put('one');
        const prepared = await publish.store('one');
        expect(await origin.tree?.has(prepared)).toBe(true);
        expect(await origin.tree?.has(sha256('never prepared'))).toBe(false);
        expect(await lookAt(prepared, blob, true)).toBeUndefined();
        expect(await origin.tree?.mend(prepared, [pageEntry(blob)])).toBe(0);
      });

      test('of a blob that was made again is mended, once, and only where it was asked to', async () => {
        const blob = await publish.put('one');
        const prepared = await publish.store('one');
        await fixture.damage(blobKey(blob));
        await origin.condemnBlob(blob);
        expect(await lookAt(prepared, blob, false)).toBeTypeOf('string');
        expect(await origin.tree?.mend(prepared, [pageEntry(blob)])).toBe(0); // there is nothing better to show yet
        await publish.put('one');
        expect(await lookAt(prepared, blob, true)).toBeTypeOf('string');
        expect(await origin.tree?.mend(prepared, [])).toBe(0);
        expect(await origin.tree?.mend(prepared, [pageEntry(blob)])).toBe(1);
        expect(await lookAt(prepared, blob, true)).toBeUndefined();
        expect(await origin.tree?.mend(prepared, [pageEntry(blob)])).toBe(0);
      });

      test('that was never made is not mended into being', async () => {
        const blob = await publish.put('one');
        expect(await origin.tree?.mend(sha256('never prepared'), [pageEntry(blob)])).toBe(0);
        expect(await origin.tree?.has(sha256('never prepared'))).toBe(false);
      });
    });

    test('is said to keep others out only where it does', () => {
      expect(origin.exclusively !== undefined).toBe(harness.exclusive);
    });

    describe('the job file', () => {
      test('is checked: every problem at once, unknown options refused', () => {
        const result = kind.check({ ...fixture.config, baseUrl: 'cdn.example.com', wings: 2 }, '/srv/project');
        const problems = result.ok ? [] : result.problems.map(({ path: at, value }) => [at, value]);
        expect(problems).toEqual(
          expect.arrayContaining([
            [['baseUrl'], 'cdn.example.com'],
            [['wings'], 2],
          ]),
        );
      });

      test('names one place once, in whatever words', () => {
        const [first, second] = [fixture.config, { ...fixture.config, baseUrl: 'https://cdn.example.com/x' }];
        const places = [first, second].map((config) => kind.check(config, '/srv/project'));
        expect(places.map((result) => result.ok && result.place)).toEqual([expect.any(String), expect.any(String)]);
        expect(new Set(places.map((result) => result.ok && result.place)).size).toBe(1);
      });

      test('checked twice is the same as checked once', () => {
        const once = kind.check({ ...fixture.config, baseUrl: 'https://cdn.example.com/x' }, '/srv/project');
        expect(once.ok && kind.check(once.config, '/elsewhere')).toEqual(once);
      });
    });
  });
}
