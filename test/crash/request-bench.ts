import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Head } from '../../src/domain/head.js';
import { parseHead } from '../../src/domain/head-text.js';
import type { SnapshotId } from '../../src/domain/types.js';
import { checkpointed } from '../support/checkpoints.js';
import { type Cutter, startCutter } from '../support/cutter.js';
import { flawsOf } from '../support/live-files.js';
import { credentialsInEnvironment } from '../support/s3-source.js';
import { Bucket, type S3d, startS3d } from '../support/s3d/index.js';
import { until } from '../support/until.js';
import { age, aWorld, type Ended, fill, hasBegun, type Running, settle, type World } from '../support/world.js';

/** When the process dies: before anything of its n-th request gets through, or when the store has done it and answers. */
export interface Blow {
  readonly nth: number;
  readonly at: 'request' | 'answer';
}

export interface Suffered extends Blow {
  readonly publish: string;
  /** Such as `PUT head.json`. */
  readonly request: string;
  /** What the head names after the kill. */
  readonly head: 'none' | 'old' | 'new';
  /** Items made again although a checkpoint held them. */
  readonly again: number;
  readonly violations: readonly string[];
}

export interface Scenario {
  readonly name: string;
  prepare(world: World, publish: () => Promise<unknown>): Promise<void>;
}

/** More than an upload sends in one piece. */
const filmBytes = 17 << 20;

export const scenarios: readonly Scenario[] = [
  {
    name: 'the very first',
    prepare: (world) => fill(world, { pictures: 0, texts: 3 }),
  },
  {
    // More assets than a manifest holds in one node, so that nodes are written in an order.
    name: 'a later one',
    prepare: async (world, publish) => {
      await fill(world, { pictures: 0, texts: 280 });
      await age(world); // so that only what changes is looked at again
      await publish();
      for (const n of [1, 2]) await world.write(`texts/t${n}.txt`, `changed ${n}\n`);
      await world.write('texts/film.txt', Buffer.alloc(filmBytes, 'a long film. '));
      await world.remove('texts/t3.txt');
    },
  },
];

/** A publish, ready to be disturbed again and again from the same beginning. */
export class Bench {
  readonly #s3d: S3d;
  readonly #cutter: Cutter;
  readonly #world: World;
  readonly #name: string;
  #bucket = new Bucket();
  #old: SnapshotId | undefined;
  #calm: SnapshotId | null | undefined;
  /** First lines of what an undisturbed publish asks the store. */
  asked: readonly string[] = [];

  private constructor(s3d: S3d, cutter: Cutter, world: World, name: string) {
    this.#s3d = s3d;
    this.#cutter = cutter;
    this.#world = world;
    this.#name = name;
  }

  static async prepare({ name, prepare }: Scenario): Promise<Bench> {
    const s3d = await startS3d();
    const cutter = await startCutter(s3d.port);
    const originConfig = {
      type: 's3',
      bucket: 'media',
      prefix: 'site',
      endpoint: cutter.endpoint,
      region: 'eu-central-1',
    };
    const world = await aWorld({ originConfig, recipes: `{ rest: copy({ match: '**/*.txt' }) }` });
    const bench = new Bench(s3d, cutter, world, name);
    await prepare(world, () => bench.#night());
    await bench.#save();
    return bench;
  }

  async #save(): Promise<void> {
    this.#bucket = copyOf(this.#s3d.bucket());
    this.#old = this.#head()?.channels.live?.snapshot;
    if (existsSync(this.#world.state)) await cp(this.#world.state, this.#saved, { recursive: true });
    this.#cutter.asked.length = 0;
    const calm = await this.#night();
    if (calm.code !== 0) throw new Error(`the undisturbed publish ended with ${calm.code}: ${calm.stderr}`);
    this.asked = [...this.#cutter.asked];
    this.#calm = calm.result?.snapshot;
  }

  /** How many requests a night asks is not to be left to chance. */
  async #night(): Promise<Ended> {
    await settle(this.#world);
    return await this.#start(['--now']).ended;
  }

  async suffer(blow: Blow): Promise<Suffered> {
    await this.#restore();
    const before = this.#head()?.seq ?? 0;
    const since = Date.now();
    const killed = await this.#killed(blow);
    const violations = [...(await this.#flaws())];
    if (!killed.signal) violations.push(`it ended with ${killed.code} before it had asked so often`);
    const [after, shown] = [this.#head()?.seq ?? 0, this.#head()?.channels.live?.snapshot];
    if (after < before) violations.push(`seq ${after} after ${before}`);
    if (shown !== this.#old && shown !== this.#calm) violations.push(`${shown} is live, neither old nor new`);
    const safe = await this.#checkpointed(since);
    const finish = await this.#start(hasBegun(killed) ? [] : ['--now']).ended;
    violations.push(...this.#untrue(finish, after), ...(await this.#flaws()));
    const again = finish.lines.filter(({ type, item = '' }) => type === 'item-started' && safe.has(item)).length;
    if (again > 0) violations.push(`${again} items were made again after their checkpoint`);
    const request = nameOf(this.#cutter.asked[blow.nth - 1] ?? '');
    const head = shown === undefined ? 'none' : shown === this.#old ? 'old' : 'new';
    return { ...blow, publish: this.#name, request, head, again, violations };
  }

  async end(): Promise<void> {
    await this.#world.end();
    await this.#cutter.close();
    await this.#s3d.close();
  }

  async #killed({ nth, at }: Blow): Promise<Ended> {
    const { asked } = this.#cutter;
    asked.length = 0;
    const run = this.#start(['--now']);
    this.#cutter.next(/./, { kind: 'strike', at, strike: () => run.signal('SIGKILL') }, nth);
    const ended = await run.ended;
    this.#cutter.forget();
    await until(() => this.#world.left().length === 0 || undefined, 'no process of the dead run is left');
    return ended;
  }

  /** The run after the kill ends as if nothing had been. */
  #untrue(finish: Ended, seqAfterKill: number): readonly string[] {
    const head = this.#head();
    const live = head?.channels.live?.snapshot;
    const wrong: string[] = [];
    if (finish.code !== 0) wrong.push(`the next run ended with ${finish.code}: ${finish.stderr}`);
    if (live !== this.#calm) wrong.push(`live is ${live}, an undisturbed publish made ${this.#calm}`);
    if (finish.result?.snapshot !== this.#calm) wrong.push(`the next run told ${finish.result?.snapshot}`);
    if ((head?.seq ?? 0) < seqAfterKill) wrong.push(`seq ${head?.seq} after ${seqAfterKill}`);
    const left = ['staging', 'outbox'].filter((name) => existsSync(path.join(this.#world.state, name)));
    return [...wrong, ...left.map((name) => `${name} was left`)];
  }

  async #flaws(): Promise<readonly string[]> {
    return await flawsOf(this.#head(), async (key) => this.#s3d.bucket().get(`site/${key}`)?.body);
  }

  async #checkpointed(since: number): Promise<ReadonlySet<string>> {
    return existsSync(path.join(this.#world.state, 'state.db')) ? await checkpointed(this.#world, since) : new Set();
  }

  #head(): Head | undefined {
    const object = this.#s3d.bucket().get('site/head.json');
    return object && parseHead(object.body.toString());
  }

  get #saved(): string {
    return path.join(this.#world.folder, 'saved');
  }

  async #restore(): Promise<void> {
    this.#s3d.buckets.set('media', copyOf(this.#bucket));
    await rm(this.#world.state, { recursive: true, force: true });
    if (existsSync(this.#saved)) await cp(this.#saved, this.#world.state, { recursive: true });
  }

  #start(args: readonly string[]): Running {
    const env = { ...credentialsInEnvironment, AWS_EC2_METADATA_DISABLED: 'true' };
    return this.#world.start(args, { workers: 1, env });
  }
}

function copyOf(bucket: Bucket): Bucket {
  const copy = new Bucket();
  for (const key of bucket.keys()) {
    const object = bucket.get(key);
    if (object) copy.put(key, object);
  }
  return copy;
}

const acts: Readonly<Record<string, string>> = {
  'POST uploads': 'begin upload of',
  'PUT partNumber': 'PUT part of',
  'POST uploadId': 'complete upload of',
};

/** What a first line asks, without names that are random or hashes. */
export function nameOf(line: string): string {
  const [method = '', where = ''] = line.split(' ');
  const { pathname, searchParams } = new URL(where, 'http://store');
  const act = Object.keys(acts).find(
    (one) => one.startsWith(`${method} `) && searchParams.has(one.split(' ')[1] ?? ''),
  );
  const key = pathname.replace('/media/site/', '').replace(/^(b|m|tmp)\/.*/, '$1/…');
  return `${act === undefined ? method : acts[act]} ${key}`;
}
