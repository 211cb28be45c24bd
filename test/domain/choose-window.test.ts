import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChooseInput, chooseWindow, type Decision, type LedgerWindow } from '../../src/domain/choose-window.js';
import { Fault } from '../../src/domain/faults.js';
import type { Outcome } from '../../src/domain/types.js';
import { latestOpening, windowLabel } from '../../src/domain/window.js';

/** Every night at two, open until six, in UTC: windows are named by their day of November 2026. */
const spec = { cron: '0 2 * * *', timezone: 'UTC', lengthMs: 4 * 3_600_000 };

function at(time: string): number {
  return Date.parse(`2026-11-${time.replace(' ', 'T')}Z`);
}

/** A ledger row: `night('20', 'published')` is scheduled, `night('20 12:00', …)` is a window of `run --now`. */
function night(day: string, outcome?: Outcome): LedgerWindow {
  const scheduled = day.length === 2;
  const opens = at(scheduled ? `${day} 02:00` : day);
  return { opens, closes: opens + spec.lengthMs, label: windowLabel(opens, 'UTC'), scheduled, outcome };
}

interface Given {
  readonly now: string;
  readonly ledger: readonly LedgerWindow[];
  readonly open?: LedgerWindow;
  readonly changed?: 'work' | 'live';
  readonly damaged?: number;
  readonly flags?: ChooseInput['flags'];
  readonly spec?: ChooseInput['spec'];
}

function choose({ now, ledger, open, changed, damaged, flags, spec: other = spec }: Given): Decision {
  const openRun = open && { opens: open.opens, changed };
  const windows = open ? [...ledger, open] : ledger;
  return chooseWindow({ now: at(now), spec: other, windows, openRun, damaged, flags });
}

/** `run 22, missed 20 21`: the decision in one line, windows by day, unscheduled ones with their hour. */
function told(decision: Decision): string {
  const scheduled = decision.kind === 'run' ? decision.scheduled : decision.window.label.endsWith('T02:00');
  const day = (label: string) => label.slice(8, 10);
  const name = scheduled ? day(decision.window.label) : decision.window.label.slice(8).replace('T', ' ');
  if (decision.kind === 'nothing') {
    return `nothing ${name}, next ${day(/next opens (\S+),/.exec(decision.because)?.[1] ?? '')}`;
  }
  if (decision.kind === 'resume') return `resume ${name}`;
  const missed = decision.missed.map(({ label }) => day(label)).join(' ');
  return `run ${name}${missed ? `, missed ${missed}` : ''}`;
}

const published21 = night('21', 'published');
const published22 = night('22', 'published');
const noon22 = night('22 12:00');
const byNow = { now: true };
const byRerun = { rerun: true };

describe('last outcome × now × what changed', () => {
  const table: [what: string, given: Given, decision: string][] = [
    // Nothing open.
    ['first run ever, inside a window', { now: '22 03:00', ledger: [] }, 'run 22'],
    ['first run ever, long after it closed', { now: '22 20:00', ledger: [] }, 'run 22'],
    ['the night is due', { now: '22 02:00', ledger: [published21] }, 'run 22'],
    ['a second before it is due', { now: '22 01:59:59', ledger: [published21] }, 'nothing 21, next 22'],
    ['the night was missed and its window is closed: caught up', { now: '22 13:00', ledger: [published21] }, 'run 22'],
    [
      'three nights were missed: the last is caught up',
      { now: '25 03:00', ledger: [published21] },
      'run 25, missed 22 23 24',
    ],
    ['published in this window', { now: '22 02:10', ledger: [published21, published22] }, 'nothing 22, next 23'],
    ['published, the window is closed', { now: '22 23:00', ledger: [published22] }, 'nothing 22, next 23'],
    ['unchanged', { now: '22 03:00', ledger: [night('22', 'unchanged')] }, 'nothing 22, next 23'],
    ['incomplete', { now: '22 03:00', ledger: [night('22', 'incomplete')] }, 'nothing 22, next 23'],
    ['published, and damaged since', { now: '22 23:00', ledger: [published22], damaged: 1 }, 'run 22'],
    [
      'published, then --now, and damaged since',
      { now: '22 23:00', ledger: [published22, night('22 12:00', 'unchanged')], damaged: 1 },
      'run 22 12:00',
    ],
    [
      'damaged, but held by its deadline: not by day',
      { now: '22 23:00', ledger: [{ ...night('22', 'held'), byDeadline: true }], damaged: 1 },
      'nothing 22, next 23',
    ],
    ['held', { now: '22 03:00', ledger: [night('22', 'held')] }, 'run 22'],
    ['failed', { now: '22 13:00', ledger: [published21, night('22', 'failed')] }, 'run 22'],
    ['unknown whether published', { now: '22 03:00', ledger: [night('22', 'unknown')] }, 'run 22'],
    ['a row without outcome or run', { now: '22 03:00', ledger: [night('22')] }, 'run 22'],
    ['yesterday failed, today is due', { now: '22 03:00', ledger: [night('21', 'failed')] }, 'run 22'],
    ['yesterday never ended: named as missed', { now: '22 03:00', ledger: [night('21')] }, 'run 22, missed 21'],
    [
      'yesterday interrupted: named as missed',
      { now: '22 03:00', ledger: [night('21', 'interrupted')] },
      'run 22, missed 21',
    ],
    [
      'the ledger in any order',
      { now: '22 03:00', ledger: [published22, published21, night('20', 'failed')] },
      'nothing 22, next 23',
    ],
    [
      'an unscheduled run settles no night',
      { now: '23 03:00', ledger: [published21, night('22 12:00', 'published')] },
      'run 23, missed 22',
    ],
    [
      'an unscheduled run failed after a published night',
      { now: '22 13:00', ledger: [published22, night('22 12:00', 'failed')] },
      'run 22 12:00',
    ],
    [
      'an unscheduled run failed, a newer one did not',
      { now: '22 14:00', ledger: [published22, night('22 12:00', 'failed'), night('22 13:00', 'unchanged')] },
      'nothing 22, next 23',
    ],
    [
      'an unscheduled run was held, and the night failed before it',
      { now: '22 13:00', ledger: [night('22', 'failed'), night('22 12:00', 'held')] },
      'run 22',
    ],
    [
      'an unscheduled run failed before the night that is published',
      { now: '22 13:00', ledger: [published22, night('22 01:00', 'failed')] },
      'nothing 22, next 23',
    ],

    // A run is open: it crashed or was interrupted.
    ['crashed in this window', { now: '22 03:00', ledger: [published21], open: night('22') }, 'resume 22'],
    [
      'interrupted in this window, now closed',
      { now: '22 20:00', ledger: [], open: night('22', 'interrupted') },
      'resume 22',
    ],
    ['crashed, job or tools changed', { now: '22 03:00', ledger: [], open: night('22'), changed: 'work' }, 'run 22'],
    ['crashed, and the next night is due', { now: '23 02:00', ledger: [], open: night('22') }, 'run 23, missed 22'],
    ['crashed two nights ago', { now: '24 03:00', ledger: [], open: night('22') }, 'run 24, missed 22 23'],
    [
      'crashed last night, and tools changed',
      { now: '23 03:00', ledger: [], open: night('22'), changed: 'work' },
      'run 23, missed 22',
    ],
    ['a retry crashed in the published window', { now: '22 09:00', ledger: [], open: published22 }, 'resume 22'],
    [
      'a retry crashed in the published window, job changed',
      { now: '22 09:00', ledger: [], open: published22, changed: 'work' },
      'run 22',
    ],
    [
      'the schedule moved away from the open window',
      { now: '22 03:00', ledger: [], open: night('22'), spec: { ...spec, cron: '30 1 * * *' } },
      'run 22',
    ],

    // An unscheduled run is open.
    ['--now crashed: run goes on', { now: '22 13:00', ledger: [published22], open: noon22 }, 'resume 22 12:00'],
    [
      '--now crashed while the night was never worked',
      { now: '22 13:00', ledger: [published21], open: noon22 },
      'resume 22 12:00',
    ],
    [
      '--now crashed, --now again goes on',
      { now: '22 13:00', ledger: [published22], open: noon22, flags: byNow },
      'resume 22 12:00',
    ],
    [
      '--now crashed, tools changed',
      { now: '22 13:00', ledger: [published22], open: noon22, changed: 'work' },
      'run 22 12:00',
    ],
    ['--now crashed, and the night is due', { now: '23 02:00', ledger: [published22], open: noon22 }, 'run 23'],
    [
      '--now crashed, the night is due, --now again',
      { now: '23 03:00', ledger: [published22], open: noon22, flags: byNow },
      'run 23 03:00',
    ],

    // --now and --rerun.
    ['--now after a published night', { now: '22 13:00', ledger: [published22], flags: byNow }, 'run 22 13:00'],
    ['--now as the first run ever', { now: '22 13:00', ledger: [], flags: byNow }, 'run 22 13:00'],
    [
      '--now while the night is unfinished',
      { now: '22 13:00', ledger: [], open: night('22'), flags: byNow },
      'run 22 13:00',
    ],
    [
      '--now names missed nights too',
      { now: '24 13:00', ledger: [published21], flags: byNow },
      'run 24 13:00, missed 22 23',
    ],
    ['--rerun of a published night', { now: '22 13:00', ledger: [published22], flags: byRerun }, 'run 22'],
    ['--rerun of a night never worked', { now: '22 13:00', ledger: [published21], flags: byRerun }, 'run 22'],
    [
      '--rerun of a newer window of --now',
      { now: '22 13:00', ledger: [published22, night('22 12:00', 'failed')], flags: byRerun },
      'run 22 12:00',
    ],
    [
      '--rerun when a night came after --now',
      { now: '23 03:00', ledger: [night('22 12:00', 'published')], flags: byRerun },
      'run 23',
    ],
    [
      '--rerun over an unfinished run starts over',
      { now: '22 03:00', ledger: [], open: night('22'), flags: byRerun },
      'run 22',
    ],

    // The clock was set back: the ledger lies in the future.
    [
      'clock back, the older night is settled',
      { now: '22 01:00', ledger: [published21, published22] },
      'nothing 21, next 22',
    ],
    ['clock back, then forth again', { now: '22 03:00', ledger: [published21, published22] }, 'nothing 22, next 23'],
    ['clock back, an open run goes on', { now: '22 01:00', ledger: [published21], open: night('22') }, 'resume 22'],
    ['clock back, an open --now goes on', { now: '22 11:00', ledger: [published22], open: noon22 }, 'resume 22 12:00'],
    [
      'clock back, an open run with other tools',
      { now: '22 01:00', ledger: [published21], open: night('22'), changed: 'work' },
      'run 22',
    ],
    ['clock mended after a night in the far future', { now: '22 03:00', ledger: [night('28', 'published')] }, 'run 22'],
    [
      'clock back and --rerun: not the window of the future',
      { now: '21 03:00', ledger: [published22], flags: byRerun },
      'run 21',
    ],
  ];

  test.each(table)('%s', (_what, given, decision) => {
    expect(told(choose(given))).toBe(decision);
  });
});

describe('a decision says', () => {
  const table: [what: string, given: Given, because: string][] = [
    ['that it is the first', { now: '22 03:00', ledger: [] }, 'first run'],
    ['that the night is due', { now: '22 03:00', ledger: [published21] }, '2026-11-22T02:00 is due'],
    ['that it was held', { now: '22 03:00', ledger: [night('22', 'held')] }, '2026-11-22T02:00 was held'],
    ['that it failed', { now: '22 03:00', ledger: [night('22', 'failed')] }, '2026-11-22T02:00 failed'],
    [
      'what is not known',
      { now: '22 03:00', ledger: [night('22', 'unknown')] },
      'whether 2026-11-22T02:00 was published is unknown',
    ],
    ['what goes on', { now: '22 03:00', ledger: [], open: night('22') }, 'the run of 2026-11-22T02:00 is unfinished'],
    [
      'what changed',
      { now: '22 03:00', ledger: [], open: night('22'), changed: 'work' },
      'job or tools changed since the run of 2026-11-22T02:00 was planned',
    ],
    [
      'that only what is live changed',
      { now: '22 03:00', ledger: [], open: night('22'), changed: 'live' },
      'what is live changed since the run of 2026-11-22T02:00 was planned',
    ],
    [
      'what is damaged',
      { now: '22 03:00', ledger: [published22], damaged: 2 },
      'verify found blobs of 2 assets damaged',
    ],
    [
      'whose turn it is',
      { now: '23 03:00', ledger: [], open: night('22') },
      'the run of 2026-11-22T02:00 is unfinished, but it is the turn of 2026-11-23T02:00',
    ],
    [
      'what to do when there is nothing to do',
      { now: '22 03:00', ledger: [published22] },
      'window 2026-11-22T02:00 is published; the next opens 2026-11-23T02:00, run --now works at once',
    ],
    [
      'which windows nobody took',
      { now: '25 03:00', ledger: [published22] },
      '2026-11-25T02:00 is due; never ended before it: 2026-11-23T02:00, 2026-11-24T02:00',
    ],
    ['who asked', { now: '22 03:00', ledger: [published22], flags: byRerun }, 'asked for with --rerun'],
  ];

  test.each(table)('%s', (_what, given, because) => {
    expect(choose(given).because).toBe(because);
  });
});

test('a window worked again is as long as the schedule says today, a resumed one as long as it was', () => {
  const longer = { ...spec, lengthMs: 2 * spec.lengthMs };
  const open = night('22');
  expect(choose({ now: '22 03:00', ledger: [], open, spec: longer }).window.closes).toBe(open.closes);
  const again = choose({ now: '22 03:00', ledger: [], open, spec: longer, changed: 'work' }).window;
  expect(again).toEqual({ opens: open.opens, closes: open.opens + longer.lengthMs, label: open.label });
});

test('--now and --rerun together are refused', () => {
  expect(() => choose({ now: '22 03:00', ledger: [], flags: { now: true, rerun: true } })).toThrow(Fault);
});

test('an open run whose window is not in the ledger is a bug and says so', () => {
  const openRun = { opens: at('22 02:00') };
  expect(() => chooseWindow({ now: at('22 03:00'), spec, windows: [], openRun })).toThrow('not in the ledger');
});

test('for any clock, called again after publishing there is nothing to do, and no settled window ever runs unasked', () => {
  const clock = fc.array(fc.integer({ min: at('18 00:00'), max: at('28 00:00') }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(clock, (instants) => {
      const ledger: LedgerWindow[] = [];
      for (const now of instants) {
        const decision = chooseWindow({ now, spec, windows: ledger });
        expect(decision.window.opens).toBe(latestOpening(spec, now).opens);
        expect(decision.kind).toBe(ledger.some(({ opens }) => opens === decision.window.opens) ? 'nothing' : 'run');
        if (decision.kind !== 'run') continue;
        ledger.push({ ...decision.window, scheduled: decision.scheduled, outcome: 'published' });
        expect(chooseWindow({ now, spec, windows: ledger }).kind).toBe('nothing');
      }
    }),
    { numRuns: 100 },
  );
});

describe('a window that closed before anybody began it, with catchUp none', () => {
  const none = { ...spec, catchUp: 'none' } as const;
  const table: [what: string, given: Given, decision: string][] = [
    ['while it is open, it is run', { now: '22 05:59:59', ledger: [published21] }, 'run 22'],
    ['from its close on, it is left', { now: '22 06:00', ledger: [published21] }, 'nothing 22, next 23'],
    ['several in a row are left', { now: '25 13:00', ledger: [published21] }, 'nothing 25, next 26'],
    ['the next night names them', { now: '26 02:00', ledger: [published21] }, 'run 26, missed 22 23 24 25'],
    ['the first run ever works at once', { now: '22 13:00', ledger: [] }, 'run 22'],
    ['one that was begun and died goes on', { now: '22 13:00', ledger: [], open: night('22') }, 'resume 22'],
    [
      'one that was begun and died, tools changed',
      { now: '22 13:00', ledger: [], open: night('22'), changed: 'work' },
      'run 22',
    ],
    ['one that failed is tried again', { now: '22 13:00', ledger: [night('22', 'failed')] }, 'run 22'],
    [
      'a run of the night before stays unfinished',
      { now: '23 13:00', ledger: [], open: night('22') },
      'nothing 23, next 24',
    ],
    ['--now works', { now: '22 13:00', ledger: [published21], flags: byNow }, 'run 22 13:00'],
    [
      '--now that failed goes on',
      { now: '22 13:00', ledger: [published21, night('22 12:00', 'failed')] },
      'run 22 12:00',
    ],
    ['what is live is damaged', { now: '22 13:00', ledger: [published21], damaged: 1 }, 'run 22'],
    ['--rerun works it after all', { now: '22 13:00', ledger: [published21], flags: byRerun }, 'run 22'],
    ['the clock went back into it', { now: '22 03:00', ledger: [published21, night('28', 'published')] }, 'run 22'],
  ];

  test.each(table)('%s', (_what, given, decision) => {
    expect(told(choose({ ...given, spec: none }))).toBe(decision);
  });

  test('says so, and when the next opens', () => {
    expect(choose({ now: '22 13:00', ledger: [published21], spec: none }).because).toBe(
      'window 2026-11-22T02:00 was missed and is not caught up (catchUp); the next opens 2026-11-23T02:00, run --now works at once',
    );
  });
});
