import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { randomFrom } from '../support/random-sources.js';
import { cuts, flips, Patient, scenarios } from './rot.js';

/** A part of `npm run torture -- --rot`: some pages and some bits, always the same. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const one = (buffer: Buffer, at: number) => cuts('state.db', buffer).at(at);

describe.each(scenarios)('a $name state', (scenario) => {
  let patient: Patient;
  beforeAll(async () => {
    patient = await Patient.prepare(scenario);
  });
  afterAll(() => patient.end());

  test('that is cut off is refused by name, or what is missing of it is in the WAL', async () => {
    const whole = await patient.file('state.db');
    const isInWal = (await patient.file('state.db-wal')).length > 0;
    for (const at of [0, 1, -1]) {
      const suffered = await patient.suffer(one(whole, at) ?? expect.unreachable());
      expect(suffered, suffered.said).toMatchObject({ fate: isInWal ? expect.any(String) : 'refused at open' });
      expect(suffered.fate, suffered.said).not.toBe('wrong');
    }
  });

  test('with a flipped bit is refused by name, or makes the same snapshot', async () => {
    const whole = await patient.file('state.db');
    for (const damage of flips('state.db', whole, 6, randomFrom(7))) {
      const suffered = await patient.suffer(damage);
      expect(suffered.fate, `${damage.what}: ${suffered.said}`).not.toBe('wrong');
    }
  });
});
