import { sha256 } from '../../domain/digest.js';
import type { Observation, StoreCheck } from '../../domain/store-tier.js';
import { done, headers, type Scratch } from './scratch.js';

/** Beyond this, ages of objects say nothing about what a collector may delete. */
const skewLimitMs = 5 * 60_000;
const overwrites = 5;
/** A date has whole seconds, and the answer took its time. */
const dateSeconds = 1;

/** What everything that is published relies on, whoever else publishes. */
export async function tryData(scratch: Scratch, clock: () => number): Promise<readonly Observation[]> {
  const written = done(await scratch.put('content', 'first'));
  const skew = written.date === undefined ? undefined : written.date - clock();
  return [
    ...(await tryRoundTrip(scratch)),
    await tryPayloadHash(scratch),
    await tryOverwriting(scratch),
    ...(await tryListing(scratch)),
    tellSkew(skew),
  ];
}

async function tryRoundTrip(scratch: Scratch): Promise<readonly Observation[]> {
  const seen = await scratch.get('content');
  const shown = [seen?.contentType ?? 'no content-type', seen?.cacheControl ?? 'no cache-control'].join(', ');
  const areKept = seen?.contentType === headers.ContentType && seen.cacheControl === headers.CacheControl;
  return [
    told('content', seen?.text === 'first', ['what was stored is read', `read ${seen ? 'other bytes' : 'nothing'}`]),
    told('headers', areKept, [shown, `${shown}; expected ${headers.ContentType}, ${headers.CacheControl}`]),
  ];
}

async function tryPayloadHash(scratch: Scratch): Promise<Observation> {
  const { status, said } = await scratch.put('hash', 'one', { payloadHash: sha256('another') });
  const isRefused = status >= 400 && (await scratch.get('hash')) === undefined;
  const accepted = `bytes that are not the signed ones were answered with ${said}, and stored`;
  return told('payload hash', isRefused, [`bytes that are not the signed ones are refused (${said})`, accepted]);
}

async function tryOverwriting(scratch: Scratch): Promise<Observation> {
  for (let n = 1; n <= overwrites; n++) {
    done(await scratch.put('content', `version ${n}`));
    const text = (await scratch.get('content'))?.text;
    if (text !== `version ${n}`)
      return told('overwrite', false, ['', `read '${text}' after 'version ${n}' was stored`]);
  }
  return told('overwrite', true, ['what was stored last is read', '']);
}

async function tryListing(scratch: Scratch): Promise<readonly Observation[]> {
  done(await scratch.put('listed', 'x'));
  const before = (await scratch.list()).includes('listed');
  await scratch.delete('listed');
  const isGone = (await scratch.get('listed')) === undefined;
  const after = (await scratch.list()).includes('listed');
  const late = before ? 'what was deleted is still listed' : 'what was stored is not listed yet';
  return [
    told('listing', before && !after, ['shows at once what is stored and deleted', late]),
    told('deletion', isGone, ['what is deleted is gone', 'what is deleted is still read']),
  ];
}

function tellSkew(skewMs: number | undefined): Observation {
  if (skewMs === undefined) return { check: 'clock', seen: 'refused', detail: 'answers bear no date' };
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const apart = `${seconds} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`;
  const detail = seconds > dateSeconds ? apart : 'agrees with this machine within a second';
  return { check: 'clock', seen: Math.abs(skewMs) <= skewLimitMs ? 'kept' : 'broken', detail };
}

function told(check: StoreCheck, isKept: boolean, [kept, broken]: readonly [string, string]): Observation {
  return { check, seen: isKept ? 'kept' : 'broken', detail: isKept ? kept : broken };
}
