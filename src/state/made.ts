import type { Digest, Finding, Made, Output, SourceFacts } from '../domain/types.js';
import type { Mark, State } from './contract.js';
import { type Sql, toJson } from './sql.js';
import { fromSummed, toSummed } from './sum.js';

type MadeQueries = Pick<State, 'made' | 'forgetMade' | 'madeDigests' | 'quarantined' | 'releaseQuarantine'>;

/** What is remembered by fingerprint. Lists go to SQLite as one JSON value, so that no list is too long. */
export function madeQueries(sql: Sql): MadeQueries {
  return {
    made: (fingerprints) => readMade(sql, fingerprints),
    forgetMade: (fingerprints) =>
      sql.writing(
        () =>
          void sql.write(
            'DELETE FROM made WHERE fingerprint IN (SELECT value FROM json_each(?))',
            toJson(fingerprints),
          ),
      ),
    madeDigests: () =>
      sql.column<Digest>(`SELECT output.value ->> 'sha256' FROM made, json_each(made.outputs) AS output`),
    quarantined: (fingerprints) => readQuarantined(sql, fingerprints),
    releaseQuarantine: (fingerprints) =>
      sql.writing(
        () =>
          void sql.write(
            'DELETE FROM quarantine WHERE fingerprint IN (SELECT value FROM json_each(?))',
            toJson(fingerprints),
          ),
      ),
  };
}

export function insertMade(sql: Sql, { run, at, made }: Extract<Mark, { kind: 'made' }>): void {
  const outputs = toJson(made.outputs);
  sql.write(
    `INSERT OR REPLACE INTO made (fingerprint, source, outputs, placeholder, made_at, used_by)
     VALUES (?, ?, ?, ?, ?, (SELECT ordinal FROM run WHERE id = ?))`,
    made.fingerprint,
    toSummed(made.source, [made.fingerprint, outputs, made.placeholder ?? null]),
    outputs,
    made.placeholder ?? null,
    at,
    run,
  );
}

export function insertQuarantined(sql: Sql, mark: Extract<Mark, { kind: 'quarantined' }>): void {
  sql.write(
    'INSERT OR REPLACE INTO quarantine (fingerprint, key, recipe, finding, run, at) VALUES (?, ?, ?, ?, ?, ?)',
    mark.fingerprint,
    mark.key,
    mark.recipe,
    toJson(mark.finding),
    mark.run,
    mark.at,
  );
}

/** Only what a manifest may say: a flipped bit in the word `sum` would make a fact of it. */
function factsOf({ type, width, height, duration }: SourceFacts = { type: '' }): SourceFacts {
  return { type, width, height, duration };
}

function readMade(sql: Sql, fingerprints: readonly Digest[]): ReadonlyMap<Digest, Made> {
  const rows = sql.rows<{ fingerprint: Digest; source: string; outputs: string; placeholder: string | null }>(
    `SELECT fingerprint, source, outputs, placeholder FROM made
     WHERE fingerprint IN (SELECT value FROM json_each(?))`,
    toJson(fingerprints),
  );
  return new Map(
    rows.map(({ fingerprint, source, outputs, placeholder }) => [
      fingerprint,
      {
        fingerprint,
        source: factsOf(fromSummed<SourceFacts>(sql, source, [fingerprint, outputs, placeholder])),
        outputs: sql.json<readonly Output[]>(outputs),
        placeholder: placeholder ?? undefined,
      },
    ]),
  );
}

function readQuarantined(sql: Sql, fingerprints: readonly Digest[]): ReadonlyMap<Digest, Finding> {
  const rows = sql.rows<{ fingerprint: Digest; finding: string }>(
    'SELECT fingerprint, finding FROM quarantine WHERE fingerprint IN (SELECT value FROM json_each(?))',
    toJson(fingerprints),
  );
  return new Map(rows.map(({ fingerprint, finding }) => [fingerprint, sql.json<Finding>(finding)]));
}
