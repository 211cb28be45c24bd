import { describe, expect, it, test } from 'vitest';
import { causesOf, signatureOf } from '../../src/domain/causes.js';
import type { Finding } from '../../src/domain/types.js';

const finding = (key: string, message: string, code = 'decode-failed'): Finding => ({
  code,
  severity: 'error',
  message,
  key,
});

test('what differs only in names, numbers and digests has one cause', () => {
  const causes = causesOf([
    finding('z.mp4', 'no moov atom'),
    finding('a.jpg', "'a.jpg' ends after 4711 of 9000 bytes"),
    finding('b/c.jpg', "'b/c.jpg' ends after 12 of 13.5 bytes"),
    finding('d.jpg', "'d.jpg' ends after 0 of 1 bytes", 'other'),
  ]);
  expect(causes.map(({ code, count, sample }) => [code, count, sample.key])).toEqual([
    ['decode-failed', 2, 'a.jpg'],
    ['decode-failed', 1, 'z.mp4'],
    ['other', 1, 'd.jpg'],
  ]);
});

test('what follows from another finding is told after it, however often', () => {
  const unreadable: Finding = { code: 'line-unreadable', severity: 'error', message: 'line 1 cannot be read' };
  const hidden = ['a.pdf', 'b.pdf'].map((key) => finding(key, 'lies where …', 'not-listed'));
  const waiting = ['c.jpg', 'd.jpg', 'e.jpg'].map((key) => finding(key, 'waits', 'group-incomplete'));
  const causes = causesOf([...hidden, ...waiting, finding('x.jpg', 'bad'), unreadable]);
  expect(causes.map(({ code }) => code)).toEqual([
    'decode-failed',
    'line-unreadable',
    'group-incomplete',
    'not-listed',
  ]);
});

describe('of a message, what is particular is left out', () => {
  it.each([
    ['file 12 of /srv/media/x y.jpg: bad', 'file # of … y.jpg: bad'],
    ['moov at 0x1f00ab, digest 0123456789abcdef', 'moov at #, digest #'],
    ['needs 1,234.5 MB, has 7', 'needs # MB, has #'],
    ['the key k.png is odd', 'the key … is odd'],
    ['decade faded bedded', 'decade faded bedded'],
    ['a'.repeat(500), 'a'.repeat(197)],
  ])('%s', (message, alike) => {
    expect(signatureOf({ code: 'c', message, key: 'k.png' })).toBe(`c: ${alike}`);
  });
});
