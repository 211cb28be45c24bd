import type { AssetKey, Digest, Finding, ListedAsset } from '../../domain/types.js';
import { isSettled } from '../keys.js';
import { decodedName, nameOf, notUtf8, unquoted } from '../names.js';
import type { Fields } from './fields.js';

/** How rows of one inventory are to be read. */
export interface RowRules {
  /** Names are URL-encoded, as those of S3 Inventory are. */
  readonly isEncoded: boolean;
  /** Rows point to objects of this bucket; undefined: to files. */
  readonly bucket?: string;
  /** What keys of assets follow, in a bucket. */
  readonly prefix: string;
  /** When the inventory was written: the best guess for rows that do not say when their asset was. */
  readonly writtenAt: number;
  readonly now: number;
}

/** What one row comes to. */
export type Row =
  | { readonly kind: 'asset'; readonly asset: ListedAsset }
  /** Deleted, superseded, or a tool's. */
  | { readonly kind: 'nothing' }
  /** Its key does not begin with the prefix. */
  | { readonly kind: 'outside'; readonly name: string }
  | { readonly kind: 'finding'; readonly finding: Finding };

export function readRow(fields: Fields, line: number, rules: RowRules): Row {
  if (isTrue(fields.deleted) || isFalse(fields.latest)) return { kind: 'nothing' };
  const given = fields.key ?? '';
  const name = rules.isEncoded ? decodedName(given) : given;
  if (name === undefined) return { kind: 'finding', finding: notUtf8(given, `line ${line}: `) };
  if (!name.startsWith(rules.prefix)) return { kind: 'outside', name };
  if (name === rules.prefix) return { kind: 'nothing' };
  const named = nameOf(name.slice(rules.prefix.length), wholeNumber(fields.bytes), `line ${line}: `);
  if (named.kind === 'skipped') return { kind: 'nothing' };
  if (named.kind === 'refused') return { kind: 'finding', finding: named.finding };
  return { kind: 'asset', asset: assetOf(named.key, name, { fields, line, rules }) };
}

interface Given {
  readonly fields: Fields;
  readonly line: number;
  readonly rules: RowRules;
}

function assetOf(key: AssetKey, name: string, { fields, line, rules }: Given): ListedAsset {
  const bytes = wholeNumber(fields.bytes);
  const modifiedAt = fields.modified === undefined ? rules.writtenAt : instant(fields.modified);
  const place = placeOf(fields, name, rules);
  const expected = rowProblem(fields, { bytes, modifiedAt, place });
  if (bytes === undefined || modifiedAt === undefined || place === undefined || expected !== undefined) {
    return { key, bytes: 0, modifiedAt: 0, listing: '', settled: false, problem: invalid(key, line, expected ?? '') };
  }
  const listing = told({
    bytes,
    etag: fields.etag && unquoted(fields.etag),
    version: fields.version,
    modified: fields.modified === undefined ? undefined : modifiedAt,
    sha256: fields.sha256?.toLowerCase() as Digest | undefined,
    place: place === name ? undefined : place,
  });
  return { key, bytes, modifiedAt, listing, settled: isSettled(modifiedAt, rules.now) };
}

/** Without any of these a change of the same length would never be seen. */
const tellsOfChange = ['etag', 'version', 'modified', 'sha256'] as const;

function rowProblem(
  fields: Fields,
  read: { readonly bytes?: number; readonly modifiedAt?: number; readonly place?: string },
): string | undefined {
  if (read.bytes === undefined) return `a whole number as bytes, not ${JSON.stringify(fields.bytes ?? '')}`;
  if (read.modifiedAt === undefined) return `an instant as modified, not ${JSON.stringify(fields.modified)}`;
  if (read.place === undefined) return `a place in the source as path, not ${JSON.stringify(fields.path)}`;
  if (fields.sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(fields.sha256)) return '64 hex digits as sha256';
  const tells = tellsOfChange.some((field) => fields[field] !== undefined);
  return tells ? undefined : `one of ${tellsOfChange.join(', ')} beside bytes`;
}

function invalid(key: AssetKey, line: number, expected: string): Finding {
  const message = `line ${line} is not understood: expected ${expected}`;
  return { code: 'row-invalid', severity: 'error', class: 'input', key, message };
}

/** Where the bytes are: a path below the root, or an object's key. Undefined: somewhere else. */
function placeOf(fields: Fields, name: string, { bucket }: RowRules): string | undefined {
  if (bucket !== undefined && fields.bucket !== undefined && fields.bucket !== bucket) return undefined;
  const [, host, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(fields.path ?? '') ?? [];
  if (key !== undefined) return bucket === host ? key : undefined;
  return fields.path ?? name;
}

/** What a row says of an asset's bytes. */
export interface Told {
  readonly bytes: number;
  /** Without quotes. */
  readonly etag?: string;
  readonly version?: string;
  /** Milliseconds since the epoch; absent where the row did not say. */
  readonly modified?: number;
  readonly sha256?: Digest;
  /** Where it is not the row's name. */
  readonly place?: string;
}

/** The listing fingerprint *is* what the row says, so that an inventory is kept once: as assets. */
export function told(row: Told): string {
  const { bytes, etag = 0, version = 0, modified = 0, sha256 = 0, place = 0 } = row;
  return JSON.stringify([bytes, etag, version, modified, sha256, place]);
}

/** 0: not told. */
type Written = readonly [number, string | 0, string | 0, number, Digest | 0, string | 0];

export function toldBy(listing: string): Told {
  const [bytes, etag, version, modified, sha256, place] = JSON.parse(listing) as Written;
  const or = <T>(value: T | 0): T | undefined => (value === 0 ? undefined : value);
  return {
    bytes,
    etag: or(etag),
    version: or(version),
    modified: or(modified),
    sha256: or(sha256),
    place: or(place),
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  const number = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

/** ISO 8601, or milliseconds since the epoch. */
function instant(text: string): number | undefined {
  if (/^\d{11,14}$/.test(text)) return Number(text);
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === 'true';
}

function isFalse(text: string | undefined): boolean {
  return text?.toLowerCase() === 'false';
}
