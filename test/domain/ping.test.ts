import { expect, test } from 'vitest';
import { isWorthAnotherPing, parsePingUrl, pingHost, pingUrl } from '../../src/domain/ping.js';

test.each([
  ['https://hc-ping.com/uuid', 'start', 'https://hc-ping.com/uuid/start'],
  ['https://hc-ping.com/uuid/', 0, 'https://hc-ping.com/uuid/0'],
  ['https://hc-ping.com/key/slug?create=1&rid=a%2Fb', 143, 'https://hc-ping.com/key/slug/143?create=1&rid=a%2Fb'],
  ['http://127.0.0.1:8000', 'start', 'http://127.0.0.1:8000/start'],
] as const)('%s, %s: one more segment, all else as it was', (text, signal, expected) => {
  const base = parsePingUrl(text);
  expect(base && pingUrl(base, signal).href).toBe(expected);
});

test.each(['', 'hc-ping.com/uuid', 'ftp://hc-ping.com/uuid', 'https://me:secret@hc-ping.com/uuid'])(
  'no address to ping: %s',
  (text) => expect(parsePingUrl(text)).toBeUndefined(),
);

test('what is shown of an address is not the secret', () => {
  const base = parsePingUrl('https://hc-ping.com:8443/5e3f-secret?key=other-secret');
  expect(base && pingHost(base)).toBe('https://hc-ping.com:8443/…');
});

test('only what may pass is tried again', () => {
  expect([200, 301, 400, 404, 408, 429, 500, 503].filter(isWorthAnotherPing)).toEqual([408, 429, 500, 503]);
});
