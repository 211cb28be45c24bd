import path from 'node:path';
import { z } from 'zod';
import { type Problem, problemsOf, withoutSecret } from '../../domain/problems.js';
import { type BucketInput, bucketFields } from '../buckets.js';
import type { SourceCheck } from '../contract.js';
import { fieldNamed } from './fields.js';

/** What a job file says of this source. */
export type ListingSourceInput = {
  readonly type: 'listing';
  /** The inventory: `….ndjson`, `….csv`, either with `.gz`, or the `manifest.json` of an S3 Inventory copied here. */
  readonly file: string;
  /** Where the name does not say it. */
  readonly format?: 'ndjson' | 'csv' | 's3-inventory';
  /** Names of the columns of a CSV without a header row. */
  readonly columns?: readonly string[];
  /** Keys are URL-encoded; those of an S3 Inventory are in any case. */
  readonly encodedKeys?: boolean;
} & (RowsOfFiles | RowsOfObjects);

/** Rows point to files below a folder. */
interface RowsOfFiles {
  readonly root: string;
}

/** Rows point to objects of a bucket. */
type RowsOfObjects = BucketInput;

const { bucket, ...others } = bucketFields;

const shape = z.strictObject({
  type: z.literal('listing'),
  file: z.string('the path of an inventory').min(1, 'the path of an inventory').refine(isPath, 'a path without NUL'),
  format: z.enum(['ndjson', 'csv', 's3-inventory']).optional(),
  columns: z.array(z.string()).min(1).optional(),
  encodedKeys: z.boolean().optional(),
  root: z.string().min(1, 'the path of a folder').refine(isPath, 'a path without NUL').optional(),
  bucket: bucket.optional(),
  ...others,
});

type Given = z.infer<typeof shape>;

export type ListingConfig = Given & {
  readonly format: NonNullable<Given['format']>;
  readonly encodedKeys: boolean;
};

export function checkListing(config: unknown, project: string): SourceCheck {
  const parsed = shape.safeParse(config);
  const raw = (typeof config === 'object' && config !== null ? config : {}) as Readonly<Record<string, unknown>>;
  const own = parsed.success ? [] : problemsOf(parsed.error, config, [], [shape]);
  const problems = [...own, ...otherProblems(raw)].map(withoutSecret);
  if (!parsed.success || problems.length > 0) return { ok: false, problems };
  const file = path.resolve(project, parsed.data.file);
  const root = parsed.data.root && path.resolve(project, parsed.data.root);
  const read = { ...parsed.data, file, ...(root && { root }) };
  return { ok: true, config: withDefaults(read), ...(root && { folder: root }) };
}

/** Takes what `checkListing` found good. */
export function listingConfig(config: unknown): ListingConfig {
  return withDefaults(shape.parse(config));
}

function withDefaults(given: Given): ListingConfig {
  const format = given.format ?? formatNamed(given.file) ?? 'ndjson';
  return { ...given, format, encodedKeys: given.encodedKeys ?? format === 's3-inventory' };
}

/** Between options; looked at however wrong each of them is, so that all is told at once. */
function otherProblems(raw: Readonly<Record<string, unknown>>): Problem[] {
  const problems: Problem[] = [];
  const say = (option: string, expected: string) => problems.push({ path: [option], value: raw[option], expected });
  const format = raw.format ?? (typeof raw.file === 'string' ? formatNamed(raw.file) : 'unknown');
  if (format === undefined)
    say('format', `one of 'ndjson', 'csv', 's3-inventory', because the file's name does not say it`);
  if (raw.columns !== undefined && format !== 'csv') say('columns', "none: only format 'csv' may lack a header row");
  if (
    Array.isArray(raw.columns) &&
    !raw.columns.some((name) => typeof name === 'string' && fieldNamed(name) === 'key')
  ) {
    say('columns', "names of columns, one of them 'key'");
  }
  if (raw.encodedKeys === false && format === 's3-inventory') say('encodedKeys', 'true: those of an S3 Inventory are');
  if (raw.root === undefined && raw.bucket === undefined)
    say('root', 'a folder (root) or a bucket that rows point into');
  if (raw.root === undefined) return problems;
  for (const option of Object.keys(bucketFields)) {
    if (raw[option] !== undefined) say(option, 'none: rows point into a folder (root)');
  }
  return problems;
}

function formatNamed(file: string): ListingConfig['format'] | undefined {
  if (path.basename(file) === 'manifest.json') return 's3-inventory';
  const [, ending = ''] = /\.([a-z]+)(?:\.gz)?$/.exec(file.toLowerCase()) ?? [];
  return ({ ndjson: 'ndjson', jsonl: 'ndjson', csv: 'csv' } as const)[ending];
}

function isPath(text: string): boolean {
  return !text.includes('\0');
}
