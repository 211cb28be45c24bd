import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseWindow, type LedgerWindow } from '../../src/domain/choose-window.js';
import { type LedgerInput, readLedger } from '../../src/domain/ledger.js';
import type { CatchUp, Outcome } from '../../src/domain/types.js';
import { latestOpening, nextOpenings, openingsBetween, windowLabel } from '../../src/domain/window.js';

/** Every night at two, open until six, in UTC: windows are named by their day of November 2026. */
const spec = { cron: '0 2 * * *', timezone: 'UTC', lengthMs: 4 * 3_600_000 };

function at(time: string): number {
  return Date.parse(`2026-11-${time.replace(' ', 'T')}Z`);
}

function night(day: string, outcome?: Outcome): LedgerWindow {
  const scheduled = day.length === 2;
  const opens = at(scheduled ? `${day} 02:00` : day);
  return { opens, closes: opens + spec.lengthMs, label: windowLabel(opens, 'UTC'), scheduled, outcome };
}

interface Given {
  readonly now: string;
  readonly ledger: readonly LedgerWindow[];
  readonly openRun?: { readonly opens: string; readonly live: boolean };
  readonly catchUp?: CatchUp;
  readonly cron?: string;
}

/** `20 missed, 21 published`: windows by day, others than two o'clock with their hour. */
function told({ now, ledger, openRun, catchUp, cron = spec.cron }: Given, next = 1): string {
  const input: LedgerInput = {
    now: at(now),
    spec: { ...spec, cron, catchUp },
    windows: ledger,
    openRun: openRun && { ...openRun, opens: at(openRun.opens) },
    next,
  };
  return readLedger(input)
    .map(({ label, outcome }) => `${label.slice(8).replace('T02:00', '').replace('T', ' ')} ${outcome}`)
    .join(', ');
}

describe('every window has one outcome', () => {
  const [published20, published21] = [night('20', 'published'), night('21', 'published')];
  const table: [what: string, given: Given, lines: string][] = [
    ['nothing was ever run', { now: '22 03:00', ledger: [] }, '22 due, 23 expected'],
    ['a night nobody took yet', { now: '22 13:00', ledger: [published21] }, '21 published, 22 due, 23 expected'],
    [
      'nights nobody took',
      { now: '24 03:00', ledger: [published21] },
      '21 published, 22 missed, 23 missed, 24 due, 25 expected',
    ],
    [
      'no catching up: due while it is open',
      { now: '22 05:59', ledger: [published21], catchUp: 'none' },
      '21 published, 22 due, 23 expected',
    ],
    [
      'no catching up: missed from its close on',
      { now: '22 06:00', ledger: [published21], catchUp: 'none' },
      '21 published, 22 missed, 23 expected',
    ],
    [
      'a run is at it',
      { now: '22 03:00', ledger: [published21, night('22')], openRun: { opens: '22 02:00', live: true } },
      '21 published, 22 open, 23 expected',
    ],
    [
      'a run died in it, and the next one goes on',
      { now: '22 13:00', ledger: [published21, night('22')], openRun: { opens: '22 02:00', live: false } },
      '21 published, 22 open, 23 expected',
    ],
    [
      'a run was interrupted in it',
      { now: '22 13:00', ledger: [night('22', 'interrupted')], openRun: { opens: '22 02:00', live: false } },
      '22 interrupted, 23 expected',
    ],
    [
      'a run died in it, and its turn passed',
      { now: '23 03:00', ledger: [night('22')], openRun: { opens: '22 02:00', live: false } },
      '22 missed, 23 due, 24 expected',
    ],
    [
      'a run works on past its turn',
      { now: '23 03:00', ledger: [night('22')], openRun: { opens: '22 02:00', live: true } },
      '22 open, 23 due, 24 expected',
    ],
    [
      'its run was superseded',
      { now: '23 03:00', ledger: [night('22'), night('23', 'unchanged')] },
      '22 missed, 23 unchanged, 24 expected',
    ],
    [
      'windows outside the schedule',
      { now: '22 13:00', ledger: [published21, night('22 12:00', 'held')] },
      '21 published, 22 due, 22 12:00 held, 23 expected',
    ],
    [
      'the clock went back: nothing is told twice',
      { now: '20 13:00', ledger: [published20, published21] },
      '20 published, 21 published, 22 expected',
    ],
    [
      'the schedule changed: what it would have opened before is nobody’s fault',
      { now: '22 13:00', ledger: [published20, published21], cron: '0 4 * * *' },
      '20 published, 21 published, 21 04:00 missed, 22 04:00 due, 23 04:00 expected',
    ],
    [
      'the schedule changed, and nights of the new one were taken',
      {
        now: '24 13:00',
        ledger: [published20, { ...night('22 04:00', 'published'), scheduled: true }],
        cron: '0 4 * * *',
      },
      '20 published, 22 04:00 published, 23 04:00 missed, 24 04:00 due, 25 04:00 expected',
    ],
  ];

  test.each(table)('%s', (_what, given, lines) => {
    expect(told(given)).toBe(lines);
  });
});

test('for any clock and any luck, each opening has exactly one line, and `due` is what the next run takes', () => {
  const hours = (from: string, to: string) =>
    fc.integer({ min: at(from) / 3_600_000, max: at(to) / 3_600_000 }).map((hour) => hour * 3_600_000);
  const outcomes = fc.constantFrom<(Outcome | undefined)[]>(
    'published',
    'unchanged',
    'incomplete',
    'held',
    'failed',
    'unknown',
    undefined,
  );
  const calls = fc.array(fc.record({ now: hours('10 00:00', '20 00:00'), outcome: outcomes }), { maxLength: 8 });
  const catchUps = fc.constantFrom<CatchUp[]>('latest', 'none');
  fc.assert(
    fc.property(calls, catchUps, hours('10 00:00', '24 00:00'), (luck, catchUp, now) => {
      const schedule = { ...spec, catchUp };
      const ledger = new Map<number, LedgerWindow>();
      for (const { now: called, outcome } of luck) {
        const decision = chooseWindow({ now: called, spec: schedule, windows: [...ledger.values()] });
        if (decision.kind !== 'run') continue;
        ledger.set(decision.window.opens, { ...decision.window, scheduled: true, outcome });
      }
      const windows = [...ledger.values()];
      const lines = readLedger({ now, spec: schedule, windows, next: 3 });
      const first = Math.min(latestOpening(schedule, now).opens, ...windows.map(({ opens }) => opens));
      const [last = now] = nextOpenings(schedule, now, 3)
        .map(({ opens }) => opens)
        .reverse();
      expect(lines.map(({ opens }) => opens).filter((opens) => opens <= last)).toEqual(
        openingsBetween(schedule, first - 1, last).map(({ opens }) => opens),
      );
      const decision = chooseWindow({ now, spec: schedule, windows });
      const due = lines.filter(({ outcome }) => outcome === 'due').map(({ opens }) => opens);
      const again = ledger.get(decision.window.opens)?.outcome;
      const isNew = decision.kind === 'run' && again === undefined;
      expect(due).toEqual(isNew ? [decision.window.opens] : []);
    }),
    { numRuns: 200 },
  );
});
