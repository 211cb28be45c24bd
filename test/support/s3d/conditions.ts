import { type Asked, Refusal } from './asked.js';
import type { StoredObject } from './bucket.js';

/**
 * How far a store keeps conditions of writes: `A` compares and swaps, `B` creates once but ignores `If-Match`, `C`
 * ignores both.
 */
export type Tier = 'A' | 'B' | 'C';

/** `unquoted`: `If-Match` only matches an ETag without its quotes, as Ceph did before version 20. */
export type EtagForm = 'any' | 'unquoted';

/** What real stores do beside the protocol: the first two Ceph 16, the third Swift 2.30. */
export type Quirk =
  | 'a swap in the right form that loses is a 500'
  | 'no ETag of a completed upload'
  | 'wants Content-MD5';

export interface Conditions {
  readonly tier: Tier;
  readonly etagForm: EtagForm;
  readonly quirks: readonly Quirk[];
}

/** Throws unless a write that asks for these conditions may go on. */
export function checkWrite({ headers }: Asked, there: StoredObject | undefined, conditions: Conditions): void {
  const { tier, etagForm, quirks } = conditions;
  const match = headers['if-match'];
  if (tier !== 'C' && headers['if-none-match'] === '*' && there) throw new Refusal(412, 'PreconditionFailed');
  if (tier !== 'A' || match === undefined) return;
  if (!there) throw new Refusal(404, 'NoSuchKey');
  if (matches(match, there.etag, etagForm)) return;
  const isRace = quirks.includes('a swap in the right form that loses is a 500') && !match.includes('"');
  throw isRace ? new Refusal(500, 'UnknownError') : new Refusal(412, 'PreconditionFailed');
}

/** Throws unless a read that asks for these conditions may go on. */
export function checkRead({ headers }: Asked, there: StoredObject): void {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined && !matches(match, there.etag, 'any')) throw new Refusal(412, 'PreconditionFailed');
  if (noneMatch !== undefined && matches(noneMatch, there.etag, 'any')) throw new Refusal(304, 'NotModified');
}

function matches(asked: string, etag: string, form: EtagForm): boolean {
  const bare = etag.replaceAll('"', '');
  return asked === '*' || asked === bare || (form === 'any' && asked === etag);
}
