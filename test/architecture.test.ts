import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/**
 * The shape of the house: cli → engine → { contracts, state, job } → domain. A family's member is one folder plus one
 * line in its `index.ts`, and has one harness under `test/contracts/<family>/`.
 */
const src = path.resolve('src');
const families = ['sources', 'processors', 'executors', 'origins', 'edges'] as const;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const imports: readonly Import[] = files.flatMap(importsOf);

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(path.join(src, file), 'utf8');
  const pattern = /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/g;
  return [...text.matchAll(pattern)].map((match) => {
    const target = match[3] ?? match[4] ?? '';
    const to = target.startsWith('.') ? path.join(path.dirname(file), target).replace(/\.js$/, '.ts') : target;
    return { from: file, to, typeOnly: match[2] !== undefined };
  });
}

function room(file: string): string {
  return file.split('/')[0] ?? '';
}

/** Inside a family: its contract, its shared files at the top, or a member's folder. */
function place(file: string): { readonly family: string; readonly member?: string } | undefined {
  const [family = '', member, inner] = file.split('/');
  if (!(families as readonly string[]).includes(family)) return undefined;
  return inner === undefined ? { family } : { family, member };
}

function members(family: string): readonly string[] {
  return readdirSync(path.join(src, family), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
}

function offenders(isWrong: (edge: Import) => boolean): readonly string[] {
  return imports.filter(isWrong).map((edge) => `${edge.from} → ${edge.to}`);
}

test('imports are read at all', () => {
  expect(imports.length).toBeGreaterThan(100);
  expect(imports.some((edge) => edge.from === 'engine/run.ts' && edge.to === 'engine/work.ts')).toBe(true);
});

test('the domain is pure: no file system, clock, process or console, and nothing of the house but itself', () => {
  const allowed = new Set(['node:crypto', 'node:util', 'canonicalize', 'picomatch', 'cron-parser', 'zod']);
  expect(
    offenders((edge) => room(edge.from) === 'domain' && room(edge.to) !== 'domain' && !allowed.has(edge.to)),
  ).toEqual([]);
  const impure = files.filter(
    (file) => room(file) === 'domain' && usesTheWorld(readFileSync(path.join(src, file), 'utf8')),
  );
  expect(impure).toEqual([]);
});

function usesTheWorld(text: string): boolean {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  return /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bconsole\.|\bprocess\.|\brandomUUID\b/.test(code);
}

test('the engine knows contracts, never an implementation', () => {
  const wrong = (edge: Import) => {
    if (room(edge.from) !== 'engine') return false;
    if (['engine', 'domain', 'job'].includes(room(edge.to))) return false;
    if (edge.to.startsWith('state/')) return edge.to !== 'state/contract.ts';
    const target = place(edge.to);
    return target ? !edge.to.endsWith('/contract.ts') : room(edge.to) === 'cli' || room(edge.to) === 'worker';
  };
  expect(offenders(wrong)).toEqual([]);
});

test('an implementation knows its own family and the domain, no other member', () => {
  const wrong = (edge: Import) => {
    const from = place(edge.from);
    if (!from?.member || !edge.to.endsWith('.ts') || ['domain', 'installation.ts'].includes(room(edge.to)))
      return false;
    const to = place(edge.to);
    if (to?.family !== from.family) return !isContractOfAnotherFamily(edge.to);
    return to.member !== undefined && to.member !== from.member;
  };
  expect(offenders(wrong)).toEqual([]);
});

/** Contracts may speak of each other's words: an executor carries the orders of processors. */
function isContractOfAnotherFamily(file: string): boolean {
  return file.endsWith('/contract.ts');
}

test('one room imports better-sqlite3', () => {
  expect(offenders((edge) => edge.to === 'better-sqlite3' && room(edge.from) !== 'state')).toEqual([]);
});

test('only work loads sharp; what every command loads is pure', () => {
  expect(offenders((edge) => edge.to === 'sharp' && room(edge.from) !== 'processors')).toEqual([]);
  expect(offenders((edge) => edge.from.endsWith('/recipe.ts') && ['sharp', 'fluent-ffmpeg'].includes(edge.to))).toEqual(
    [],
  );
});

test('only the cli imports the cli, and only it composes', () => {
  expect(offenders((edge) => room(edge.to) === 'cli' && room(edge.from) !== 'cli')).toEqual([]);
});

test('the worker knows processors and nothing else', () => {
  const allowed = ['worker', 'processors', 'domain', 'executors'];
  const wrong = (edge: Import) =>
    room(edge.from) === 'worker' && edge.to.endsWith('.ts') && !allowed.includes(room(edge.to));
  expect(offenders(wrong)).toEqual([]);
});

test('the client knows itself and pure domain code; what a browser loads meets no built-in of Node and no package', () => {
  const wrong = (edge: Import) =>
    room(edge.from) === 'client' &&
    !['client', 'domain'].includes(room(edge.to)) &&
    !(edge.from === 'client/node.ts' && edge.to.startsWith('node:'));
  expect(offenders(wrong)).toEqual([]);
  const loaded = loadedBy('client/index.ts');
  expect(loaded.size).toBeGreaterThan(5);
  expect(offenders((edge) => loaded.has(edge.from) && !edge.typeOnly && !edge.to.endsWith('.ts'))).toEqual([]);
});

function loadedBy(file: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const edge of imports) if (edge.from === file && !edge.typeOnly) loadedBy(edge.to, loaded);
  return loaded;
}

test('no import cycles at run time', () => {
  const graph = new Map<string, string[]>();
  for (const edge of imports)
    if (!edge.typeOnly && edge.to.endsWith('.ts')) graph.set(edge.from, [...(graph.get(edge.from) ?? []), edge.to]);
  expect(cycleIn(graph)).toEqual([]);
});

function cycleIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): readonly string[] => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...trail, file]);
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const file of graph.keys()) {
    const cycle = visit(file, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

test.each(families)('every member of %s is registered and has its harness', (family) => {
  const index = readFileSync(path.join(src, family, 'index.ts'), 'utf8');
  for (const member of members(family)) {
    expect(index, `${family}/index.ts should name ${member}`).toContain(`./${member}/`);
    const harness = path.join('test/contracts', family, `${member}.test.ts`);
    expect(existsSync(harness), `${harness} should exist`).toBe(true);
  }
});
