import { chooseWindow, type Decision } from '../domain/choose-window.js';
import { bearsUntil } from '../domain/outage.js';
import type { Base } from './base.js';
import { jobDigest } from './lifecycle.js';
import type { Night, ReadyRecipe } from './night.js';
import type { Patience } from './outage.js';

export interface RunRequest {
  /** A window outside the schedule. */
  readonly now?: boolean;
  /** The window again, although it is settled. */
  readonly rerun?: boolean;
  /** Accept an origin that is not the one the state remembers, or whose live manifest is damaged, as it is. */
  readonly adopt?: boolean;
  /** Instead of the close of the window: milliseconds since the epoch, or none at all. */
  readonly deadline?: number | 'none';
  /** A first import goes live with what there is when the deadline comes. */
  readonly allowPartial?: boolean;
  /** How long to look until every edge serves what is live; undefined: edges are only told. */
  readonly waitMs?: number;
  readonly random?: () => number;
}

/** Undefined: this call does not wait for an origin or source that is away. */
export function patienceOf(night: Night, request: RunRequest): Patience | undefined {
  const { now = false, deadline, random = Math.random } = request;
  const scheduled = !now && (night.state.openRun()?.scheduled ?? true);
  const until = bearsUntil(decide(night, request), { now: night.clock(), scheduled, deadline });
  return until === undefined ? undefined : { until, random };
}

/** `changed`: since the open run was planned; without an open run it decides nothing. */
export function decide(night: Night, request: RunRequest, changed?: Changed): Decision {
  const open = night.state.openRun();
  return chooseWindow({
    now: night.clock(),
    spec: night.job.window,
    windows: night.state.windows(),
    openRun: open && { opens: open.window.opens, changed },
    damaged: night.state.condemned(),
    flags: { now: request.now, rerun: request.rerun },
  });
}

type Changed = 'work' | 'live' | undefined;

/**
 * Whether the open run's plan still holds: neither job nor tools changed, and what is live is what it was planned on, or
 * what it made live itself. After a rollback the night is planned anew; what was made is found by fingerprint.
 */
export function whatChanged(night: Night, recipes: ReadonlyMap<string, ReadyRecipe>, base: Base): Changed {
  const open = night.state.openRun();
  if (open?.jobDigest !== jobDigest(night.job, recipes)) return 'work';
  const holds = !open.plan || open.plan.base === base.snapshot || base.head?.channels.live?.run === open.id;
  return holds ? undefined : 'live';
}

/** At an origin that lost what was live and is adopted as it is, no window counts as settled. */
export function decideFor(night: Night, request: RunRequest, base: Base): Decision {
  const decision = decide(night, request);
  const isDamaged = base.snapshot === undefined || base.damaged !== undefined;
  const isLost = request.adopt && isDamaged && decision.kind === 'nothing';
  return isLost ? decide(night, { ...request, rerun: true }) : decision;
}
