import path from 'node:path';
import { Fault } from '../../domain/faults.js';
import { quotedWord } from '../../domain/shell.js';
import type { Call } from './call.js';

/**
 * One line of a crontab that calls in every hour. It makes the folder of its log, also after somebody deleted it. `%` is
 * a line break to cron unless a backslash stands before it, which must not be the second of two. Throws `usage` for a path
 * with a line break, which cron cannot be told at all.
 */
export function crontabLine({ words, env, log }: Call, minutes: readonly number[]): string {
  const called = [...Object.entries(env).map(([name, value]) => `${name}=${quotedWord(value)}`), ...words.map(plainly)];
  const command = `mkdir -p ${quotedWord(path.dirname(log))} && ${called.join(' ')} >> ${quotedWord(log)} 2>&1`;
  if (/[\n\r]/.test(command))
    throw new Fault(
      'usage',
      `${JSON.stringify(command)}: expected paths without line breaks, which a crontab cannot hold`,
    );
  return `${minuteField(minutes)} * * * * ${command.replace(/\\?%/g, asCronTakesIt)}`;
}

/** A `%` stands in single quotes always; an empty pair of them parts it from a backslash of the path. */
function asCronTakesIt(percent: string): string {
  return percent === '%' ? '\\%' : "\\''\\%";
}

/** Options need no quotes, whatever their dashes. */
function plainly(word: string): string {
  return /^--[a-z-]+$/.test(word) ? word : quotedWord(word);
}

/** The minute field of five-field cron. */
export function minuteField(minutes: readonly number[]): string {
  return minutes.length === 60 ? '*' : minutes.join(',');
}
