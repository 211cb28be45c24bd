import { expect, test } from 'vitest';
import {
  edgeFindings,
  edgeRecord,
  exitWithEdges,
  nextLookMs,
  untold,
  urlsOfKeys,
  whatIsStale,
} from '../../src/domain/edges.js';

const live = { origin: 'o', seq: 7 };

test.each([
  ['nobody knows yet', [], ['a', 'b']],
  ['one knows', [{ edge: 'a', origin: 'o', seq: 7 }], ['b']],
  ['one knows an older one', [{ edge: 'a', origin: 'o', seq: 6 }], ['a', 'b']],
  ['one knows a newer one, which the origin has lost', [{ edge: 'a', origin: 'o', seq: 8 }], ['a', 'b']],
  ['one knows another origin', [{ edge: 'a', origin: 'p', seq: 9 }], ['a', 'b']],
  ['one is gone from the job', [{ edge: 'c', origin: 'o', seq: 7 }], ['a', 'b']],
] as const)('%s: who is told', (_, told, due) => {
  expect([...untold(['a', 'b'], told, live)]).toEqual(due);
});

test.each([
  [{ text: '{"seq":7,"origin":"o"}' }, undefined],
  [{ text: '{"seq":8,"origin":"o"}' }, undefined],
  [{ text: '{"seq":6,"origin":"o"}' }, 'u serves seq 6'],
  [{ text: '{"seq":9,"origin":"p"}' }, 'u serves the head of another origin'],
  [{ text: '<html>' }, 'u serves no head'],
  [{ text: 'null' }, 'u serves no head'],
  [{ text: '{"seq":"7","origin":"o"}' }, 'u serves no head'],
  [{ trouble: 'answers 502' }, 'u answers 502'],
])('%o is stale: %s', (look, stale) => {
  expect(whatIsStale({ url: 'u', ...look } as Parameters<typeof whatIsStale>[0], live)).toBe(stale);
});

test.each([
  [undefined, undefined, { name: 'e', told: true }],
  ['no', undefined, { name: 'e', told: false, error: 'not told: no' }],
  [undefined, { servedAfterMs: 12.4 }, { name: 'e', told: true, servedAfterMs: 12 }],
  ['no', { servedAfterMs: 5000 }, { name: 'e', told: false, servedAfterMs: 5000, error: 'not told: no' }],
  [undefined, { stale: 's' }, { name: 'e', told: true, error: 's' }],
  ['no', { stale: 's' }, { name: 'e', told: false, error: 'not told: no; s' }],
])('told %s and waited %o make one record', (trouble, waited, record) => {
  expect(edgeRecord('e', trouble, waited)).toEqual(record);
});

test('only who waited in vain, and had nothing worse, gets exit 7', () => {
  const late = [edgeRecord('a', undefined, { servedAfterMs: 1 }), edgeRecord('b', undefined, { stale: 's' })];
  expect([exitWithEdges(0, late, true), exitWithEdges(0, late, false), exitWithEdges(3, late, true)]).toEqual([
    7, 0, 3,
  ]);
  expect(exitWithEdges(0, [edgeRecord('a', 'no', { servedAfterMs: 1 })], true)).toBe(0);
});

test('what went wrong is a finding each, what went well is none', () => {
  const records = [
    edgeRecord('a', 'no', undefined),
    edgeRecord('b', undefined, { stale: 's' }),
    edgeRecord('c', undefined, undefined),
  ];
  expect(edgeFindings(records).map(({ code }) => code)).toEqual(['edge-not-told', 'edge-stale']);
});

test('a key has one URL at each base, whatever slash ends it', () => {
  expect(urlsOfKeys(['https://a/x/', 'https://b'], ['head.json', 'b/ab/ä.webp'])).toEqual([
    'https://a/x/head.json',
    'https://a/x/b/ab/%C3%A4.webp',
    'https://b/head.json',
    'https://b/b/ab/%C3%A4.webp',
  ]);
});

test('looks begin close together and never lie more than two seconds apart', () => {
  const pauses = Array.from({ length: 20 }, (_, at) => nextLookMs(at + 1));
  expect([pauses[0], pauses[1], Math.max(...pauses)]).toEqual([100, 150, 2000]);
});
