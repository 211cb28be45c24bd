import type { CommandContext } from './context.js';

/** The first line of a call in a log: the instant in UTC, and what was called. Of the options only those that no secret is in. */
export function openingLine({ command = '', channel }: CommandContext, at: number, job: string | undefined): string {
  const words = ['nightpress', command, job, channel && `--channel ${channel}`].filter(Boolean);
  return `${new Date(at).toISOString()} ${words.join(' ')}`;
}
