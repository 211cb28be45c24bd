import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type GateInput, judge, type Verdict } from '../../src/domain/gate.js';
import type { Disposition, Finding } from '../../src/domain/types.js';

const spec = { tolerate: { share: 0.01 }, shrink: { share: 0.1 } };

/** How many items of a night there are, and of those, how many ended how. */
type Items = {
  readonly total?: number;
  readonly failed?: number;
  readonly quarantined?: number;
  readonly carried?: number;
};

/** A night of 1000 items over 500 assets on a base of 500, in which everything went well, but for what is given. */
function verdict(
  given: Omit<Partial<GateInput>, 'items' | 'assets'> & { items?: Items; assets?: Partial<GateInput['assets']> } = {},
): Verdict {
  const { total = 1000, ...ended } = given.items ?? {};
  const missing = Object.entries(ended).flatMap(([disposition, count]) =>
    Array.from({ length: count }, (_, n) => ({
      key: `${disposition}/${n}.jpg`,
      recipe: 'pictures',
      disposition: disposition as Disposition,
    })),
  );
  const assets = { total: 500, removed: 0, baseTotal: 500, ...given.assets };
  return judge({ spec, missing, findings: [], ...given, total, assets });
}

/** Rules that hold, or `publish`. */
function rules(of: Verdict): string {
  return of.publish ? 'publish' : of.holds.map(({ rule }) => rule).join(' ');
}

function finding(severity: Finding['severity'], message = 'photos/: cannot be listed'): Finding {
  return { code: 'some-code', severity, message };
}

const staleFor = (staleMs: number) => ({ key: 'a.jpg', recipe: 'pictures', staleMs });
const clips = (worked: number) => ({ name: 'clips', tolerate: { share: 0.1 }, worked });
const failing = (n: number) => ({
  missing: Array.from({ length: n }, () => ({ key: 'a.mp4', recipe: 'clips', disposition: 'failed' as const })),
});
const remade = (items: number, before: number, after: number) => ({ recipe: 'pictures', items, before, after });

describe('which nights are held', () => {
  const table: [what: string, given: Parameters<typeof verdict>[0], expected: string][] = [
    ['all is well', {}, 'publish'],
    ['as many failed as tolerated', { items: { failed: 10 } }, 'publish'],
    ['one more failed', { items: { failed: 11 } }, 'tolerate'],
    ['failed and quarantined count together', { items: { failed: 6, quarantined: 5 } }, 'tolerate'],
    [
      'errors outside any item count with them',
      { items: { failed: 9 }, findings: [finding('error'), finding('error')] },
      'tolerate',
    ],
    ['notices count for nothing', { items: { failed: 10 }, findings: [finding('notice')] }, 'publish'],
    ['carried items count for nothing', { items: { carried: 900, failed: 10 } }, 'publish'],
    ['one of a few failed: a share means at least one', { items: { total: 5, failed: 1 } }, 'publish'],
    ['two of a few failed', { items: { total: 5, failed: 2 } }, 'tolerate'],
    [
      '29 % of 100 is 29',
      { spec: { ...spec, tolerate: { share: 0.29 } }, items: { total: 100, failed: 29 } },
      'publish',
    ],
    [
      'a share of zero tolerates nothing',
      { spec: { ...spec, tolerate: { share: 0 } }, items: { failed: 1 } },
      'tolerate',
    ],
    [
      'a count of zero tolerates nothing',
      { spec: { ...spec, tolerate: { count: 0 } }, items: { failed: 1 } },
      'tolerate',
    ],
    ['a count is a count', { spec: { ...spec, tolerate: { count: 2 } }, items: { total: 3, failed: 2 } }, 'publish'],
    ['as many assets fewer as believed', { assets: { total: 450, removed: 50 } }, 'publish'],
    ['one asset fewer still', { assets: { total: 449, removed: 51 } }, 'shrink'],
    ['removed and added in balance: a folder was renamed', { assets: { total: 500, removed: 400 } }, 'publish'],
    ['one of five gone, which any share allows', { assets: { total: 4, removed: 1, baseTotal: 5 } }, 'publish'],
    ['two of five gone', { assets: { total: 3, removed: 2, baseTotal: 5 } }, 'shrink'],
    ['the only one gone', { assets: { total: 0, removed: 1, baseTotal: 1 } }, 'empty'],
    [
      'one gone where none may',
      { spec: { ...spec, shrink: { share: 0 } }, assets: { total: 4, removed: 1, baseTotal: 5 } },
      'shrink',
    ],
    [
      'shrinking by a count',
      { spec: { ...spec, shrink: { count: 1 } }, assets: { total: 4, removed: 1, baseTotal: 5 } },
      'publish',
    ],
    ['a first run has nothing to shrink from', { assets: { total: 3, baseTotal: undefined } }, 'publish'],
    ['an empty source', { assets: { total: 0, removed: 500 }, items: { total: 0 } }, 'empty'],
    ['an empty source on the first run', { assets: { total: 0, baseTotal: undefined }, items: { total: 0 } }, 'empty'],
    [
      'an empty source although all may shrink',
      { spec: { ...spec, shrink: { share: 1 } }, assets: { total: 0, removed: 500 } },
      'empty',
    ],
    ['a snapshot that is not sound', { validation: [finding('error')] }, 'validation'],
    ['a snapshot with a notice', { validation: [finding('notice')] }, 'publish'],
    ['growing without a limit', { assets: { total: 5000 } }, 'publish'],
    ['growing as much as allowed', { spec: { ...spec, grow: { share: 1 } }, assets: { total: 1000 } }, 'publish'],
    ['growing more', { spec: { ...spec, grow: { share: 1 } }, assets: { total: 1001 } }, 'grow'],
    [
      'a first run grows from nothing',
      { spec: { ...spec, grow: { count: 0 } }, assets: { baseTotal: undefined } },
      'publish',
    ],
    ['a required asset failed', { spec: { ...spec, required: ['failed/0.*'] }, items: { failed: 1 } }, 'required'],
    [
      'a required asset shows an older version',
      { spec: { ...spec, required: ['carried/**'] }, items: { carried: 1 } },
      'required',
    ],
    ['another asset failed', { spec: { ...spec, required: ['brand/**'] }, items: { failed: 1 } }, 'publish'],
    ['stale as long as allowed', { spec: { ...spec, maxStaleMs: 1000 }, stale: [staleFor(1000)] }, 'publish'],
    ['stale for longer', { spec: { ...spec, maxStaleMs: 1000 }, stale: [staleFor(3), staleFor(1001)] }, 'stale'],
    ['stale where nobody minds', { stale: [staleFor(1e12)] }, 'publish'],
    [
      'a recipe with a tolerance of its own does not count with the others',
      { recipes: [clips(100)], items: { failed: 10 }, ...failing(10) },
      'publish',
    ],
    ['and has its own limit', { recipes: [clips(100)], ...failing(11) }, 'tolerate'],
    ['of which a share is at least one', { recipes: [clips(3)], ...failing(1) }, 'publish'],
    ['a little smaller', { spec: { ...spec, drift: 0.5 }, drift: [remade(10, 100, 50)] }, 'publish'],
    ['much smaller', { spec: { ...spec, drift: 0.5 }, drift: [remade(10, 100, 49)] }, 'drift'],
    ['much larger', { spec: { ...spec, drift: 0.5 }, drift: [remade(10, 100, 151)] }, 'drift'],
    ['much smaller, but few', { spec: { ...spec, drift: 0.5 }, drift: [remade(9, 100, 1)] }, 'publish'],
    ['from nothing', { spec: { ...spec, drift: 0.5 }, drift: [remade(10, 0, 100)] }, 'publish'],
    [
      'everything at once',
      { assets: { total: 9 }, items: { failed: 99 }, validation: [finding('error')] },
      'shrink tolerate validation',
    ],
  ];

  test.each(table)('%s', (_what, given, expected) => {
    expect(rules(verdict(given))).toBe(expected);
  });
});

describe('what a verdict says', () => {
  const table: [rule: string, given: Parameters<typeof verdict>[0], message: string][] = [
    [
      'tolerate',
      { items: { failed: 9, quarantined: 3 }, findings: [finding('error')] },
      '12 of 1000 items have nothing to show (9 failed now, 3 in quarantine since an earlier run) and 1 error outside any item, the gate tolerates 10 (1%)',
    ],
    [
      'shrink',
      { assets: { total: 380, removed: 130 } },
      '380 assets are 120 fewer than the 500 that are live (130 gone from the source, live or not), the gate allows 50 fewer (10%)',
    ],
    ['empty', { assets: { total: 0, removed: 500 } }, 'the source has no assets, 500 are live, expected at least one'],
    [
      'validation',
      { validation: [finding('error', "path 'a.jpg' is made twice"), finding('error'), finding('notice')] },
      "the snapshot is not sound: path 'a.jpg' is made twice and 1 more like it, expected no error",
    ],
    [
      'required',
      { spec: { ...spec, required: ['failed/**'] }, items: { failed: 3 } },
      "'failed/0.jpg' (pictures) and 2 more must never be without fresh output",
    ],
    [
      'stale',
      { spec: { ...spec, maxStaleMs: 86_400_000 }, stale: [staleFor(90_000_000), staleFor(172_800_000)] },
      "2 items show an older version for too long, 'a.jpg' (pictures) for 48 h, the gate allows 24 h",
    ],
    [
      'drift',
      { spec: { ...spec, drift: 0.5 }, drift: [remade(12, 1000, 100)] },
      "what 'pictures' made again for 12 items is 90% smaller than what it replaces (1000 bytes before, 100 now), the gate " +
        'allows 50%',
    ],
    [
      'tolerate',
      { recipes: [clips(30)], ...failing(4) },
      "4 of 30 items that 'clips' worked have nothing to show, it tolerates 3 (10%)",
    ],
  ];

  test.each(table)('%s: figures, limit and the command', (rule, given, message) => {
    expect(verdict(given)).toEqual({ publish: false, holds: [{ rule, message }] });
  });
});

test('for any figures: more trouble never publishes what less trouble holds', () => {
  const figures = fc.record({
    items: fc.record({ total: fc.integer({ min: 50, max: 300 }), failed: fc.nat(40), quarantined: fc.nat(5) }),
    assets: fc.record({ total: fc.nat(200), baseTotal: fc.option(fc.nat(200), { nil: undefined }) }),
    stray: fc.nat(3),
  });
  fc.assert(
    fc.property(figures, ({ items, assets, stray }) => {
      const given = { items, assets, findings: Array.from({ length: stray }, () => finding('error')) };
      const worse = { ...given, items: { ...items, failed: items.failed + 1 } };
      if (!verdict(given).publish) expect(verdict(worse).publish).toBe(false);
    }),
    { numRuns: 300 },
  );
});
