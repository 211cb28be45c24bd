import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { AssetKey, Finding, ListedAsset } from '../../domain/types.js';
import { Tally } from '../tally.js';
import type { ListingConfig } from './config.js';
import { csvLines } from './csv.js';
import type { Line } from './fields.js';
import { readManifest } from './manifest.js';
import { ndjsonLines } from './ndjson.js';
import { identityOf, readWhole, unreadable } from './read.js';
import { type RowRules, readRow } from './row.js';

/** Everything one reading of the inventory came to. The assets are the rows: nothing else is kept of them. */
export interface Catalog {
  /** Of the file; another means that it is to be read again. */
  readonly identity: string;
  readonly assets: ReadonlyMap<AssetKey, ListedAsset>;
  readonly findings: readonly Finding[];
  /** Of a line that cannot be read nobody knows which asset it told of: nothing is taken for removed. */
  readonly hasBadLines: boolean;
}

/** Rows between two turns of the event loop. */
const batch = 2_000;

export async function readCatalog(config: ListingConfig, now: number): Promise<Catalog> {
  const { identity, writtenAt } = await lookAt(config.file);
  const rules: RowRules = {
    isEncoded: config.encodedKeys,
    bucket: config.bucket,
    prefix: config.prefix ?? '',
    writtenAt,
    now,
  };
  const assets = new Map<AssetKey, ListedAsset>();
  const tally = new Tally();
  const outside: Outside = { count: 0, first: '' };
  let rows = 0;
  for await (const line of linesOf(config)) {
    if (++rows % batch === 0) await setImmediate();
    takeLine(line, rules, { assets, tally, outside });
  }
  if (rows === 0) tally.add(empty);
  if (outside.count > 0) tally.add(ignored(outside, rules.prefix, assets.size));
  return { identity, assets, findings: tally.all(), hasBadLines: tally.count('line-unreadable') > 0 };
}

interface Outside {
  count: number;
  /** Key of the first. */
  first: string;
}

/** An inventory of the whole bucket is usual. One of which nothing is left has other keys than was thought. */
function ignored({ count, first }: Outside, prefix: string, others: number): Finding {
  const rows = count === 1 ? '1 row' : `${count} rows`;
  const message = `${rows} ignored: their keys do not begin with '${prefix}', the first is '${first}'`;
  return { code: 'row-outside', severity: others > 0 ? 'notice' : 'error', class: 'input', message };
}

const empty: Finding = {
  code: 'source-empty',
  severity: 'notice',
  message: 'the listing holds no row: is the export through?',
};

/** Cheap enough to be asked before every use of a catalog. For a manifest, it names its parts by content. */
export async function lookAt(file: string): Promise<{ readonly identity: string; readonly writtenAt: number }> {
  try {
    const stats = await stat(file, { bigint: true });
    return { identity: identityOf(stats), writtenAt: Number(stats.mtimeMs) };
  } catch (error) {
    throw unreadable(file, error);
  }
}

async function* linesOf({ file, format, columns }: ListingConfig): AsyncGenerator<Line> {
  if (format === 'ndjson') yield* ndjsonLines(readWhole(file));
  else if (format === 'csv') yield* csvLines(readWhole(file), columns);
  else {
    const manifest = readManifest(file);
    for (const part of manifest.parts) yield* csvLines(readWhole(part.file, part), manifest.columns);
  }
}

interface Taken {
  readonly assets: Map<AssetKey, ListedAsset>;
  readonly tally: Tally;
  readonly outside: Outside;
}

function takeLine(line: Line, rules: RowRules, { assets, tally, outside }: Taken): void {
  if ('expected' in line || line.fields.key === undefined || line.fields.key === '') {
    const expected = 'expected' in line ? line.expected : 'a key';
    const message = `line ${line.line} of the listing cannot be read: expected ${expected}`;
    tally.add({ code: 'line-unreadable', severity: 'error', class: 'input', message });
    return;
  }
  const row = readRow(line.fields, line.line, rules);
  if (row.kind === 'finding') tally.add(row.finding);
  if (row.kind === 'outside' && outside.count++ === 0) outside.first = row.name;
  if (row.kind !== 'asset') return;
  const { key } = row.asset;
  const before = assets.get(key);
  if (!before) assets.set(key, row.asset);
  else if (before.listing === row.asset.listing) tally.add(again(key, line.line));
  else assets.set(key, { ...row.asset, problem: contradiction(key, line.line) });
}

function again(key: AssetKey, line: number): Finding {
  const message = `line ${line} of the listing says the same once more`;
  return { code: 'row-repeated', severity: 'notice', key, message };
}

/** Nobody can say which of them is right, so what is live stays. */
function contradiction(key: AssetKey, line: number): Finding {
  const message = `line ${line} of the listing says otherwise than a line before it: expected one row for an asset`;
  return { code: 'row-contradicts', severity: 'error', class: 'input', key, message };
}
