import type { ImportNights } from '../domain/deadline.js';
import { untold } from '../domain/edges.js';
import { Fault } from '../domain/faults.js';
import type { Head } from '../domain/head.js';
import type { LastSeen, Result } from '../domain/result.js';
import type { Job, Window } from '../domain/types.js';
import { nextOpenings, windowLabel } from '../domain/window.js';
import { newsSeq } from '../domain/withdraw.js';
import type { Origin } from '../origins/contract.js';
import type { LockHolder, Progress, RunRow, State, Verified } from '../state/contract.js';
import { lookAtLive, refuseStranger } from './base.js';
import { lastSeenBy } from './report.js';
import { importSoFar } from './shed.js';

export interface InspectParts {
  readonly job: Job;
  readonly state: State;
  readonly origin: Origin;
  readonly clock: () => number;
  /** Who holds the job's lock right now; undefined: nobody. */
  readonly holder: LockHolder | 'unknown' | undefined;
  /** One read more at the origin: the first node of the live manifest. */
  readonly looksAtLive?: boolean;
  /** What `verify` found last. */
  readonly verified: Verified | undefined;
}

/** Where a job stands, for people: read beside a live run, changes nothing. */
export interface Standing {
  readonly job: string;
  /** The line of snapshots that is told of; undefined: the live one. */
  readonly channel: string | undefined;
  readonly running: boolean;
  readonly holder: LockHolder | undefined;
  readonly head: Head | undefined;
  /** Beside `originFault`: what the state remembers of the origin; null: nothing. */
  readonly lastSeen: LastSeen | null;
  /** Why the head could not be read, or is not what was remembered. */
  readonly originFault: Fault | undefined;
  readonly run: RunRow | undefined;
  readonly progress: Progress | undefined;
  readonly next: Window;
  /** All is done but to go live, at this time of the job's zone: the close of the window. */
  readonly waitsUntil: string | undefined;
  /** Edges that were not told of the commit by which a run of this state brought the snapshot live. */
  readonly untold: readonly string[];
  /** What `verify` found wrong with the live snapshot, unless a run ended since, or what was just seen. */
  readonly damage: Verified | undefined;
  /** Which night of a first import the open run is, one window having been too short for it. */
  readonly importing: ImportNights | undefined;
}

/** `which`: a run's id or a prefix of it, or its place counted from the newest, 1 being the newest. */
export async function inspect(parts: InspectParts, which?: string): Promise<Standing> {
  const { job, state, holder } = parts;
  const run = findRun(state, which);
  const [next] = nextOpenings(job.window, parts.clock(), 1);
  if (!next) throw new Error(`window '${job.window.cron}' never opens again`);
  const { head, fault } = await readHead(parts);
  return {
    job: job.name,
    channel: job.channel,
    running: holder !== undefined,
    holder: holder === 'unknown' ? undefined : holder,
    head,
    lastSeen: lastSeenBy(state),
    originFault: fault,
    run,
    progress: run?.plan && state.progress(run.id),
    next,
    waitsUntil: waitsUntil(parts),
    untold: head ? untoldEdges(parts, head) : [],
    damage: (await damageSeen(parts, head)) ?? damageOf(parts, head),
    importing: head?.channels.live ? undefined : importing(state, run),
  };
}

function waitsUntil({ holder, clock, job }: InspectParts): string | undefined {
  const until = holder === 'unknown' ? undefined : holder?.waitsUntil;
  const zone = job.window.timezone;
  return until !== undefined && clock() < until ? `${windowLabel(until, zone)} ${zone}` : undefined;
}

function damageOf({ verified, state }: InspectParts, head: Head | undefined): Verified | undefined {
  const [newest] = state.runs(1);
  const isOld = verified && newest && (newest.endedAt ?? newest.startedAt) > verified.at;
  return isOld || verified?.snapshot !== head?.channels.live?.snapshot ? undefined : verified;
}

async function damageSeen({ job, origin, looksAtLive, clock }: InspectParts, head: Head | undefined) {
  const snapshot = head?.channels.live?.snapshot;
  if (!looksAtLive || !snapshot) return undefined;
  try {
    return void (await lookAtLive(origin, { snapshot }));
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'origin-corrupt') throw error;
    return {
      at: clock(),
      snapshot,
      problems: 1,
      first: error.message,
      next: error.waysOut.map((way) => way.replaceAll('{job}', job.name)),
    };
  }
}

/** Verbs by hand tell edges without a state: of what they brought live nothing is known here. */
function untoldEdges({ job, state }: InspectParts, head: Head): readonly string[] {
  const { live } = head.channels;
  const seq = newsSeq(head);
  const result = live && (state.run(live.run)?.result as Partial<Result> | undefined);
  const isOurs = result?.live?.seq === live?.seq && seq === live?.seq;
  if (!isOurs || seq === undefined || job.channel !== undefined) return [];
  const names = (job.edges ?? []).map(({ name }) => name);
  return [...untold(names, state.told(), { origin: head.origin, seq })];
}

function importing(state: State, run: RunRow | undefined): ImportNights | undefined {
  if (!run || (run.outcome !== undefined && run.outcome !== 'interrupted')) return undefined;
  const before = importSoFar(state, run.window.opens);
  return before && { ...before, night: before.night + 1 };
}

function findRun(state: State, which: string | undefined): RunRow | undefined {
  const runs = state.runs(1000);
  if (which === undefined) return state.openRun() ?? runs[0];
  const found = /^\d{1,3}$/.test(which) ? runs[Number(which) - 1] : runs.find((run) => run.id.startsWith(which));
  if (!found)
    throw new Fault('usage', `no run '${which}': expected a run id, or 1 to ${runs.length} counted from the newest`);
  return found;
}

async function readHead({ origin, state, job }: InspectParts): Promise<{ head?: Head; fault?: Fault }> {
  try {
    const remembered = state.origin(); // before the head, which a live run may move meanwhile
    const head = (await origin.readHead())?.head;
    if (remembered) refuseStranger(remembered, head, job.name);
    return { head };
  } catch (error) {
    if (error instanceof Fault) return { fault: error };
    throw error;
  }
}
