import type { Health, Verdict } from '../../domain/health.js';
import type { Terminal } from '../terminal.js';
import { duration, printable } from './units.js';

export interface Checked {
  readonly job: string;
  readonly health: Health;
  /** From when on a trace was expected; milliseconds since the epoch. */
  readonly since?: number;
  readonly next: readonly string[];
}

const words: Readonly<Record<Verdict, string>> = {
  running: 'a run is at work',
  published: 'the newest run went live',
  unchanged: 'the newest run found no change',
  nothing: 'the newest call found nothing to do',
  silent: 'nobody looked',
  stuck: 'a run is at work for too long',
  failing: 'the newest call failed',
  damaged: 'the live snapshot is damaged',
  untold: 'live, but an edge was not told of it',
  held: 'the newest run was held',
  incomplete: 'live, but with items missing or carried forward',
  interrupted: 'the newest run was stopped in the middle',
  unreadable: 'what is live cannot be told',
};

export function checkRecord({ job, health, since, next }: Checked, exit: number): object {
  const { ok, verdict, tracedAt, because = null } = health;
  return { type: 'check', job, ok, verdict, because, lookedAt: iso(tracedAt), since: iso(since), next, exit };
}

function iso(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}

/** One line, and one more for each command that helps. */
export function renderCheck(terminal: Terminal, checked: Checked, now: number): void {
  const { job, health, next } = checked;
  const mark = health.ok ? terminal.paint('green', 'ok') : terminal.paint('red', 'PROBLEM');
  const because = health.because === undefined ? '' : `: ${printable(health.because)}`;
  terminal.out(`${job}  ${mark}  ${words[health.verdict]}${because} (${traceOf(checked, now)})`);
  for (const command of next) terminal.out(`  next      ${command}`);
}

function traceOf({ health: { verdict, tracedAt }, since }: Checked, now: number): string {
  const expected = since === undefined ? '' : `; expected within ${duration(now - since)}`;
  if (tracedAt === undefined) return verdict === 'running' ? 'the first' : `no call is known${expected}`;
  const ago = `${duration(Math.max(0, now - tracedAt))} ago`;
  if (verdict === 'silent') return `last call ${ago}${expected}; does cron run?`;
  return verdict === 'stuck' ? `since ${ago}${expected}` : `last call ${ago}`;
}
