import type { z } from 'zod';
import type { GroupBy } from '../domain/groups.js';
import { compileMatch } from '../domain/match.js';
import { checkTemplate } from '../domain/paths.js';
import { type Problem, problemsOf } from '../domain/problems.js';
import type { EdgeSpec, Hooks, Job, Limits, Recipe } from '../domain/types.js';
import { checkWindowSpec } from '../domain/window.js';
import type { EdgeCheck, EdgeKind } from '../edges/contract.js';
import type { OriginCheck } from '../origins/contract.js';
import type { RecipeKind } from '../processors/contract.js';
import type { SourceCheck } from '../sources/contract.js';
import { globProblem, jobShape, reasonOf, recipeShape, windowShape } from './shape.js';

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

const noJob = 'a default export of defineJob({ … })';

/** Checks one loaded job file; every problem is found before any is reported. */
export async function checkJob(
  value: unknown,
  at: { readonly name: string; readonly file: string; readonly project: string },
  families: Families,
): Promise<
  { readonly ok: true; readonly checked: CheckedJob } | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  if (!isRecord(value)) return { ok: false, problems: [{ path: [], value, expected: noJob }] };
  const raw: Readonly<Record<string, unknown>> = value;
  const top = jobShape.safeParse(value);
  const problems: Problem[] = top.success ? [] : [...problemsOf(top.error, value, [], [jobShape])];
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
    keep: { last: keep.last, withinMs: keep.within, weekly: keep.weekly },
  };
  return { ok: true, checked: { job, sourceFolder: source.folder, originFolder: origin.folder, place: origin.place } };
}

function hooksOf({ within, ...commands }: NonNullable<z.infer<typeof jobShape>['on']>): Hooks {
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
  if (!isRecord(raw)) return [];
  const { kind: kindName, ...given } = raw;
  const common = recipeShape.safeParse(given);
  if (!common.success) problems.push(...problemsOf(common.error, raw, at, [recipeShape]));
  if (typeof kindName !== 'string') return [];
  const kind = Object.hasOwn(families.recipeKinds, kindName) ? families.recipeKinds[kindName] : undefined;
  if (!kind) {
    problems.push({
      path: [...at, 'kind'],
      value: kindName,
      expected: `one of ${Object.keys(families.recipeKinds).join(', ')}`,
    });
    return [];
  }
  const settings = Object.fromEntries(Object.entries(given).filter(([key]) => !Object.hasOwn(recipeShape.shape, key)));
  const checked = kind.schema.safeParse(settings);
  if (!checked.success) problems.push(...problemsOf(checked.error, settings, at, [kind.schema, recipeShape]));
  const template = typeof given.path === 'string' ? given.path : kind.path;
  problems.push(...checkTemplate(template).map((expected) => ({ path: [...at, 'path'], value: template, expected })));
  if (!common.success) return [];
  const { match, limits, priority, tolerate } = common.data;
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
