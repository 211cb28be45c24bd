import { causesOf } from '../../domain/causes.js';
import type { Failing } from '../../engine/failing.js';
import type { Terminal } from '../terminal.js';
import { count, printable } from './units.js';

export interface FailingView {
  readonly job: string;
  readonly verb: string;
  readonly failing: readonly Failing[];
  readonly next: readonly string[];
}

export function failingRecord({ job, verb, failing, next }: FailingView): object {
  return {
    type: 'quarantine',
    verb,
    job,
    failing: failing.map(({ key, recipe, disposition, finding, fingerprint, quarantined, accepted, run }) => ({
      key,
      recipe: recipe || null,
      disposition: disposition ?? null,
      quarantined,
      fingerprint: fingerprint ?? null,
      finding,
      accepted: accepted
        ? { reason: accepted.reason, until: accepted.until === undefined ? null : instant(accepted.until) }
        : null,
      run,
    })),
    causes: causesOf(failing.map(({ finding }) => finding)),
    next,
  };
}

const titles: Readonly<Record<string, string>> = {
  list: 'failed in the last run',
  release: 'released: tried again by the next run that looks at them',
  accept: 'accepted: no exit code 3 from the next run on',
};

export function renderFailing(terminal: Terminal, { job, verb, failing, next }: FailingView): void {
  const causes = causesOf(failing.map(({ finding }) => finding));
  const figures = `${count(failing.length, 'item')}, ${count(causes.length, 'cause')}`;
  if (failing.length === 0) terminal.out(`${job}  nothing failed in the last run`);
  else terminal.out(`${job}  ${titles[verb] ?? verb}: ${figures}`);
  for (const one of failing) {
    const where = one.recipe === '' ? printable(one.key) : `${printable(one.key)} (${printable(one.recipe)})`;
    terminal.out(`  ${stateOf(one).padEnd(11)} ${where}: ${printable(one.finding.message)} [${one.finding.code}]`);
    if (one.accepted) terminal.out(`              ${printable(one.accepted.reason)}${untilWhen(one.accepted.until)}`);
  }
  next.forEach((command, index) => {
    terminal.out(`  ${index === 0 ? 'next      ' : '          '}${terminal.paint('cyan', command)}`);
  });
}

function stateOf({ accepted, quarantined }: Failing): string {
  if (accepted) return 'accepted';
  return quarantined ? 'quarantined' : 'failed';
}

function untilWhen(until: number | undefined): string {
  return until === undefined ? ', as long as content, recipe and tools stay' : `, until ${instant(until)}`;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
