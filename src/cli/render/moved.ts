import { isPromotable } from '../../domain/channels.js';
import type { EdgeRecord } from '../../domain/edges.js';
import type { Head } from '../../domain/head.js';
import { publishCommand } from '../../engine/move-head.js';
import { promoteCommand } from '../../engine/promotion.js';
import { liveOf } from '../../engine/report.js';
import type { Terminal } from '../terminal.js';
import { renderEdges } from './edges.js';
import { lineName, liveLine } from './result.js';
import { renderFrozen } from './snapshots.js';
import { printable } from './units.js';

/** What a person's commit did, and how the head stands after it. */
export interface Moved {
  readonly verb: 'publish' | 'promote' | 'resolve' | 'rollback' | 'unfreeze' | 'pin' | 'unpin' | 'withdraw' | 'lift';
  /** One line, for people. */
  readonly done: string;
  readonly head: Head;
  readonly channel?: string;
  readonly edges?: readonly EdgeRecord[];
  /** More members of the JSON record. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export function movedRecord(job: string, { verb, head, channel, edges = [], facts }: Moved): object {
  return {
    type: verb,
    job,
    ...(channel !== undefined && { channel }),
    seq: head.seq,
    live: liveOf(head),
    staged: head.channels.staged ?? null,
    frozen: head.frozen ?? null,
    pins: head.pins,
    ...facts,
    ...(edges.length > 0 && { edges }),
    next: nextCommands(job, head, channel),
  };
}

export function renderMoved(terminal: Terminal, job: string, { done, head, channel, edges }: Moved): void {
  const { staged } = head.channels;
  terminal.out(`${job}  ${terminal.paint('green', printable(done))}`);
  terminal.out(`  ${lineName(channel)} ${liveLine(liveOf(head))}`);
  if (staged) terminal.out(`  staged    ${liveLine(staged)}, held by ${staged.rules.join(', ') || 'no rule'}`);
  renderFrozen(terminal, head.frozen);
  renderEdges(terminal, edges);
  nextCommands(job, head, channel).forEach((command, at) => {
    terminal.out(`  ${at === 0 ? 'next      ' : '          '}${terminal.paint('cyan', command)}`);
  });
}

function nextCommands(job: string, head: Head, channel: string | undefined): readonly string[] {
  const {
    frozen,
    channels: { staged },
  } = head;
  if (channel !== undefined && !isPromotable(head)) return [];
  if (channel !== undefined) return [`nightpress diff ${job} live ${channel}`, promoteCommand(job, { channel })];
  if (!staged) return [`nightpress snapshots ${job}`];
  return [
    `nightpress diff ${job} live staged`,
    frozen ? `nightpress unfreeze ${job}` : publishCommand(job, staged.rules),
  ];
}
