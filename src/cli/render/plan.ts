import type { Finding } from '../../domain/types.js';
import type { Preview } from '../../engine/preview.js';
import type { Terminal } from '../terminal.js';
import { lineName } from './result.js';
import { count, duration, printable, short } from './units.js';

const mostReasons = 6;
const mostKeys = 10;

export interface PlanView {
  readonly job: string;
  readonly channel: string | undefined;
  readonly preview: Preview;
  readonly workers: number;
  readonly explain: boolean;
  /** What lifts a rule beforehand. */
  readonly approve: (rule: string) => string;
}

/** The plan as JSON: everything `run` would freeze, and what it would publish. */
export function planRecord({ job, channel, preview, explain, approve }: PlanView): object {
  const { decision, plan, base } = preview;
  return {
    type: 'plan',
    job,
    ...(channel !== undefined && { channel }),
    decision: { kind: decision.kind, because: decision.because, window: decision.window.label },
    base: base.snapshot ?? null,
    pending: isPending(preview),
    assets: plan.assets,
    items: {
      todo: plan.items.filter((item) => !item.disposition).length,
      ended: plan.items.filter((item) => item.disposition).length,
      unchanged: plan.unchangedItems,
    },
    partitions: plan.partitions,
    predictedSeconds: plan.predictedSeconds,
    because: Object.fromEntries(reasons(preview)),
    removed: plan.removedKeys,
    unmatched: preview.unmatchedKeys,
    dropped: plan.droppedItems,
    findings: findingsOf(preview),
    gate: {
      window: preview.judgedIn.label,
      holds: preview.holds.map((hold) => ({ ...hold, command: approve(hold.rule) })),
      approved: preview.approved,
    },
    largeGroups: preview.largeGroups,
    ...(explain
      ? {
          explain: plan.items.map(({ key, recipe, because, partition, disposition }) => ({
            key,
            recipe,
            because,
            partition,
            disposition,
          })),
        }
      : {}),
  };
}

/** Of the scan, and of items that the plan itself ended. */
export function findingsOf({ plan, frozen }: Preview): readonly Finding[] {
  return [...frozen.totals.findings, ...plan.items.flatMap((item) => item.finding ?? [])];
}

/** True when a run would make, remove or publish something. */
export function isPending({ plan }: Preview): boolean {
  return plan.items.some((item) => !item.disposition) || plan.removedKeys.length > 0 || plan.droppedItems.length > 0;
}

export function renderPlan(terminal: Terminal, view: PlanView): void {
  const { job, preview, workers } = view;
  const { decision, plan, base } = preview;
  const todo = plan.items.filter((item) => !item.disposition);
  terminal.out(
    `${job}  window ${decision.window.label}  ${decision.kind === 'nothing' ? 'settled' : `would ${decision.kind}`}: ${decision.because}`,
  );
  terminal.out(
    `  ${lineName(view.channel)} ${base.snapshot ? `snapshot ${short(base.snapshot)}  seq ${base.head?.channels.live?.seq}` : 'nothing yet'}`,
  );
  const { added, changed, unchanged, removed, unmatched, total } = plan.assets;
  terminal.out(
    `  assets    ${total}: ${added} added, ${changed} changed, ${unchanged} unchanged, ${removed} removed, ${unmatched} matched by no recipe`,
  );
  if (todo.length === 0) terminal.out('  work      none');
  else {
    const about = duration((plan.predictedSeconds / workers) * 1000);
    terminal.out(
      `  work      ${count(todo.length, 'item')} in ${count(plan.partitions.length, 'partition')}, about ${about} with ${count(workers, 'worker')}`,
    );
  }
  for (const [because, n] of reasons(preview).slice(0, mostReasons)) terminal.out(`  because   ${n} × ${because}`);
  renderKeys(terminal, 'removes', plan.removedKeys);
  renderKeys(terminal, 'no recipe', preview.unmatchedKeys);
  for (const { rule, message } of preview.holds) {
    terminal.out(`  ${terminal.paint('yellow', 'gate')}      would hold: ${rule}: ${printable(message)}`);
    terminal.out(`            beforehand: ${terminal.paint('cyan', view.approve(rule))}`);
  }
  for (const { rule, reason, message } of preview.approved) {
    const why = `approved for ${preview.judgedIn.label} (${reason})`;
    terminal.out(`  gate      ${rule} may pass, ${printable(why)}: ${printable(message)}`);
  }
  for (const { group, assets, share } of preview.largeGroups.slice(0, mostKeys)) {
    const part = `${count(assets, 'asset')}, ${Math.round(share * 100)} % of all`;
    terminal.out(
      `  ${terminal.paint('yellow', 'group')}     '${printable(group)}' holds ${part}: one bad file holds them all back`,
    );
  }
  for (const finding of findingsOf(preview)
    .filter((one) => one.severity === 'error')
    .slice(0, mostKeys)) {
    terminal.out(
      `  ${terminal.paint('red', 'finding')}   ${printable(finding.key ?? '')}: ${printable(finding.message)} [${finding.code}]`,
    );
  }
  if (view.explain)
    for (const item of plan.items)
      terminal.out(`  ${printable(item.key)} (${item.recipe}): ${printable(item.because)}`);
}

function renderKeys(terminal: Terminal, label: string, keys: readonly string[]): void {
  for (const key of keys.slice(0, mostKeys)) terminal.out(`  ${label.padEnd(9)} ${printable(key)}`);
  if (keys.length > mostKeys)
    terminal.out(`            and ${count(keys.length - mostKeys, 'more asset')}; --json lists all`);
}

function reasons({ plan }: Preview): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const item of plan.items) counts.set(item.because, (counts.get(item.because) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
