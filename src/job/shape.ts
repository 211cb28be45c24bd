import { z } from 'zod';
import { compileGlobs } from '../domain/match.js';
import type { Allowance } from '../domain/types.js';
import { parseAllowance, parseDuration } from './units.js';

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0)
    context.addIssue({ code: 'custom', message: "a duration such as '30s', '90m', '4h' or '30d'" });
  return ms ?? 0;
});

/** A night must not wait for long on who is only told of it. */
const hookTime = duration.refine((ms) => ms <= 3_600_000, 'at most an hour');

const allowance = z.unknown().transform((value, context): Allowance => {
  const parsed = parseAllowance(value);
  if (!parsed) context.addIssue({ code: 'custom', message: "a whole number or a share such as '1%'" });
  return parsed ?? { count: 0 };
});

const share = z.string().transform((text, context) => {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (percent === undefined) context.addIssue({ code: 'custom', message: "a share such as '50%'" });
  return Number(percent ?? 0) / 100;
});

const glob = z.string().min(1, 'a glob');
const globs = z
  .union([glob, z.array(glob).min(1, 'at least one glob')], 'a glob or a list of globs')
  .transform((given) => (typeof given === 'string' ? [given] : given));

const globList = globs.superRefine((list, context) => {
  for (const glob of list) {
    const reason = globProblem(glob);
    if (reason !== undefined) context.addIssue({ code: 'custom', message: `globs (${reason})` });
  }
});

/** What the system takes as a word of a command line; a program has a name. */
const word = z.string().refine((text) => !text.includes('\0'), 'a word without NUL');
const program = word.refine((text) => text.trim() !== '', 'a command');

const command = z
  .union([program, z.tuple([program], word)], "a command: words such as ['notify', 'media'], or a line for /bin/sh")
  .transform((given): [string, ...string[]] => (typeof given === 'string' ? ['/bin/sh', '-c', given] : given));

/** Higher is more urgent. */
const urgency = z.int().min(-1000).max(1000);

export const windowShape = z.strictObject({
  cron: z.string(),
  timezone: z.string(),
  length: duration,
  catchUp: z.enum(['latest', 'none']).default('latest'),
});

/** A job file as a whole; recipes, source, origin and edges are looked at by their own families. */
export const jobShape = z.strictObject({
  source: z.looseObject({ type: z.string() }),
  window: windowShape,
  recipes: z
    .record(
      z.string().regex(/^[A-Za-z][\w-]*$/, 'a recipe name of letters, digits, - and _'),
      z.looseObject({ kind: z.string() }),
    )
    .refine((recipes) => Object.keys(recipes).length > 0, 'at least one recipe'),
  priority: z.record(z.string().min(1), urgency).default({}),
  gate: z
    .strictObject({
      tolerate: allowance.default({ share: 0.01 }),
      shrink: allowance.default({ share: 0.1 }),
      grow: allowance.optional(),
      required: globList.optional(),
      maxStale: duration.optional(),
      drift: share.optional(),
    })
    .prefault({}),
  groupBy: z
    .union([z.literal('directory'), z.instanceof(RegExp)], "'directory' or a regular expression over asset keys")
    .optional(),
  onDeadline: z.enum(['publish', 'hold']).default('publish'),
  on: z
    .strictObject({
      start: command.optional(),
      atRisk: command.optional(),
      end: command.optional(),
      within: hookTime.default(60_000),
    })
    .optional(),
  publish: z.strictObject({ at: z.enum(['done', 'close']).default('done') }).prefault({}),
  origin: z.looseObject({ type: z.string() }),
  edges: z.array(z.looseObject({ type: z.string() })).default([]),
  keep: z
    .strictObject({
      last: z.int().min(1).default(14),
      within: duration.default(30 * 86_400_000),
      weekly: z.int().min(0).default(8),
    })
    .prefault({}),
});

/** 23 days; a timer counts milliseconds in 31 bits and would fire at once after 24.8. */
const longestSeconds = 2_000_000;

/** What all kinds of recipes have, apart from their kind. */
export const recipeShape = z.object({
  match: globs,
  path: z.string().optional(),
  priority: urgency.default(0),
  tolerate: allowance.optional(),
  limits: z
    .strictObject({
      seconds: z.number().positive().max(longestSeconds).optional(),
      memoryMB: z.number().positive().optional(),
      outputMB: z.number().positive().optional(),
    })
    .optional(),
});

/** Why this is no glob, in words; undefined when it is one. */
export function globProblem(glob: string): string | undefined {
  try {
    compileGlobs([glob]);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
