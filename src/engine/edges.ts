import {
  type EdgeRecord,
  edgeRecord,
  headKey,
  nextLookMs,
  purgeReference,
  untold,
  type Waited,
  whatIsStale,
} from '../domain/edges.js';
import { Fault } from '../domain/faults.js';
import type { Head } from '../domain/head.js';
import { emptiedKeys, newsSeq, takedownReference } from '../domain/withdraw.js';
import type { Edge, EdgeStop } from '../edges/contract.js';
import type { State } from '../state/contract.js';
import type { Emit } from './events.js';

/** What telling edges needs; a night has all of it. */
export interface EdgeParts {
  readonly edges: readonly Edge[];
  readonly clock: () => number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly stop: EdgeStop;
  readonly emit?: Emit;
  /** Remembers who was told. Without one everybody is told, which does no harm. */
  readonly state?: Pick<State, 'told' | 'rememberTold'>;
  /** Without a state: the edges have heard of takedowns up to this commit; unless said, of all before what is live. */
  readonly since?: number;
}

/**
 * The head has moved, now or before a crash: tells every edge that does not know yet, and with `waitMs` looks until each of
 * its URLs serves what is live or something newer. Nothing here fails a night: the snapshot is live, and what an edge made of
 * the news is in its record. Empty: nobody had to be told, and nobody waits.
 */
export async function tellEdges(
  parts: EdgeParts,
  head: Head | undefined,
  waitMs: number | undefined,
): Promise<readonly EdgeRecord[]> {
  const seq = head && newsSeq(head);
  if (!head || seq === undefined) return [];
  const told = { origin: head.origin, seq };
  const names = parts.edges.map(({ name }) => name);
  const due = untold(names, parts.state?.told() ?? [], told);
  if (due.size === 0 && waitMs === undefined) return [];
  const startedAt = parts.clock();
  const records = await Promise.all(
    parts.edges.map(async (edge) => {
      const trouble = due.has(edge.name)
        ? await tell(edge, { ...told, emptied: emptiedFor(parts, edge.name, head) }, parts.stop)
        : undefined;
      const waited = waitMs === undefined ? undefined : await waitFor(parts, edge, { told, startedAt, waitMs });
      const record = edgeRecord(edge.name, trouble, waited);
      parts.emit?.({ type: 'edge', ...record });
      return record;
    }),
  );
  // Together and last: a state that cannot be written stops nobody's wait half-way, and who dies before this tells again.
  for (const { name, told: knows } of records)
    if (knows && due.has(name)) parts.state?.rememberTold({ edge: name, ...told, at: parts.clock() });
  return records;
}

interface ToldOf {
  readonly origin: string;
  /** Of the commit that made the live snapshot live, or of a takedown after it. */
  readonly seq: number;
}

/** Keys that takedowns emptied since this edge last heard of anything. */
function emptiedFor({ state, since }: EdgeParts, edge: string, head: Head): readonly string[] {
  if (!state) return emptiedKeys(head, since ?? (head.channels.live?.seq ?? 1) - 1);
  const heard = state.told().find((one) => one.edge === edge && one.origin === head.origin)?.seq;
  return emptiedKeys(head, heard !== undefined && heard <= head.seq ? heard : undefined); // of more than there is: rewound
}

/** Undefined: it was told. */
async function tell(
  edge: Edge,
  { emptied, ...told }: ToldOf & { readonly emptied: readonly string[] },
  stop: EdgeStop,
): Promise<string | undefined> {
  try {
    const reference = emptied.length > 0 ? takedownReference(told, emptied) : purgeReference(told);
    await edge.purge({ keys: [headKey, ...emptied], reference }, stop);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.message;
  }
  return undefined;
}

interface Wait {
  readonly told: ToldOf;
  readonly startedAt: number;
  readonly waitMs: number;
}

/** One look may take so long, and the last one no longer than what is left. */
const lookMs = 10_000;

async function waitFor({ clock, pause, stop }: EdgeParts, edge: Edge, wait: Wait): Promise<Waited> {
  const { asked: signal } = stop;
  for (let looks = 1; ; looks++) {
    const left = Math.max(0, wait.startedAt + wait.waitMs - clock());
    const shown = await edge.look(headKey, { withinMs: Math.min(lookMs, Math.max(1000, left)), signal });
    const stale = shown.flatMap((look) => whatIsStale(look, wait.told) ?? []);
    const spentMs = Math.max(0, clock() - wait.startedAt);
    if (stale.length === 0) return { servedAfterMs: spentMs };
    if (signal.aborted || spentMs >= wait.waitMs) {
      const when = signal.aborted ? 'when the wait was stopped' : `after ${Math.round(spentMs / 1000)} s`;
      return { stale: `${stale.join(', ')} ${when}, expected seq ${wait.told.seq}` };
    }
    await pause(Math.min(nextLookMs(looks), wait.waitMs - spentMs), signal);
  }
}
