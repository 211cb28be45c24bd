import { parseArgs } from 'node:util';
import { randomFrom } from '../support/random-sources.js';
import { table } from './reliability.js';
import { cuts, type Damage, type Fate, flips, Patient, type Scenario, type Suffered, scenarios } from './rot.js';

/** `npm run torture -- --rot [--flips N] [--seed S]`: states cut off and with flipped bits, see `rot.ts`. */
export async function rot(argv: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...argv], options: { rot: { type: 'boolean' }, flips: text, seed: text } });
  const [count, seed] = [Number(values.flips ?? 100), Number(values.seed ?? 1)];
  const startedAt = performance.now();
  const rows: Row[] = [];
  for (const scenario of scenarios) rows.push(...(await rowsOf(scenario, count, seed)));
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  process.stdout.write(`${rotText(rows)}\n\nrot: seed ${seed}, ${seconds} s\n`);
  const wrong = rows.flatMap(({ name, all }) =>
    all.filter(({ fate }) => fate === 'wrong').map((one) => ({ name, ...one })),
  );
  for (const one of wrong) process.stdout.write(`  ${one.name}, ${one.file} ${one.what}: ${one.said}\n`);
  return wrong.length === 0 ? 0 : 1;
}

interface Row {
  readonly name: string;
  readonly all: readonly Suffered[];
}

async function rowsOf(scenario: Scenario, count: number, seed: number): Promise<readonly Row[]> {
  const patient = await Patient.prepare(scenario);
  try {
    const [state, wal] = [await patient.file('state.db'), await patient.file('state.db-wal')];
    const random = randomFrom(seed);
    const rows = [
      await row(patient, `${scenario.name}: state.db cut at every page`, cuts('state.db', state)),
      await row(patient, `${scenario.name}: state.db, a bit flipped`, flips('state.db', state, count, random)),
    ];
    if (wal.length === 0) return rows;
    const cut = cuts('state.db-wal', wal).filter((_, at) => at % 4 === 0);
    return [
      ...rows,
      await row(patient, `${scenario.name}: state.db-wal cut`, cut),
      await row(
        patient,
        `${scenario.name}: state.db-wal, a bit flipped`,
        flips('state.db-wal', wal, count / 2, random),
      ),
    ];
  } finally {
    await patient.end();
  }
}

async function row(patient: Patient, name: string, damages: readonly Damage[]): Promise<Row> {
  const all: Suffered[] = [];
  for (const damage of damages) all.push(await patient.suffer(damage));
  process.stderr.write(`${name}: ${all.length} done\n`);
  return { name, all };
}

const fates: readonly Fate[] = ['refused at open', 'named later', 'harmless', 'wrong'];

function rotText(rows: readonly Row[]): string {
  const header = ['damage', 'times', ...fates, 'checkpointed items made again'];
  const lines = rows.map(({ name, all }) => [
    name,
    all.length,
    ...fates.map((fate) => all.filter((one) => one.fate === fate).length),
    all.reduce((sum, one) => sum + one.again, 0),
  ]);
  return table(header, lines);
}
