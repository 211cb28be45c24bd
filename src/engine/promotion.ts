import { driftsOf } from '../domain/drift.js';
import { Fault } from '../domain/faults.js';
import { type GateRule, type Hold, judge, type MissingItem } from '../domain/gate.js';
import type { Head } from '../domain/head.js';
import { diffManifests, type EntryChange } from '../domain/manifest.js';
import type { GateSpec, SnapshotId } from '../domain/types.js';
import type { Origin } from '../origins/contract.js';
import { nodeLoader } from './base.js';
import { countAssets } from './snapshots.js';

export interface PromotionParts {
  readonly origin: Origin;
  readonly job: { readonly name: string; readonly gate: GateSpec };
}

export interface Step {
  readonly snapshot: SnapshotId;
  /** What is live now. */
  readonly live: SnapshotId | undefined;
}

/**
 * What the gate of the live line says to the step from what is live to the snapshot of a channel. Failures and ages of
 * items, which only a night knows, were judged when the channel went there. Where the live manifest is damaged nothing can
 * be compared, and nothing holds: whatever is whole is better.
 */
export async function holdsOnPromotion(
  { origin, job }: PromotionParts,
  { snapshot, live }: Step,
): Promise<readonly Hold[]> {
  const baseTotal = live && (await countAssets(origin, live));
  const total = await countAssets(origin, snapshot);
  if (baseTotal === null || total === null) return []; // the second is refused for not being whole
  const changes = await changesBetween(origin, live, snapshot);
  if (!changes) return [];
  const verdict = judge({
    spec: job.gate,
    total,
    missing: changes.flatMap(carriedOf),
    drift: driftsOf(changes),
    assets: { total, removed: changes.filter(({ after }) => !after).length, baseTotal },
    findings: [],
  });
  return verdict.publish ? [] : verdict.holds;
}

async function changesBetween(
  origin: Origin,
  live: SnapshotId | undefined,
  snapshot: SnapshotId,
): Promise<readonly EntryChange[] | undefined> {
  try {
    const changes: EntryChange[] = [];
    for await (const change of diffManifests(nodeLoader(origin), live, snapshot)) changes.push(change);
    return changes;
  } catch (error) {
    if (error instanceof Fault && error.code === 'origin-corrupt') return undefined;
    throw error;
  }
}

function carriedOf({ key, after }: EntryChange): readonly MissingItem[] {
  return Object.entries(after?.items ?? {}).flatMap(([recipe, { carried }]) =>
    carried === undefined ? [] : [{ key, recipe, disposition: 'carried' as const }],
  );
}

/** Every rule that holds the promotion must be named, and no other. Throws `promotion-held`, or `usage` for another. */
export function refuseHeld(
  job: string,
  channel: string,
  { holds, overridden }: { readonly holds: readonly Hold[]; readonly overridden: readonly string[] },
): void {
  const rules: readonly GateRule[] = holds.map(({ rule }) => rule);
  const open = holds.filter(({ rule }) => !overridden.includes(rule));
  const strange = overridden.filter((rule) => !(rules as readonly string[]).includes(rule));
  if (open.length === 0 && strange.length === 0) return;
  const hint = promoteCommand(job, { channel, rules });
  if (open.length === 0) {
    const held = rules.length === 0 ? 'no rule' : rules.join(' and ');
    throw new Fault('usage', `'${channel}' is held by ${held}: expected no --override ${strange.join(' ')}`, { hint });
  }
  const message = `'${channel}' is held by ${open.map(({ rule }) => rule).join(' and ')} and not made live`;
  throw new Fault('promotion-held', message, {
    problems: open.map(({ rule, message: why }) => `${rule}: ${why}`),
    hint,
  });
}

/** The command that makes the snapshot of a channel live over these rules. */
export function promoteCommand(
  job: string,
  { channel, rules = [] }: { readonly channel: string; readonly rules?: readonly string[] },
): string {
  const flags = rules.map((rule) => ` --override ${rule}`).join('');
  return `nightpress promote ${job} ${channel} live${flags}${flags && ' --reason TEXT'}`;
}

/** The channel came to its snapshot before the live line came to its own: what is newer there would go. */
export function isOlderThanLive({ channels }: Head, channel: string): boolean {
  const { live, [channel]: own } = channels;
  return live !== undefined && own !== undefined && own.seq < live.seq;
}
