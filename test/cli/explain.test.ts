import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { aWorld, type Ended, fill, settle, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 60_000 });

let world: World;

beforeEach(async () => {
  world = await aWorld();
  await fill(world, { pictures: 1, texts: 1 });
});

afterEach(() => world.end());

interface Told {
  readonly code: number | null;
  readonly stderr: string;
  readonly story: StoryRecord;
}

/** The members of the JSON record that tests reach into; everything is compared with `toMatchObject`. */
interface StoryRecord {
  readonly runs: unknown;
  readonly snapshots: unknown;
  readonly live: {
    readonly items: readonly [
      { readonly derivatives: readonly [{ readonly urls: { readonly immutable: string }; readonly sha256: string }] },
    ];
  };
}

async function explain(asset: string, options: Parameters<World['run']>[1] = {}): Promise<Told> {
  const { code, stderr, lines } = await world.run([asset], { ...options, verb: 'explain' });
  return { code, stderr, story: lines[0] as unknown as StoryRecord };
}

async function plainly(asset: string): Promise<Ended> {
  return await world.run([asset], { verb: 'explain', plain: true });
}

const key = 'pictures/p0.jpg';

describe('the story of an asset', () => {
  test('before the first run: what would happen to it', async () => {
    const { code, story } = await explain(key);
    expect(code).toBe(0);
    expect(story).toMatchObject({
      ...{
        type: 'asset',
        job: 'night',
        key,
        firstSeenAt: null,
        remembered: null,
        listing: 'new',
        live: null,
        snapshots: [],
        runs: [],
        faults: [],
      },
      ...{ recipes: [{ recipe: 'pictures', now: 'would run', because: 'new asset' }], unmatched: ['rest'] },
    });
  });

  test('over two nights: runs newest first, snapshots that hold it, derivatives', async () => {
    await settle(world);
    const first = await world.run();
    const settled = await explain(key);
    expect(settled.story).toMatchObject({
      ...{ listing: 'same', recipes: [{ now: 'would not run', because: expect.stringContaining('nothing changed') }] },
      live: {
        snapshot: first.result?.snapshot,
        items: [{ recipe: 'pictures', derivatives: [{ path: `${key}/16w.jpg`, width: 16, urls: null }] }],
      },
      runs: [
        {
          verb: 'run',
          because: 'new asset',
          disposition: 'done',
          attempts: [{ number: 1, outcome: 'finished' }],
          finding: null,
        },
      ],
    });

    await world.write(key, 'spoilt');
    expect((await explain(key)).story).toMatchObject({
      listing: expect.stringMatching(/changed|not trusted/),
      recipes: [{ now: 'would run' }],
      expected: null,
      nextTry: { label: expect.stringMatching(/T\d\d:\d\d$/) },
    });
    const second = await world.run(['--now']);
    const { story } = await explain(key);
    expect(story.runs).toMatchObject([
      {
        run: second.result?.run,
        disposition: 'carried',
        finding: { code: 'wrong-kind' },
        attempts: [{ outcome: 'refused', class: 'input', signature: expect.stringMatching(/^[a-z-]+: ./) }],
      },
      { run: first.result?.run, disposition: 'done' },
    ]);
    expect(story.live.items).toMatchObject([{ carried: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    expect(story.snapshots).toMatchObject([
      { standing: 'live', carried: ['pictures'] },
      { standing: 'retained', carried: [] },
    ]);

    const { stdout } = await plainly(key);
    expect(stdout).toContain('carried   pictures shows an older version');
    expect(stdout).toContain(`log ${second.result?.log}`);
  });

  test('without a state, and without a source: what the origin tells', async () => {
    await world.run();
    await rm(path.dirname(world.state), { recursive: true });
    expect((await explain(key)).story).toMatchObject({
      firstSeenAt: null,
      runs: [],
      live: { seq: 1 },
      snapshots: [{ standing: 'live' }],
    });
    await rm(world.source, { recursive: true });
    const { code, story } = await explain(key);
    expect(code).toBe(0);
    expect(story).toMatchObject({ listing: 'unknown', live: { seq: 1 }, faults: [{ code: 'source-unreachable' }] });
  });

  test('beside a live run', async () => {
    const running = world.start([], { env: { NIGHTPRESS_STOP: 'checkpointed' } });
    await running.stoppedAt('checkpointed');
    const { code, story } = await explain(key);
    running.signal('SIGCONT');
    expect(code).toBe(0);
    expect(story).toMatchObject({ runs: [{ outcome: null, verb: 'run' }] });
    expect(await running.ended).toMatchObject({ code: 0 });
  });
});

describe('an asset may be named', () => {
  beforeEach(() => world.run());

  test.each([
    ['by the path of its file', 'media/pictures/p0.jpg'],
    ['by its public path', 'pictures/p0.jpg/16w.jpg'],
    ['by its place below live', 'live/pictures/p0.jpg/16w.jpg'],
    ['by the path of what is shown', 'public/live/pictures/p0.jpg/16w.jpg'],
  ])('%s', async (_how, name) => {
    expect((await explain(name)).story).toMatchObject({ key });
  });

  test('by a URL; its derivatives then have theirs', async () => {
    const file = path.join(world.folder, 'jobs/night.ts');
    const job = await readFile(file, 'utf8');
    await writeFile(file, job.replace('origin: {', "origin: { baseUrl: 'https://cdn.example.com/night',"));
    const stable = 'https://cdn.example.com/night/live/texts/t0.txt';
    const { story } = await explain(stable);
    const [{ urls, sha256 }] = story.live.items[0].derivatives;
    expect(urls).toEqual({ stable, immutable: `https://cdn.example.com/night/b/${sha256.slice(0, 2)}/${sha256}.txt` });
    expect((await explain(urls.immutable)).story).toMatchObject({ key: 'texts/t0.txt' });
    expect((await plainly(stable)).stdout).toContain('behind what export edge wrote, the first of these has no live/');
  });

  test('wrongly: the nearest are told', async () => {
    const { code, stderr } = await plainly('pictures/p1.jpg');
    expect(code).toBe(2);
    expect(stderr).toContain(`the nearest are '${key}'`);
  });
});

test('no control character of a name reaches the terminal', async () => {
  const odd = 'texts/\u001b[2J\u202e.txt';
  await world.write(odd, 'odd');
  await world.run();
  const { stdout, code } = await plainly(odd);
  expect(code).toBe(0);
  expect(stdout).toContain('texts/\\u001b[2J\\u202e.txt');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  expect(stdout).not.toMatch(/[\u001b\u202e]/);
});
