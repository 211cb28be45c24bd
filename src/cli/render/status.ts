import { causesOf } from '../../domain/causes.js';
import { channelsOf, isPromotable } from '../../domain/channels.js';
import { noItems, type Result, toldItems } from '../../domain/result.js';
import type { Job } from '../../domain/types.js';
import type { Standing } from '../../engine/inspect.js';
import { overrideCommands } from '../../engine/next-commands.js';
import type { Progress, RunRow } from '../../state/contract.js';
import type { Terminal } from '../terminal.js';
import { fateOf, holdsNow, isHeldNoMore, isPublishedByHand, isRolledBack, movesSince } from './fate.js';
import { lastSeenText, lineName } from './result.js';
import { renderFrozen } from './snapshots.js';
import { count, duration, leftText, printable, short } from './units.js';
import { movedSince, verdictOf } from './verdict.js';

/** The part of a stored result that `status` shows; rows written by other versions may lack any of it. */
type StoredResult = Partial<
  Pick<
    Result,
    | 'items'
    | 'snapshot'
    | 'findings'
    | 'held'
    | 'import'
    | 'shed'
    | 'shedUnshown'
    | 'fault'
    | 'next'
    | 'exit'
    | 'durationMs'
  >
>;

export function statusRecord(standing: Standing, next: readonly string[]): object {
  const { job, channel, running, holder, head, originFault, run, progress, next: opening, importing } = standing;
  return {
    type: 'status',
    job,
    ...(channel !== undefined && { channel }),
    verdict: verdictOf(standing).word,
    running,
    holder: holder ?? null,
    live: head?.channels.live ?? null,
    ...(originFault && { lastSeen: standing.lastSeen }),
    staged: head?.channels.staged ?? null,
    frozen: head?.frozen ?? null,
    channels: head ? channelsOf(head) : [],
    withdrawn: head?.withdrawn ?? [],
    originFault: originFault ? { code: originFault.code, message: originFault.message } : null,
    run: run
      ? {
          id: run.id,
          window: run.window.label,
          verb: run.verb,
          phase: run.phase,
          outcome: run.outcome ?? null,
          log: run.log,
        }
      : null,
    progress: progress ?? null,
    import: importing ?? (run?.result as StoredResult | undefined)?.import ?? null,
    result: run?.result ?? null,
    damage: standing.damage ?? null,
    next,
    nextWindow: { label: opening.label, opens: new Date(opening.opens).toISOString() },
  };
}

/** Opens with the verdict, what is live, the cause, and the next command; details follow. */
export function renderStatus(
  terminal: Terminal,
  standing: Standing,
  shown: { readonly now: number; readonly next: readonly string[] },
): void {
  const { now, next } = shown;
  const { paint } = terminal;
  const { word, colour } = verdictOf(standing);
  terminal.out(`${standing.job}  ${paint(colour, word)}`);
  terminal.out(`  ${lineName(standing.channel)} ${liveText(standing, now)}`);
  renderMoves(terminal, standing);
  for (const cause of causes(standing)) terminal.out(`  cause     ${printable(cause)}`);
  if (standing.importing) terminal.out(`  import    ${importText(standing.importing)}`);
  next.forEach((command, index) => {
    terminal.out(`  ${index === 0 ? 'next      ' : '          '}${paint('cyan', command)}`);
  });
  const { staged, live } = standing.head?.channels ?? {};
  if (staged)
    terminal.out(
      `  staged    snapshot ${short(staged.snapshot)} from window ${staged.window}, held by ${staged.rules.join(', ') || 'no rule'}`,
    );
  renderFrozen(terminal, standing.head?.frozen);
  const others = standing.head ? channelsOf(standing.head) : [];
  if (others.length > 0) terminal.out(`  channels  beside live: ${others.join(', ')}`);
  renderWithdrawn(terminal, standing.head?.withdrawn);
  if (standing.run) renderRun(terminal, standing.run, now);
  const { shed, shedUnshown } = (standing.run?.result ?? {}) as StoredResult;
  if (standing.progress) {
    const { carried, failed, left } = toldItems({
      items: { ...noItems, ...standing.progress.ended },
      shed,
      shedUnshown,
    });
    const ended = { ...standing.progress.ended, carried, failed, left };
    renderProgress(terminal, { ...standing.progress, ended }, standing.running, now);
  }
  if (shed) terminal.out(`  deadline  ${leftText(shed)}`);
  if (live) terminal.out(`  opens     next window ${standing.next.label}, in ${duration(standing.next.opens - now)}`);
}

/** How the verdict came to be another than the run's own. */
function renderMoves(terminal: Terminal, { run, head }: Standing): void {
  if (!run || !movedSince(run, head)) return;
  const moves = movesSince(run, head).map(
    ({ seq, kind, reason }) => `${kind} (seq ${seq}${reason ? `: ${reason}` : ''})`,
  );
  if (moves.length > 0) terminal.out(`  by hand   ${printable(moves.join(', '))}`);
}

function importText({ night, about }: NonNullable<Standing['importing']>): string {
  return `night ${night}${about === undefined ? '' : ` of about ${Math.max(night, about)}`}`;
}

const mostWithdrawn = 5;

function liveText({ head, originFault, lastSeen }: Standing, now: number): string {
  if (originFault?.code === 'origin-rewound') return `${lastSeenText(lastSeen)}: readers may find nothing`;
  if (originFault) return `${lastSeenText(lastSeen)}; readers keep what they have`;
  const live = head?.channels.live;
  if (!live) return 'nothing yet';
  return `snapshot ${short(live.snapshot)}  seq ${live.seq}  window ${live.window}, since ${duration(now - Date.parse(live.at))}`;
}

function causes({ originFault, run, head, running, damage }: Standing): readonly string[] {
  if (originFault) return [originFault.message];
  if (damage && !running) return [`${damage.first}${andMore(damage.problems - 1)}`];
  if (isPublishedByHand(run, head)) return [];
  if (isRolledBack(run, head) || isHeldNoMore(run, head)) return holdsNow(run, head);
  const result = (run?.result ?? {}) as StoredResult;
  const missing = (result.findings ?? []).filter((finding) => finding.severity === 'error');
  const first = causesOf(missing)[0]?.sample;
  const figures = `${count(missing.length, 'finding')}, ${count(causesOf(missing).length, 'cause')}`;
  const more = missing.length > 1 ? ` (one of ${figures})` : '';
  return [
    ...(result.fault ? [result.fault.message] : []),
    ...holdsNow(run, head),
    ...(first ? [`${first.key ? `${first.key}: ` : ''}${first.message} [${first.code}]${more}`] : []),
  ];
}

function andMore(others: number): string {
  return others > 0 ? ` (and ${count(others, 'more finding')})` : '';
}

/** What to type next, best first. */
export function nextCommands({ job, channel, running, run, head, originFault, damage }: Standing): readonly string[] {
  const isWaiting = running && originFault?.passes;
  if (originFault && !isWaiting) return originFault.waysOut.map((way) => way.replaceAll('{job}', job));
  if (running) return [`nightpress status ${job} --watch`];
  if (damage) return damage.next;
  if (head?.frozen) return [`nightpress unfreeze ${job}`];
  if (isPublishedByHand(run, head)) return [];
  if (!run?.outcome || run.outcome === 'interrupted') return [`nightpress run ${job}`];
  if (isHeldNoMore(run, head)) return [`nightpress snapshots ${job}`];
  const next = stillUseful({ name: job, channel }, run, head);
  const isOver = head !== undefined && !isPromotable(head); // promoted since the run said so, or live is the same by now
  return isOver ? next.filter((command) => !command.startsWith('nightpress promote ')) : next;
}

/** What the run named, less this very command; a freeze lifted since leaves other rules to override. */
function stillUseful(job: Pick<Job, 'name' | 'channel'>, run: RunRow, head: Standing['head']): readonly string[] {
  const { next = [] } = (run.result ?? {}) as StoredResult;
  const { staged } = head?.channels ?? {};
  const others = next.filter((command) => command !== `nightpress status ${job.name}`);
  if (run.outcome !== 'held' || !staged || fateOf(run, head) !== 'staged') return others;
  const now = overrideCommands(job, staged.rules, head);
  const isOld = (command: string) => now.includes(command) || /^nightpress (unfreeze|publish) /.test(command);
  return [...now, ...others.filter((command) => !isOld(command))];
}

/** The newest few: what is withheld from nights. */
function renderWithdrawn(terminal: Terminal, withdrawn: NonNullable<Standing['head']>['withdrawn'] = []): void {
  for (const { key, at, reason } of withdrawn.slice(-mostWithdrawn))
    terminal.out(`  withdrawn ${printable(key)} at ${at}: ${printable(reason)}`);
  const more = withdrawn.length - mostWithdrawn;
  if (more > 0) terminal.out(`            and ${count(more, 'older one')}; --json lists all`);
}

function renderRun(terminal: Terminal, run: RunRow, now: number): void {
  const { durationMs = (run.endedAt ?? now) - run.startedAt } = (run.result ?? {}) as StoredResult; // as the run said it
  const took = duration(durationMs);
  terminal.out(
    `  run       ${run.id} (${run.verb}) for window ${run.window.label}: ${run.outcome ?? run.phase}, ${took}`,
  );
  terminal.out(`  log       ${run.log}`);
}

function renderProgress(terminal: Terminal, progress: Progress, running: boolean, now: number): void {
  const { ended } = progress;
  const parts = Object.entries({ todo: progress.todo, claimed: progress.claimed, ...ended }).filter(([, n]) => n > 0);
  terminal.out(`  items     ${parts.map(([word, n]) => `${n} ${word}`).join(', ') || 'none to do'}`);
  if (running && progress.lastEndedAt !== undefined)
    terminal.out(`  last item ended ${duration(now - progress.lastEndedAt)} ago`);
  const open = progress.partitions.filter(
    (partition) => terminal.verbose || partition.failed > 0 || (running && partition.ended < partition.items),
  );
  for (const partition of open.slice(0, terminal.verbose ? open.length : 8)) {
    const failed = partition.failed > 0 ? `, ${partition.failed} failed` : '';
    const { id, ended, items, predictedSeconds } = partition;
    terminal.out(
      `  partition ${id}  ${ended} of ${items} items${failed}  predicted ${duration(predictedSeconds * 1000)}${tookText(partition)}`,
    );
  }
}

function tookText({ ended, items, endedSeconds, workedSeconds }: Progress['partitions'][number]): string {
  if (ended === 0) return '';
  const part = ended < items ? ` for ${duration(endedSeconds * 1000)} of it` : '';
  return `, took ${duration(workedSeconds * 1000)}${part}`;
}
