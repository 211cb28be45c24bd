import { table, writeSection } from './reliability.js';
import type { Suffered } from './request-bench.js';

export interface RequestsReport {
  readonly date: string;
  readonly seconds: number;
  readonly suffered: readonly Suffered[];
}

/** Markdown: a row for each kind of request of each command; what the head named after a kill before and after it. */
export function requestsText({ suffered }: RequestsReport): string {
  const kinds = new Map<string, Suffered[]>();
  for (const one of suffered) {
    const kind = `${one.scenario} | \`${one.request}\``;
    kinds.set(kind, [...(kinds.get(kind) ?? []), one]);
  }
  const rows = [...kinds].map(([kind, all]) => [kind, headsAt(all, 'request'), headsAt(all, 'answer')]);
  return table(['command', 'request', 'killed before the store had it', 'killed when it answered'], rows);
}

function headsAt(all: readonly Suffered[], at: Suffered['at']): string {
  const heads = all.filter((one) => one.at === at).map(({ head }) => head);
  const kinds = (['none', 'old', 'unshown', 'new'] as const).map((head) => {
    const times = heads.filter((one) => one === head).length;
    return times === 0 ? [] : [`${times}× ${head}`];
  });
  return kinds.flat().join(', ');
}

export function requestsSummary({ date, seconds, suffered }: RequestsReport): string {
  const wrong = suffered.flatMap(({ scenario, nth, at, request, violations }) =>
    violations.map((what) => `  ${scenario}, ${nth} (${request}) at its ${at}: ${what}`),
  );
  const again = suffered.reduce((sum, one) => sum + one.again, 0);
  const end = wrong.length === 0 ? 'no violation' : `${wrong.length} VIOLATIONS`;
  return [
    `${date}: ${suffered.length} kills in ${seconds} s; ${again} items made again although a checkpoint held them; ${end}.`,
    ...wrong,
  ].join('\n');
}

export async function writeRequests(report: RequestsReport): Promise<void> {
  await writeSection('requests', `${requestsSummary(report)}\n\n${requestsText(report)}`);
}
