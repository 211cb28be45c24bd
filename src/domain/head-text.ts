import { z } from 'zod';
import { Fault } from './faults.js';
import { commitKinds, type Head } from './head-shape.js';
import { movedProblem, strayProblem } from './moved.js';
import { parseKey } from './origin-keys.js';
import type { Digest, RunId, SnapshotId } from './types.js';

/*
 * The head as text: `head.json`, indented for the person who opens it.
 *
 * Reading is strict about every field known here and lets unknown ones through, which commits then carry along: a
 * newer nightpress may add a field without older ones deleting it. What older ones must not touch raises the number in
 * `nightpress` instead. Rejected: repairing what is wrong; the head says which blobs may be deleted.
 */

/** How many commits a head remembers: a publisher that lost its answer has this many others' commits to ask again. */
export const commitsKept = 32;

const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected a sha256 of 64 hex digits')
  .transform((hex) => hex as Digest);
const snapshot = digest.transform((hex): SnapshotId => hex);
const at = z.iso.datetime('expected an RFC 3339 time in UTC');
const seq = z.int().min(1);
const text = z.string().min(1);
const run = text.transform((id) => id as RunId);

const was = z.array(z.looseObject({ snapshot, seq: seq.optional() })).optional();
const channel = z.looseObject({ snapshot, seq, at, window: text, run, published: seq.optional(), was });
/** An extension that cannot lead out of its folder: blobs are deleted by it. */
const ext = z.string().regex(/^[a-z0-9]{0,16}$/, 'expected the extension of a blob');
const keyOfBlob = z.string().refine((key) => parseKey(key)?.kind === 'blob', 'expected the key of a blob');
const withdrawal = z.looseObject({
  key: text,
  source: digest,
  items: z.array(digest),
  blobs: z.array(z.looseObject({ sha256: digest, ext, key: keyOfBlob.optional() })),
  paths: z.array(text).optional(),
  reason: text,
  at,
  seq,
  erasedAt: at.optional(),
});

const condemned = z.looseObject({ list: digest, at, objects: z.int().min(0) });
const moved = z.record(z.string(), z.string()).superRefine((given, { addIssue }) => {
  const message = movedProblem(given) ?? strayProblem(given);
  if (message) addIssue({ code: 'custom', message });
});

const shape = z
  .looseObject({
    nightpress: z.literal(1, 'expected format 1, the only one this nightpress reads'),
    origin: text,
    job: text,
    commitsBy: z.literal('log', "expected 'log', the only other way of commits that this nightpress knows").optional(),
    seq,
    at,
    channels: z
      .object({ live: channel.optional(), staged: channel.extend({ rules: z.array(text) }).optional() })
      .catchall(channel.extend({ rules: z.array(text).optional() })),
    frozen: z.looseObject({ reason: z.string(), at }).optional(),
    retained: z.array(channel.extend({ droppedAt: at.optional() })),
    pins: z.array(z.looseObject({ name: text, snapshot, at, was })),
    moved: moved.optional(),
    gc: z.looseObject({ lists: z.array(condemned) }).optional(),
    withdrawn: z.array(withdrawal).optional(),
    commits: z
      .array(
        z.looseObject({
          seq,
          txn: text,
          kind: z.enum(commitKinds),
          reason: z.string().optional(),
        }),
      )
      .min(1)
      .max(commitsKept),
  })
  .refine(({ seq: head, commits }) => commits.at(-1)?.seq === head, {
    path: ['commits'],
    error: 'expected the newest commit to carry the seq of the head',
  })
  .refine(({ channels: { live }, retained }) => !live || retained.some((entry) => entry.snapshot === live.snapshot), {
    path: ['retained'],
    error: 'expected the live snapshot among them',
  });

/** Throws `origin-corrupt`, naming every field that is not as it should be. */
export function parseHead(source: string): Head {
  const given = parseJson(source);
  refuseOthers(given);
  const parsed = shape.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the whole'}: ${message.replace(/^Invalid input: /, '')}`,
  );
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  throw new Fault('origin-corrupt', `head.json is damaged: ${problems[0]}${more}`, { cause: parsed.error, problems });
}

/** What must not be called damaged, and what no commit could write again. */
function refuseOthers(given: unknown): void {
  const { nightpress } = (given ?? {}) as { readonly nightpress?: unknown };
  if (typeof nightpress === 'number' && nightpress > 1) {
    const message = `head.json has format ${nightpress}, this nightpress reads 1`;
    throw new Fault('origin-corrupt', message, { hint: 'run the newer nightpress that wrote this head' });
  }
  if (isDeeper(given, deepest)) {
    throw new Fault('origin-corrupt', `head.json is damaged: expected at most ${deepest} levels of nesting`);
  }
}

const deepest = 64;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch (error) {
    throw new Fault('origin-corrupt', `head.json is not JSON (${source.length} characters), expected a whole head`, {
      cause: error,
    });
  }
}

/** What `parseHead` reads; ends in a newline. */
export function serializeHead(head: Head): string {
  return `${JSON.stringify(head, undefined, 2)}\n`;
}
