import { channelsOf, stagedBeside } from '../../domain/channels.js';
import type { Head } from '../../domain/head.js';
import type { SnapshotRow } from '../../engine/snapshots.js';
import type { Terminal } from '../terminal.js';
import { liveLine } from './result.js';
import { count, printable, short } from './units.js';

export interface SnapshotsView {
  readonly job: string;
  /** Undefined: nothing was ever published. */
  readonly head: Head | undefined;
  /** Newest first. */
  readonly rows: readonly SnapshotRow[];
}

export function snapshotsRecord({ job, head, rows }: SnapshotsView): object {
  return {
    type: 'snapshots',
    job,
    origin: head?.origin ?? null,
    seq: head?.seq ?? null,
    frozen: head?.frozen ?? null,
    snapshots: rows,
    channels: Object.fromEntries(head ? channelsOf(head).map((name) => [name, channelFacts(head, name)]) : []),
    commits: head?.commits ?? [],
  };
}

export function renderSnapshots(terminal: Terminal, { job, head, rows }: SnapshotsView): void {
  if (!head) {
    terminal.out(`${job}  nothing published yet`);
    terminal.out(`  next      ${terminal.paint('cyan', `nightpress run ${job}`)}`);
    return;
  }
  terminal.out(`${job}  ${count(rows.length, 'snapshot')}, head at seq ${head.seq}`);
  renderFrozen(terminal, head.frozen);
  const marks = rows.map(marksOf);
  const width = Math.max(...marks.map((mark) => mark.length), 0);
  rows.forEach((row, at) => {
    const mark = (marks[at] ?? '').padEnd(width);
    terminal.out(
      `  ${short(row.snapshot)}  ${seqOf(row)}  ${row.live ? terminal.paint('green', mark) : mark}  ${whence(row)}`,
    );
  });
  for (const channel of channelsOf(head)) terminal.out(`  channel   ${channel}: ${channelLine(head, channel)}`);
  if (terminal.verbose) for (const commit of head.commits) terminal.out(`  commit    ${commitLine(commit)}`);
}

/** Also what lifting it does: who only wants nights to go on must not be surprised. */
export function renderFrozen({ out, paint }: Terminal, frozen: Head['frozen']): void {
  if (!frozen) return;
  out(`  ${paint('yellow', 'frozen')}    since ${frozen.at}: ${printable(frozen.reason)}`);
  out('            runs stage what they make; unfreeze publishes what only the freeze holds by then');
}

/** What a channel shows, and what the gate holds there; null: nothing. */
function channelFacts({ channels }: Head, name: string) {
  return { shows: channels[name] ?? null, staged: channels[stagedBeside(name)] ?? null };
}

function channelLine(head: Head, name: string): string {
  const { shows, staged } = channelFacts(head, name);
  return [shows ? liveLine(shows) : 'what is live', ...(staged ? [`staged ${short(staged.snapshot)}`] : [])].join(', ');
}

function seqOf({ seq }: SnapshotRow): string {
  return `seq ${seq ?? '-'}`.padEnd(8);
}

function marksOf(row: SnapshotRow): string {
  const marks = [
    ...(row.live ? ['live'] : []),
    ...(row.previous ? ['previous'] : []),
    ...(row.staged ? [row.staged.length > 0 ? `staged (${row.staged.join(', ')})` : 'staged'] : []),
    ...row.pins.map((name) => `pinned ${name}`),
    ...(row.dropped ? [`let go, whole until ${row.dropped.until}`] : []),
  ];
  return marks.join(', ') || 'retained';
}

function whence({ at, window, run, assets }: SnapshotRow): string {
  const size = assets === null ? 'manifest damaged' : count(assets, 'asset');
  return [at, size, ...(window ? [`window ${window}`] : []), ...(run ? [`run ${run}`] : [])].map(printable).join('  ');
}

function commitLine({ seq, kind, reason }: Head['commits'][number]): string {
  return `seq ${seq}  ${kind}${reason === undefined ? '' : `: ${printable(reason)}`}`;
}
