import { type Command, InvalidArgumentError } from 'commander';
import { Fault } from '../../domain/faults.js';
import { entries } from '../../domain/manifest.js';
import { keyOfBlob } from '../../domain/moved.js';
import { parseKey } from '../../domain/origin-keys.js';
import { nodeLoader } from '../../engine/base.js';
import {
  brakedText,
  type CollectOptions,
  type CollectParts,
  collect,
  shareOf,
  whyStored,
} from '../../engine/collect.js';
import { openState, stateExists } from '../../state/open.js';
import { atOrigin, type OriginCall } from '../at-origin.js';
import { jobFolder } from '../compose.js';
import type { CommandContext } from '../context.js';
import { type JobOptions, withJobOptions } from '../options.js';
import { gcRecord, renderGc, renderWhy, whyRecord } from '../render/gc.js';

interface GcOptions extends JobOptions {
  readonly yes?: boolean;
  /** In per cent. */
  readonly maxDelete?: number;
  readonly why?: string;
}

export function addGc(program: Command, context: CommandContext): void {
  withJobOptions(program.command('gc [job]'))
    .summary('delete what no snapshot needs')
    .description(
      `Says what could be deleted: blobs and manifest nodes that no snapshot reaches, no checkpoint counts on, and that are
older than 72 h. --yes deletes them. In a bucket it condemns them first, in a commit of its own: for 30 days nobody uses
their keys again, so that a collector that was stopped in the middle can do no harm when it wakes.`,
    )
    .option('--yes', 'delete')
    .option(
      '--max-delete <percent>',
      'delete nothing when it would be more of what is stored (usually 10 % in a bucket, all in a folder)',
      percent,
    )
    .option('--why <key>', 'why one stored object stays: its key at the origin, or a public path of the live snapshot')
    .addHelpText(
      'after',
      '\nExamples:\n  nightpress gc catalog\n  nightpress gc catalog --yes\n  nightpress gc catalog --why photos/hero.jpg/640w.webp\n\nExit codes: 0, 2 no such object or more than --max-delete, 6 whether its commit landed is unknown,\n12 the state cannot be read, 13 a manifest is damaged (then nothing is deleted), 75 the origin is out of reach,\n77 it refuses the credentials.',
    )
    .action(async (job: string | undefined, options: GcOptions) => {
      const given = job === undefined ? [] : [job];
      await atOrigin(context, options, { given, isLong: true }, (call) =>
        withCheckpoints(call, (parts) => gc(call, parts, options)),
      );
    });
}

/** Read beside whoever runs: what they store and have not yet checkpointed is too young to be deleted. */
async function withCheckpoints(call: OriginCall, work: (parts: CollectParts) => Promise<number>): Promise<number> {
  const folder = jobFolder(call.project, call.job.name);
  if (!stateExists(folder)) return await work(call);
  const state = openState(folder, { readOnly: true });
  try {
    return await work({ origin: call.origin, job: call.job, clock: call.clock, state });
  } finally {
    state.close();
  }
}

async function gc(call: OriginCall, parts: CollectParts, options: GcOptions): Promise<number> {
  if (options.why !== undefined) return await explainKey(call, parts, options.why, options);
  const removed = options.yes ?? false;
  const view = {
    job: call.job.name,
    removed,
    withState: parts.state !== undefined,
    collection: await collect(parts, { remove: removed, forgetLost: true, ...maxDeleteOf(options) }),
  };
  const { objects, brakedOf } = view.collection;
  if (removed && brakedOf !== undefined) throw braked(objects.length, brakedOf);
  if (options.json) call.terminal.out(JSON.stringify(gcRecord(view)));
  else renderGc(call.terminal, view);
  return 0;
}

function maxDeleteOf({ maxDelete }: GcOptions): Pick<CollectOptions, 'maxDelete'> {
  return maxDelete === undefined ? {} : { maxDelete: maxDelete / 100 };
}

function braked(objects: number, stored: number): Fault {
  const hint = `nightpress gc {job} --yes --max-delete ${shareOf(objects, stored)}%`;
  return new Fault('usage', `nothing was deleted: ${brakedText(objects, stored)}`, { hint });
}

function percent(text: string): number {
  const value = Number(/^(\d{1,3}(?:\.\d+)?)%?$/.exec(text)?.[1] ?? Number.NaN);
  if (value <= 100) return value;
  throw new InvalidArgumentError('expected a share of what is stored from 0% to 100%.');
}

async function explainKey(call: OriginCall, parts: CollectParts, text: string, { json }: GcOptions): Promise<number> {
  const key = parseKey(text) ? text : await keyOfPath(call, text);
  const reasons = key === undefined ? undefined : await whyStored(parts, key);
  if (key === undefined || reasons === undefined) {
    const expected = 'expected b/<aa>/<sha256>.<ext>, m/<sha256>.json or a public path of the live snapshot';
    const hint = 'nightpress diff {job} previous live';
    throw new Fault('asset-unknown', `nothing is stored under '${text}': ${expected}`, { hint });
  }
  if (json) call.terminal.out(JSON.stringify(whyRecord(call.job.name, key, reasons)));
  else renderWhy(call.terminal, key, reasons);
  return 0;
}

async function keyOfPath({ origin }: OriginCall, path: string): Promise<string | undefined> {
  const head = (await origin.readHead())?.head;
  const live = head?.channels.live?.snapshot;
  if (!live) return undefined;
  for await (const { items } of entries(nodeLoader(origin), live)) {
    const derivatives = Object.values(items).flatMap((item) => item.derivatives);
    const found = derivatives.find((derivative) => derivative.path === path);
    if (found) return keyOfBlob(head.moved, found);
  }
  return undefined;
}
