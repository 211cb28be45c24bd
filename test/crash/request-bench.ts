import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { listKey } from '../../src/domain/condemned.js';
import type { Head } from '../../src/domain/head.js';
import { parseHead } from '../../src/domain/head-text.js';
import type { SnapshotId } from '../../src/domain/types.js';
import { copyOf } from '../support/bucket-copy.js';
import { checkpointed } from '../support/checkpoints.js';
import { type Cutter, startCutter } from '../support/cutter.js';
import { flawsOf } from '../support/live-files.js';
import { credentialsInEnvironment } from '../support/s3-source.js';
import { Bucket, type S3d, startS3d } from '../support/s3d/index.js';
import { until } from '../support/until.js';
import { aWorld, type Ended, hasBegun, type Running, settle, type World } from '../support/world.js';
import { nameOf } from './request-names.js';
import type { Ground, Scenario, Stage } from './request-scenarios.js';

/** When the process dies: before anything of its n-th request gets through, or when the store has done it and answers. */
export interface Blow {
  readonly nth: number;
  readonly at: 'request' | 'answer';
}

export interface Suffered extends Blow {
  readonly scenario: string;
  /** Such as `PUT head.json`. */
  readonly request: string;
  /** What readers are shown after the kill; `unshown`: an old head, but a newer entry of the log. */
  readonly head: 'none' | 'old' | 'unshown' | 'new';
  /** Items made again although a checkpoint held them. */
  readonly again: number;
  readonly violations: readonly string[];
}

/** A command that nobody disturbed. */
export interface Calm {
  readonly scenario: Scenario;
  readonly args: readonly string[];
  /** First lines of what it asked the store. */
  readonly asked: readonly string[];
  /** What was live before and is live after it. */
  readonly live: { readonly before: SnapshotId | undefined; readonly after: SnapshotId | undefined };
  /** Blobs and manifest nodes that it leaves. */
  readonly stored: readonly string[];
}

/** A ground, ready to be disturbed again and again from the same beginning. */
export class Bench {
  readonly #s3d: S3d;
  readonly #cutter: Cutter;
  readonly #world: World;
  #bucket = new Bucket();

  private constructor(s3d: S3d, cutter: Cutter, world: World) {
    this.#s3d = s3d;
    this.#cutter = cutter;
    this.#world = world;
  }

  static async prepare({ tier, prepare }: Ground): Promise<Bench> {
    const s3d = await startS3d({ tier });
    const cutter = await startCutter(s3d.port);
    const originConfig = {
      type: 's3',
      bucket: 'media',
      prefix: 'site',
      endpoint: cutter.endpoint,
      region: 'eu-central-1',
    };
    const recipes = `{ rest: copy({ match: '**/*.txt' }) }`;
    const gate = `{ shrink: '50%' }, keep: { last: 1, within: '1h', weekly: 0 }`;
    const bench = new Bench(s3d, cutter, await aWorld({ originConfig, recipes, gate }));
    const stage: Stage = {
      world: bench.#world,
      call: (verb, args) => bench.#calmly(verb, args),
      elapse: (days) => void s3d.buckets.set('media', copyOf(s3d.bucket(), days * 86_400_000)),
    };
    await prepare(stage);
    bench.#bucket = copyOf(s3d.bucket());
    if (existsSync(bench.#world.state)) await cp(bench.#world.state, bench.#saved, { recursive: true });
    await settle(bench.#world); // how many requests a night asks is not to be left to chance
    return bench;
  }

  async #calmly(verb: string, args: readonly string[]): Promise<void> {
    const { code, stderr } = await this.#start(verb, args).ended;
    if (code !== 0) throw new Error(`an undisturbed ${verb} ended with ${code}: ${stderr}`);
  }

  async calm(scenario: Scenario): Promise<Calm> {
    await this.#restore();
    const before = this.#head('head.json');
    const args = scenario.args(before);
    await this.#calmly(scenario.verb, args);
    const after = this.#head('head.json');
    const live = { before: before?.channels.live?.snapshot, after: after?.channels.live?.snapshot };
    const calm = { scenario, args, asked: [...this.#cutter.asked], live, stored: this.#stored() };
    const wrong = this.#wrongAtTheEnd(calm);
    if (wrong.length > 0) throw new Error(`an undisturbed ${scenario.name} left: ${wrong.join('; ')}`);
    return calm;
  }

  async suffer(calm: Calm, blow: Blow): Promise<Suffered> {
    await this.#restore();
    const before = this.#seqs().newest;
    const since = Date.now();
    const killed = await this.#killed(calm, blow);
    const request = nameOf(this.#cutter.asked[blow.nth - 1] ?? '');
    const violations = [...this.#wrongAfterKill(calm, before), ...(await this.#flaws())];
    if (!killed.signal) violations.push(`it ended with ${killed.code} before it had asked so often`);
    const { shown, newest } = this.#seqs();
    const safe = await this.#checkpointed(since);
    const finish = await this.#start(calm.scenario.verb, hasBegun(killed) ? [] : calm.args).ended;
    violations.push(...untrue(calm, finish, newest > before));
    if (this.#seqs().newest < newest) violations.push(`seq ${this.#seqs().newest} after ${newest}`);
    violations.push(...this.#wrongAtTheEnd(calm), ...(await this.#flaws()));
    const again = finish.lines.filter(({ type, item = '' }) => type === 'item-started' && safe.has(item)).length;
    if (again > 0) violations.push(`${again} items were made again after their checkpoint`);
    const head = shown > before ? 'new' : newest > before ? 'unshown' : before > 0 ? 'old' : 'none';
    return { ...blow, scenario: calm.scenario.name, request, head, again, violations };
  }

  async end(): Promise<void> {
    await this.#world.end();
    await this.#cutter.close();
    await this.#s3d.close();
  }

  async #killed({ scenario, args }: Calm, { nth, at }: Blow): Promise<Ended> {
    const run = this.#start(scenario.verb, args);
    this.#cutter.next(/./, { kind: 'strike', at, strike: () => run.signal('SIGKILL') }, nth);
    const ended = await run.ended;
    this.#cutter.forget();
    await until(() => this.#world.left().length === 0 || undefined, 'no process of the dead command is left');
    return ended;
  }

  /** Who sees a head of before sees what was live then, who sees a later one what is to be live. */
  #wrongAfterKill({ live }: Calm, before: number): readonly string[] {
    return [this.#head('head.json'), this.#newest()].flatMap((head) => {
      const [seq, shown] = [head?.seq ?? 0, head?.channels.live?.snapshot];
      if (seq < before) return [`seq ${seq} after ${before}`];
      const due = seq === before ? live.before : live.after;
      return shown === due ? [] : [`${shown} is live at seq ${seq}, expected ${due}`];
    });
  }

  /** A command that came to its end leaves what an undisturbed one leaves. */
  #wrongAtTheEnd({ scenario, live, stored }: Calm): readonly string[] {
    const head = this.#head('head.json');
    if (!head) return ['there is no head'];
    const wrong = [...(scenario.check?.(head, this.#keys()) ?? [])];
    const shown = head.channels.live?.snapshot;
    if (shown !== live.after) wrong.push(`live is ${shown}, undisturbed it was ${live.after}`);
    if (!isDeepStrictEqual(head, this.#newest())) wrong.push(`readers are shown seq ${head.seq}, not the newest`);
    const now = this.#stored();
    wrong.push(...now.filter((key) => !stored.includes(key)).map((key) => `${key} was left`));
    wrong.push(...stored.filter((key) => !now.includes(key)).map((key) => `${key} is gone`));
    const left = ['staging', 'outbox'].filter((name) => existsSync(path.join(this.#world.state, name)));
    return [...wrong, ...left.map((name) => `${name} was left`)];
  }

  /** Of what readers are shown, and of what publishers know to be newer. */
  async #flaws(): Promise<readonly string[]> {
    const heads = [this.#head('head.json'), this.#newest()];
    const flaws = heads.map((head) => flawsOf(head, async (key) => this.#s3d.bucket().get(`site/${key}`)?.body));
    const lists = heads.flatMap((head) => head?.gc?.lists ?? []).map(({ list }) => listKey(list));
    const lost = lists.filter((key) => !this.#s3d.bucket().get(`site/${key}`));
    return [...new Set([...(await Promise.all(flaws)).flat(), ...lost.map((key) => `${key} is missing`)])];
  }

  async #checkpointed(since: number): Promise<ReadonlySet<string>> {
    return existsSync(path.join(this.#world.state, 'state.db')) ? await checkpointed(this.#world, since) : new Set();
  }

  #head(key: string): Head | undefined {
    const object = this.#s3d.bucket().get(`site/${key}`);
    return object && parseHead(object.body.toString());
  }

  /** The truth, where commits are entries of a log. */
  #newest(): Head | undefined {
    return this.#head(this.#keys().findLast((key) => key.startsWith('log/')) ?? 'head.json');
  }

  #seqs(): { readonly shown: number; readonly newest: number } {
    return { shown: this.#head('head.json')?.seq ?? 0, newest: this.#newest()?.seq ?? 0 };
  }

  #keys(): readonly string[] {
    return this.#s3d
      .bucket()
      .keys()
      .map((key) => key.replace('site/', ''));
  }

  #stored(): readonly string[] {
    return this.#keys().filter((key) => /^[bm]\//.test(key));
  }

  get #saved(): string {
    return path.join(this.#world.folder, 'saved');
  }

  async #restore(): Promise<void> {
    this.#s3d.buckets.set('media', copyOf(this.#bucket));
    await rm(this.#world.state, { recursive: true, force: true });
    if (existsSync(this.#saved)) await cp(this.#saved, this.#world.state, { recursive: true });
    this.#cutter.asked.length = 0;
  }

  /** All but `run` from a machine that has no state: it counts on nothing but the origin. */
  #start(verb: string, args: readonly string[]): Running {
    const env = { ...credentialsInEnvironment, AWS_EC2_METADATA_DISABLED: 'true' };
    const elsewhere = path.join(this.#world.folder, 'elsewhere');
    return this.#world.start(args, { verb, workers: 1, env, ...(verb !== 'run' && { state: elsewhere }) });
  }
}

/** Said again, it ends as if nothing had been. */
function untrue({ scenario, live }: Calm, { code, stderr, result }: Ended, isDone: boolean): readonly string[] {
  const wrong: string[] = [];
  const wanted = isDone ? (scenario.exitWhenDone ?? 0) : 0;
  if (code !== wanted) wrong.push(`said again it ended with ${code}, expected ${wanted}: ${stderr}`);
  if (scenario.verb === 'run' && result?.snapshot !== live.after) wrong.push(`the next run told ${result?.snapshot}`);
  return wrong;
}
