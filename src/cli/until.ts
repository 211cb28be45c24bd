import { Fault } from '../domain/faults.js';
import { parseDuration } from '../job/units.js';

/** A day (its end, UTC), an instant, or a time from now; in milliseconds since the epoch, and to come. */
export function untilOption(name: string, text: string, now: number): number {
  const ms = parseDuration(text);
  const at = ms === undefined ? instantOf(text) : now + ms;
  if (at > now) return at;
  throw new Fault(
    'usage',
    `${name} ${text}: expected a day to come such as '2027-01-31', or a time from now such as '30d'`,
  );
}

function instantOf(text: string): number {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return Date.parse(`${text}T23:59:59.999Z`);
  return /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
}
