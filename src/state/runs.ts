import { mayMove } from '../domain/states.js';
import type { Digest, Outcome, RunId, SnapshotId } from '../domain/types.js';
import type { NewRun, PlanTotals, RunEnd, RunPhase, RunRow, RunVerb, State, WindowRow } from './contract.js';
import { type Sql, toJson } from './sql.js';
import { fromSummed } from './sum.js';

type RunQueries = Pick<State, 'windows' | 'beginRun' | 'openRun' | 'run' | 'runs' | 'advance' | 'endRun'>;

/**
 * The life of a run as rows; its moves are those of `domain/states.ts`.
 *
 *   open        it has no outcome (alive, or killed), or it is the newest run and was interrupted
 *   ended       it has an outcome. `interrupted` goes on while no newer run was begun, and may instead be ended for good;
 *               `unknown` may become known
 *
 * A window's outcome is that of its newest run that ended and was not superseded: an interrupted run that works again or
 * is superseded takes its own outcome back from the window.
 */
export function runQueries(sql: Sql): RunQueries {
  return {
    windows: () => sql.rows<WindowColumns>(windowsSelect).map(toWindow),
    beginRun: (run) => sql.writing(() => beginRun(sql, run)),
    openRun: () => {
      const [newest] = readRuns(sql, 'ORDER BY ordinal DESC LIMIT 1');
      return newest && (newest.outcome === undefined || newest.outcome === 'interrupted') ? newest : undefined;
    },
    run: (id) => readRun(sql, id),
    runs: (limit) => readRuns(sql, 'ORDER BY ordinal DESC LIMIT ?', limit),
    advance: (run, phase) => sql.writing(() => moveRun(sql, run, phase)),
    endRun: (run, end) => sql.writing(() => endRun(sql, run, end)),
  };
}

export function readRun(sql: Sql, id: RunId): RunRow | undefined {
  return readRuns(sql, 'WHERE id = ?', id)[0];
}

/** One move to a phase of work; out of `ended` it takes the outcome back. Inside a transaction. */
export function moveRun(sql: Sql, id: RunId, phase: RunPhase): void {
  const run = demandRun(sql, id);
  if (phase === 'ended') throw new Error(`run ${id} cannot end without an outcome`);
  if (!mayMove(run.phase, phase, run.outcome)) throw new Error(`run ${id} cannot move from ${run.phase} to ${phase}`);
  if (run.phase === 'ended') refuseOvertaken(sql, id);
  sql.write(
    'UPDATE run SET phase = ?, outcome = NULL, ended_at = NULL, result = NULL, snapshot = NULL WHERE id = ?',
    phase,
    id,
  );
  if (run.phase === 'ended') takeBack(sql, run);
}

function beginRun(sql: Sql, run: NewRun): void {
  const [open] = sql.column<string>('SELECT id FROM run WHERE outcome IS NULL');
  if (open !== undefined) throw new Error(`run ${run.id} begun while run ${open} has not ended`);
  const { opens, closes, label } = run.window;
  sql.write(
    `INSERT INTO "window" (opens, closes, label, scheduled) VALUES (?, ?, ?, ?)
     ON CONFLICT (opens) DO UPDATE SET closes = excluded.closes, label = excluded.label`,
    opens,
    closes,
    label,
    run.scheduled ? 1 : 0,
  );
  sql.write(
    `INSERT INTO run (id, opens, verb, started_at, job_digest, log, phase) VALUES (?, ?, ?, ?, ?, ?, 'scanning')`,
    run.id,
    opens,
    run.verb,
    run.startedAt,
    run.jobDigest,
    run.log,
  );
}

function endRun(sql: Sql, id: RunId, end: RunEnd): void {
  const run = demandRun(sql, id);
  if (run.outcome !== undefined && run.outcome !== 'interrupted' && run.outcome !== 'unknown') {
    throw new Error(`run ${id} ended as ${run.outcome} and cannot end again as ${end.outcome}`);
  }
  const snapshot = end.snapshot ?? null;
  sql.write(
    `UPDATE run SET phase = 'ended', outcome = ?, ended_at = ?, snapshot = ?, result = ? WHERE id = ?`,
    end.outcome,
    end.endedAt,
    snapshot,
    toJson(end.result),
    id,
  );
  if (end.outcome === 'superseded') takeBack(sql, run);
  else {
    const { opens } = run.window;
    sql.write(
      'UPDATE "window" SET outcome = ?, run = ?, snapshot = ? WHERE opens = ?',
      end.outcome,
      id,
      snapshot,
      opens,
    );
  }
}

/** The window's outcome, if it was this run's, is again that of the run before it; none when there is no such run. */
function takeBack(sql: Sql, run: RunRow): void {
  sql.write(
    `UPDATE "window" SET (outcome, run, snapshot) = (
       SELECT outcome, id, snapshot FROM run
       WHERE opens = "window".opens AND outcome <> 'superseded' ORDER BY ordinal DESC LIMIT 1
     ) WHERE opens = ? AND run = ?`,
    run.window.opens,
    run.id,
  );
}

function refuseOvertaken(sql: Sql, id: RunId): void {
  const [newest] = sql.column<string>('SELECT id FROM run ORDER BY ordinal DESC LIMIT 1');
  if (newest !== id) throw new Error(`run ${id} cannot go on: run ${newest} was begun after it`);
}

function demandRun(sql: Sql, id: RunId): RunRow {
  const run = readRun(sql, id);
  if (!run) throw new Error(`no run ${id} in this state`);
  return run;
}

interface RunColumns {
  id: RunId;
  verb: RunVerb;
  startedAt: number;
  jobDigest: Digest;
  log: string;
  phase: RunPhase;
  plan: string | null;
  outcome: Outcome | null;
  endedAt: number | null;
  result: string | null;
  opens: number;
  closes: number;
  label: string;
  scheduled: number;
}

function readRuns(sql: Sql, clauses: string, ...values: readonly (string | number)[]): RunRow[] {
  const rows = sql.rows<RunColumns>(
    `SELECT run.id, verb, started_at AS startedAt, job_digest AS jobDigest, log, phase, plan, run.outcome,
       ended_at AS endedAt, result, opens, closes, label, scheduled
     FROM run JOIN "window" USING (opens) ${clauses}`,
    ...values,
  );
  return rows.map((row) => toRun(sql, row));
}

function toRun(sql: Sql, { opens, closes, label, ...row }: RunColumns): RunRow {
  return {
    ...row,
    window: { opens, closes, label },
    scheduled: row.scheduled === 1,
    plan: fromSummed<PlanTotals>(sql, row.plan, [row.id]),
    outcome: row.outcome ?? undefined,
    endedAt: row.endedAt ?? undefined,
    result: sql.json<unknown>(row.result),
  };
}

/** Exit 5 is what a run that its deadline held ends with. */
const windowsSelect = `SELECT "window".*, coalesce(run.result ->> 'exit' = 5, 0) AS byDeadline
  FROM "window" LEFT JOIN run ON run.id = "window".run ORDER BY "window".opens`;

interface WindowColumns {
  opens: number;
  closes: number;
  label: string;
  scheduled: number;
  outcome: Outcome | null;
  run: RunId | null;
  snapshot: SnapshotId | null;
  byDeadline: number;
}

function toWindow(row: WindowColumns): WindowRow {
  return {
    ...row,
    scheduled: row.scheduled === 1,
    byDeadline: row.byDeadline === 1 || undefined,
    outcome: row.outcome ?? undefined,
    run: row.run ?? undefined,
    snapshot: row.snapshot ?? undefined,
  };
}
