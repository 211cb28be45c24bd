import { Acceptances, type Failure } from '../domain/acceptance.js';
import { learnedCounts } from '../domain/asset-counts.js';
import type { Decision } from '../domain/choose-window.js';
import { shedCode } from '../domain/deadline.js';
import { type EdgeRecord, edgeFindings, exitWithEdges } from '../domain/edges.js';
import type { Fault } from '../domain/faults.js';
import type { Head } from '../domain/head.js';
import {
  type AssetCounts,
  exitOf,
  freshnessOf,
  type ItemCounts,
  type LastSeen,
  noAssets,
  noRun,
  type Result,
  windowRecord,
} from '../domain/result.js';
import type { AssetKey, Digest, Disposition, Entry, Finding, Job, Outcome, SnapshotId } from '../domain/types.js';
import type { ItemRow, RunRow, State } from '../state/contract.js';
import {
  causesTold,
  edgeCommands,
  isByDeadline,
  nextCommands,
  promoteCommands,
  withOverride,
} from './next-commands.js';
import type { Night } from './night.js';

export interface ReportInput {
  readonly run: RunRow;
  readonly startedAt: number;
  readonly outcome: Outcome;
  readonly snapshot?: SnapshotId;
  readonly head?: Head;
  /** Findings of validation; those of items and of the plan are looked up. */
  readonly findings?: readonly Finding[];
  readonly held?: Result['held'];
  readonly import?: Result['import'];
  readonly fault?: Fault;
  readonly signal?: string;
  /** Milliseconds from source to live, for assets this run brought live. */
  readonly ages?: readonly number[];
  /** What the snapshot that the run was planned on holds of the assets looked at, where the night came that far. */
  readonly entries?: ReadonlyMap<AssetKey, Entry>;
  readonly edges?: readonly EdgeRecord[];
  /** They were waited for. */
  readonly waitMs?: number;
}

/** The outcome record of a run, put together from what the state holds. */
export function report(night: Night, input: ReportInput): Result {
  const { run, outcome, fault, held, edges = [] } = input;
  const totals = night.state.run(run.id)?.plan;
  const rows = totals ? night.state.items(run.id) : [];
  const acceptances = new Acceptances(night.state.accepted(), night.clock());
  const findings = [
    ...(totals?.findings ?? []).map((finding) => acceptances.tell({ finding })),
    ...rows.flatMap((row) => (row.finding && !isShed(row) ? [acceptances.tell(failureOf(row, row.finding))] : [])),
    ...(input.findings ?? []),
  ];
  const left = rows.filter(isShed);
  const unshown = left.filter(({ disposition }) => disposition === 'failed').length;
  const accepted = rows.filter((row) => isAccepted(acceptances, row)).length;
  const cause = { faultExit: fault?.exit, signal: input.signal, byDeadline: isByDeadline(held) };
  return {
    type: 'result',
    ...lineOf(night.job),
    window: windowRecord(run.window),
    run: run.id,
    outcome,
    exit: exitWithEdges(exitOf(outcome, cause), edges, input.waitMs !== undefined),
    snapshot: input.snapshot ?? null,
    live: liveOf(input.head),
    assets: assetsOf(night, input, rows),
    items: countItems(rows, totals?.unchangedItems ?? 0),
    derivatives: countDerivatives(night, rows),
    partitions: countPartitions(night, rows, run),
    freshness: freshnessOf(input.ages ?? []),
    findings: [...findings, ...edgeFindings(edges)],
    ...causesTold(night.job.name, findings),
    ...(held && held.length > 0 ? { held: held.map((hold) => withOverride(night.job.name, hold, held)) } : {}),
    ...(left.length > 0 ? { shed: left.length } : {}),
    ...(unshown > 0 ? { shedUnshown: unshown } : {}),
    ...(accepted > 0 ? { accepted } : {}),
    ...(input.import ? { import: input.import } : {}),
    ...(edges.length > 0 ? { edges } : {}),
    ...(fault ? { fault: { code: fault.code, message: fault.message } } : {}),
    next: nextCommands(night.job, input, findings),
    log: run.log,
    durationMs: elapsedMs(night, input.startedAt),
  };
}

function assetsOf({ state }: Night, { run, entries }: ReportInput, rows: readonly ItemRow[]): AssetCounts {
  const planned = state.run(run.id)?.plan?.assets ?? noAssets;
  if (!entries) return planned;
  const contents = new Map(rows.flatMap(({ key, sha256 }) => (sha256 ? [[key, sha256] as const] : [])));
  return learnedCounts(planned, { changes: state.changes(run.id), live: entries, contents });
}

/** By the wall clock, which may have been set back meanwhile: then nobody knows, and 0 is at least no nonsense. */
export function elapsedMs({ clock }: Pick<Night, 'clock'>, startedAt: number): number {
  return Math.max(0, clock() - startedAt);
}

/** A record of a night that readers of the site do not see says so. */
export function lineOf({ name, channel }: Job): Pick<Result, 'job' | 'channel'> {
  return { job: name, ...(channel !== undefined && { channel }) };
}

export function liveOf(head: Head | undefined): Result['live'] {
  const live = head?.channels.live;
  return live ? { snapshot: live.snapshot, seq: live.seq, at: live.at } : null;
}

export function lastSeenBy(state: Pick<State, 'origin'>): LastSeen | null {
  const { snapshot = null, seq } = state.origin() ?? {};
  return seq === undefined ? null : { snapshot, seq };
}

export interface IdleInput {
  readonly decision: Extract<Decision, { kind: 'nothing' }>;
  readonly head: Head | undefined;
  readonly startedAt: number;
  readonly edges: readonly EdgeRecord[];
  readonly waitMs?: number;
}

/** The record of a call that found its window settled. */
export function nothingToDo(night: Night, input: IdleInput): Result {
  const { edges } = input;
  return {
    type: 'result',
    ...noRun,
    ...lineOf(night.job),
    window: windowRecord(input.decision.window),
    because: input.decision.because,
    outcome: 'unchanged',
    exit: exitWithEdges(0, edges, input.waitMs !== undefined),
    snapshot: input.head?.channels.live?.snapshot ?? null,
    live: liveOf(input.head),
    findings: edgeFindings(edges),
    ...(edges.length > 0 ? { edges } : {}),
    next: [
      ...edgeCommands(night.job.name, edges),
      ...promoteCommands(night.job, input.head),
      `nightpress run ${night.job.name} --now`,
    ],
    durationMs: elapsedMs(night, input.startedAt),
  };
}

/** The record of a call that was asked to stop before there was a run, while it waited for a store that was away. */
export function stoppedEarly(night: Night, startedAt: number): Result {
  return {
    type: 'result',
    ...noRun,
    ...lineOf(night.job),
    window: null,
    outcome: 'interrupted',
    exit: exitOf('interrupted', { signal: night.stop.signal?.() }),
    live: null,
    lastSeen: lastSeenBy(night.state),
    next: [`nightpress run ${night.job.name}`],
    durationMs: elapsedMs(night, startedAt),
  };
}

/** Items that a stop left in `todo` or `claimed` have no disposition yet: the total says how many there are in all. */
function countItems(rows: readonly ItemRow[], unchanged: number): ItemCounts {
  const of = (disposition: Disposition) => rows.filter((row) => row.disposition === disposition).length;
  return {
    total: rows.length + unchanged,
    unchanged,
    done: of('done'),
    reused: of('reused'),
    carried: of('carried'),
    failed: of('failed'),
    quarantined: of('quarantined'),
    withheld: of('withheld'),
  };
}

function countDerivatives(night: Night, rows: readonly ItemRow[]): Result['derivatives'] {
  const prints = (disposition: Disposition): readonly Digest[] =>
    rows.flatMap((row) => (row.disposition === disposition && row.fingerprint ? [row.fingerprint] : []));
  const made = [...night.state.made(prints('done')).values()].flatMap((one) => one.outputs);
  const known = night.state.made(prints('reused'));
  const reused = prints('reused').reduce((sum, print) => sum + (known.get(print)?.outputs.length ?? 0), 0);
  return { made: made.length, reused, bytes: made.reduce((sum, output) => sum + output.bytes, 0) };
}

function countPartitions(night: Night, rows: readonly ItemRow[], run: RunRow): Result['partitions'] {
  const partitions = night.state.partitions(run.id);
  const open = new Set(rows.filter((row) => row.state !== 'ended').map((row) => row.partition));
  const bad = new Set(rows.filter((row) => isMissing(row.disposition)).map((row) => row.partition));
  const failed = partitions.filter((partition) => bad.has(partition.id)).length;
  const done = partitions.filter((partition) => !open.has(partition.id) && !bad.has(partition.id)).length;
  return { total: partitions.length, done, failed };
}

/** One line in the result says how many these are; a finding for each would bury the others. */
export function isShed({ finding }: Pick<ItemRow, 'finding'>): boolean {
  return finding?.code === shedCode;
}

/** Without fresh output, and somebody lives with that. */
export function isAccepted(acceptances: Acceptances, row: ItemRow): boolean {
  return (
    isMissing(row.disposition) && row.finding !== undefined && acceptances.of(failureOf(row, row.finding)) !== undefined
  );
}

function failureOf({ key, recipe, fingerprint }: ItemRow, finding: Finding): Failure {
  return { finding: { ...finding, key, recipe }, fingerprint };
}

export function isMissing(disposition: Disposition | undefined): boolean {
  return disposition === 'failed' || disposition === 'quarantined' || disposition === 'carried';
}
