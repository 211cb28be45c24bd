import { z } from 'zod';
import type { GroupBy } from '../domain/groups.js';
import { compileGlobs, compileMatch } from '../domain/match.js';
import { checkTemplate } from '../domain/paths.js';
import { type Problem, problemsOf } from '../domain/problems.js';
import type { Allowance, EdgeSpec, Hooks, Job, Limits, Recipe } from '../domain/types.js';
import { checkWindowSpec } from '../domain/window.js';
import type { EdgeCheck, EdgeKind } from '../edges/contract.js';
import type { OriginCheck } from '../origins/contract.js';
import type { RecipeKind } from '../processors/contract.js';
import type { SourceCheck } from '../sources/contract.js';
import { parseAllowance, parseDuration } from './units.js';

/** Looks up family members by name; undefined for an unknown name. Given by the composition root. */
export interface Families {
  /** What a job file gets from `import … from 'nightpress'`. */
  readonly api: Readonly<Record<string, unknown>>;
  readonly recipeKinds: Readonly<Record<string, RecipeKind>>;
  readonly checkSource: (type: string) => Promise<((config: unknown, project: string) => SourceCheck) | undefined>;
  readonly checkOrigin: (type: string) => Promise<((config: unknown, project: string) => OriginCheck) | undefined>;
  readonly checkEdge: (type: string) => Promise<EdgeKind['check'] | undefined>;
  readonly sourceTypes: readonly string[];
  readonly originTypes: readonly string[];
  readonly edgeTypes: readonly string[];
}

export interface CheckedJob {
  readonly job: Job;
  /** Local folders, to be checked for overlap. */
  readonly sourceFolder?: string;
  readonly originFolder?: string;
  /** Where the origin is; two jobs must not share it. */
  readonly place: string;
}

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

const globList = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((globs) => (typeof globs === 'string' ? [globs] : globs))
  .superRefine((globs, context) => {
    for (const glob of globs) {
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

const windowShape = z.strictObject({
  cron: z.string(),
  timezone: z.string(),
  length: duration,
  catchUp: z.enum(['latest', 'none']).default('latest'),
});

const shape = z.strictObject({
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
  keep: z.strictObject({ last: z.int().min(1).default(14), within: duration.default(30 * 86_400_000) }).prefault({}),
});

/** 23 days; a timer counts milliseconds in 31 bits and would fire at once after 24.8. */
const longestSeconds = 2_000_000;

const recipeShape = z.looseObject({
  kind: z.string(),
  match: z.union([
    z
      .string()
      .min(1)
      .transform((glob) => [glob]),
    z.array(z.string().min(1)).min(1),
  ]),
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

/** Checks one loaded job file; every problem is found before any is reported. */
export async function checkJob(
  value: unknown,
  at: { readonly name: string; readonly file: string; readonly project: string },
  families: Families,
): Promise<
  { readonly ok: true; readonly checked: CheckedJob } | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const top = shape.safeParse(value);
  const raw = isRecord(value) ? value : {};
  const problems: Problem[] = top.success ? [] : [...problemsOf(top.error, value)];
  problems.push(...windowProblems(raw.window));
  const recipes = checkRecipes(raw.recipes, families, problems);
  problems.push(...priorityProblems(raw.priority));
  const source = await checkMember(
    ['source'],
    raw.source,
    at.project,
    families.checkSource,
    families.sourceTypes,
    problems,
  );
  const origin = await checkMember(
    ['origin'],
    raw.origin,
    at.project,
    families.checkOrigin,
    families.originTypes,
    problems,
  );
  const edges = await checkEdges(raw, at.project, families, problems);
  if (!top.success || !source || !origin || problems.length > 0) return { ok: false, problems };
  const { window, gate, keep, priority, groupBy, onDeadline, on, publish } = top.data;
  const { maxStale: maxStaleMs, ...rules } = gate;
  const job: Job = {
    name: at.name,
    file: at.file,
    source: source.config,
    window: { cron: window.cron, timezone: window.timezone, lengthMs: window.length, catchUp: window.catchUp },
    recipes,
    priorities: Object.entries(priority).map(([glob, urgent]) => ({ glob, priority: urgent })),
    ...(groupBy && { groupBy: groupSpec(groupBy) }),
    gate: { ...rules, maxStaleMs },
    onDeadline,
    on: on && hooksOf(on),
    publish,
    origin: origin.config,
    edges,
    keep: { last: keep.last, withinMs: keep.within },
  };
  return { ok: true, checked: { job, sourceFolder: source.folder, originFolder: origin.folder, place: origin.place } };
}

function hooksOf({ within, ...commands }: NonNullable<z.infer<typeof shape>['on']>): Hooks {
  return { ...commands, withinMs: within };
}

/** A bad length must not hide a bad zone: cron and zone are looked at with the shortest length there is. */
function windowProblems(value: unknown): Problem[] {
  if (!isRecord(value) || typeof value.cron !== 'string' || typeof value.timezone !== 'string') return [];
  const parsed = windowShape.safeParse(value);
  const spec = { cron: value.cron, timezone: value.timezone, lengthMs: parsed.success ? parsed.data.length : 1 };
  return checkWindowSpec(spec).map((expected) => ({ path: ['window'], value, expected }));
}

function checkRecipes(value: unknown, families: Families, problems: Problem[]): Recipe[] {
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, raw]) => checkRecipe(name, raw, families, problems));
}

function checkRecipe(name: string, raw: unknown, families: Families, problems: Problem[]): Recipe[] {
  const at = ['recipes', name];
  const common = recipeShape.safeParse(raw);
  if (!common.success) {
    problems.push(...problemsOf(common.error, raw, at));
    return [];
  }
  const { kind: kindName, match, path, limits, priority, tolerate, ...settings } = common.data;
  const kind = Object.hasOwn(families.recipeKinds, kindName) ? families.recipeKinds[kindName] : undefined;
  if (!kind) {
    problems.push({
      path: [...at, 'kind'],
      value: kindName,
      expected: `one of ${Object.keys(families.recipeKinds).join(', ')}`,
    });
    return [];
  }
  const checked = kind.schema.safeParse(settings);
  if (!checked.success) problems.push(...problemsOf(checked.error, settings, at));
  const template = path ?? kind.path;
  problems.push(...checkTemplate(template).map((expected) => ({ path: [...at, 'path'], value: template, expected })));
  const recipe: Recipe = {
    name,
    kind: kindName,
    match,
    path: template,
    settings: checked.success ? checked.data : {},
    limits: limitsOf(kind.limits, limits),
    priority,
    ...(tolerate && { tolerate }),
  };
  return compiles(recipe, at, problems) && checked.success ? [recipe] : [];
}

function groupSpec(groupBy: 'directory' | RegExp): GroupBy {
  if (groupBy === 'directory') return { kind: 'directory' };
  return { kind: 'pattern', source: groupBy.source, flags: groupBy.flags };
}

function priorityProblems(value: unknown): Problem[] {
  if (!isRecord(value)) return [];
  return Object.keys(value).flatMap((glob) => {
    const reason = globProblem(glob);
    return reason === undefined ? [] : [{ path: ['priority', glob], value: glob, expected: `a glob (${reason})` }];
  });
}

function globProblem(glob: string): string | undefined {
  try {
    compileGlobs([glob]);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function compiles(recipe: Recipe, at: readonly string[], problems: Problem[]): boolean {
  try {
    compileMatch([recipe]);
    return true;
  } catch (error) {
    problems.push({ path: [...at, 'match'], value: recipe.match, expected: `globs (${reasonOf(error)})` });
    return false;
  }
}

function limitsOf(limits: Limits, wanted: { seconds?: number; memoryMB?: number; outputMB?: number } = {}): Limits {
  return {
    wallMs: wanted.seconds === undefined ? limits.wallMs : wanted.seconds * 1000,
    memoryBytes: wanted.memoryMB === undefined ? limits.memoryBytes : wanted.memoryMB * 1e6,
    outputBytes: wanted.outputMB === undefined ? limits.outputBytes : wanted.outputMB * 1e6,
  };
}

/** An edge shows the origin under the origin's own URL unless it names others. Two of a kind need names of their own. */
async function checkEdges(
  raw: Readonly<Record<string, unknown>>,
  project: string,
  { checkEdge, edgeTypes }: Families,
  problems: Problem[],
): Promise<readonly EdgeSpec[]> {
  const given = isRecord(raw.origin) && typeof raw.origin.baseUrl === 'string' ? { baseUrl: raw.origin.baseUrl } : {};
  const find = async (type: string) => {
    const check = await checkEdge(type);
    return check && ((config: unknown): EdgeCheck => check(config, given));
  };
  const edges: EdgeSpec[] = [];
  for (const [index, value] of (Array.isArray(raw.edges) ? raw.edges : []).entries()) {
    const checked = await checkMember(['edges', index], value, project, find, edgeTypes, problems);
    if (!checked) continue;
    const { name } = checked.config;
    if (edges.some((edge) => edge.name === name)) {
      problems.push({
        path: ['edges', index, 'name'],
        value: name,
        expected: 'a name of its own: another edge has it',
      });
    }
    edges.push(checked.config);
  }
  return edges;
}

type MemberCheck = { readonly ok: true } | { readonly ok: false; readonly problems: readonly Problem[] };

async function checkMember<Check extends MemberCheck>(
  at: readonly (string | number)[],
  value: unknown,
  project: string,
  find: (type: string) => Promise<((config: unknown, project: string) => Check) | undefined>,
  types: readonly string[],
  problems: Problem[],
): Promise<Extract<Check, { ok: true }> | undefined> {
  if (!isRecord(value) || typeof value.type !== 'string') return undefined;
  const check = await find(value.type);
  if (!check) {
    problems.push({ path: [...at, 'type'], value: value.type, expected: `one of ${types.join(', ')}` });
    return undefined;
  }
  const result = check(value, project);
  if (result.ok) return result as Extract<Check, { ok: true }>;
  problems.push(...result.problems.map((problem) => ({ ...problem, path: [...at, ...problem.path] })));
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
