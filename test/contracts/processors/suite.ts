import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/domain/digest.js';
import type { ItemId } from '../../../src/domain/types.js';
import type { WorkContext, WorkOrder, WorkResult } from '../../../src/processors/contract.js';
import { processors, recipeKinds } from '../../../src/processors/index.js';
import { sniff } from '../../../src/processors/sniff.js';

/** One member of the family, as the suite needs it. Inputs must be small: each is worked once or twice. */
export interface ProcessorHarness {
  readonly kind: string;
  /** Settings as a job file may write them. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly good: SampleInput;
  /** Inputs that must end as a finding of class `input`; an empty file and random bytes are added where `acceptsAnything` is not set. */
  readonly bad: readonly (SampleInput & { readonly because: string })[];
  /** True for a processor that takes any bytes. */
  readonly acceptsAnything?: boolean;
}

export interface SampleInput {
  readonly key: string;
  /** Writes the input's bytes to `file`. */
  write(file: string): Promise<void>;
}

export interface Attempted {
  readonly result: WorkResult;
  readonly outbox: string;
  readonly order: WorkOrder;
}

/** Runs one order the way a worker does: stage under our name, sniff, work. */
export async function attempt(
  folder: string,
  wanted: { kind: string; settings: Readonly<Record<string, unknown>>; input: SampleInput; signal?: AbortSignal },
): Promise<Attempted> {
  const place = await mkdtemp(path.join(folder, 'attempt-'));
  const file = path.join(place, 'staged');
  const outbox = path.join(place, 'outbox');
  await mkdir(outbox);
  await wanted.input.write(file);
  const bytes = await readFile(file);
  const recipeKind = memberOf(recipeKinds, wanted.kind);
  const order: WorkOrder = {
    item: sha256(wanted.input.key) as string as ItemId,
    kind: wanted.kind,
    settings: recipeKind.schema.parse(wanted.settings),
    input: { file, sha256: sha256(bytes), bytes: bytes.length, key: wanted.input.key },
    outbox,
    limits: recipeKind.limits,
  };
  const context: WorkContext = {
    sniffed: await sniff(file),
    progress: () => undefined,
    signal: wanted.signal ?? new AbortController().signal,
  };
  const processor = await memberOf(processors, wanted.kind)();
  const result = await processor.work(JSON.parse(JSON.stringify(order)), context);
  return { result, outbox, order };
}

function memberOf<T>(family: Readonly<Record<string, T>>, name: string): T {
  const member = family[name];
  if (!member) throw new Error(`no '${name}' is registered`);
  return member;
}

/** What every processor owes the engine, whatever it makes. */
export function processorContract(harness: ProcessorHarness): void {
  const { kind, settings, good } = harness;
  const recipeKind = memberOf(recipeKinds, kind);
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightpress-processor-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  describe(`the recipe of '${kind}'`, () => {
    test('fills every default, and filled settings pass unchanged', () => {
      const filled = recipeKind.schema.parse(settings);
      expect(recipeKind.schema.parse(filled)).toEqual(filled);
      expect(JSON.parse(JSON.stringify(filled))).toEqual(filled);
    });

    test('refuses an unknown option', () => {
      expect(recipeKind.schema.safeParse({ ...settings, nosuchoption: 1 }).success).toBe(false);
    });

    test('is registered under its own kind', () => {
      expect(recipeKind.kind).toBe(kind);
      expect(recipeKind.version).toBeGreaterThanOrEqual(1);
    });

    test('names its outputs once each', () => {
      const names = recipeKind
        .outputs(recipeKind.schema.parse(settings))
        .map(({ variant, ext }) => `${variant}.${ext}`);
      expect(new Set(names).size).toBe(names.length);
    });

    test('expects more bytes to take no less time', () => {
      const filled = recipeKind.schema.parse(settings);
      const seconds = [0, 1e3, 1e6, 1e9].map((bytes) => recipeKind.priorSeconds(filled, bytes));
      expect(seconds.every((value) => Number.isFinite(value) && value > 0)).toBe(true);
      expect([...seconds].sort((a, b) => a - b)).toEqual(seconds);
    });
  });

  describe(`the work of '${kind}'`, () => {
    test('names its tools as text, the same every time', async () => {
      const processor = await memberOf(processors, kind)();
      const tools = await processor.tools();
      expect(Object.values(tools).every((value) => typeof value === 'string' && value !== '')).toBe(true);
      expect(await processor.tools()).toEqual(tools);
    });

    test('leaves exactly its outputs in the outbox, and says the truth about each', async () => {
      const { result, outbox } = await attempt(folder, { kind, settings, input: good });
      if (!result.ok) throw new Error(result.finding.message);
      expect((await readdir(outbox)).sort()).toEqual(result.outputs.map((output) => output.file).sort());
      for (const output of result.outputs) {
        const file = path.join(outbox, output.file);
        expect(sha256(await readFile(file))).toBe(output.sha256);
        expect((await stat(file)).size).toBe(output.bytes);
        expect((await sniff(file)).type).toBe(output.type);
        expect(output.ext).toMatch(/^[a-z0-9]{1,10}$/);
      }
      const names = result.outputs.map(({ variant, ext }) => `${variant}.${ext}`);
      expect(new Set(names).size).toBe(names.length);
    });

    test('gives a result that survives the channel, with notices only', async () => {
      const { result } = await attempt(folder, { kind, settings, input: good });
      expect(JSON.parse(JSON.stringify(result))).toEqual(result);
      if (!result.ok) throw new Error(result.finding.message);
      expect(result.findings.filter((finding) => finding.severity !== 'notice')).toEqual([]);
      expect(result.verifyCpuMs).toBeGreaterThanOrEqual(0);
    });

    test('makes the same bytes from the same bytes, and leaves the input as it was', async () => {
      const first = await attempt(folder, { kind, settings, input: good });
      const second = await attempt(folder, { kind, settings, input: good });
      expect(digestsOf(second.result)).toEqual(digestsOf(first.result));
      expect(sha256(await readFile(first.order.input.file))).toBe(first.order.input.sha256);
    });

    for (const input of [...(harness.acceptsAnything ? [] : hopeless), ...harness.bad]) {
      test(`refuses ${input.because} with one line and without throwing`, async () => {
        const { result, order } = await attempt(folder, { kind, settings, input });
        if (result.ok) throw new Error('it was accepted');
        expect(result.finding.severity).toBe('error');
        expect(result.finding.class).toBe('input');
        expect(result.finding.code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
        expect(result.finding.message).not.toMatch(/[\r\n]/);
        expect(result.finding.message).not.toContain(path.dirname(order.input.file));
      });
    }
  });
}

const hopeless: ProcessorHarness['bad'] = [
  { because: 'an empty file', key: 'empty', write: async (file) => await writeFile(file, Buffer.alloc(0)) },
  {
    because: 'bytes that are nothing',
    key: 'noise.bin',
    write: async (file) =>
      await writeFile(file, Buffer.from(Array.from({ length: 5000 }, (_, n) => (n * n * 31 + 7) % 251))),
  },
];

function digestsOf(result: WorkResult): readonly string[] {
  if (!result.ok) throw new Error(result.finding.message);
  return result.outputs.map((output) => output.sha256);
}
