import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { cloudfront } from '../../../src/edges/cloudfront/index.js';
import { requests } from '../../../src/edges/cloudfront/request.js';
import { signed } from '../../../src/edges/cloudfront/sign.js';
import { aRecorder, says } from '../../support/recorder.js';
import { type EdgeHarness, edgeSuite } from './suite.js';

const reference = `nightpress-origin-7-${sha('/catalog/head.json').slice(0, 12)}`;
const accepted = '<Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>I2J0</Id></Invalidation>';

const harness: EdgeHarness = {
  kind: cloudfront,
  config: (base) => ({ type: 'cloudfront', distribution: 'EDFDVBD6EXAMPLE', endpoint: base }),
  env: { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE00001', AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG' },
  accepted,
  head: [
    {
      method: 'POST',
      url: '/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation',
      headers: {
        'content-type': 'application/xml',
        'x-amz-date': '20261126T020000Z',
        'x-amz-security-token': undefined,
        authorization: expect.stringMatching(
          /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE00001\/20261126\/us-east-1\/cloudfront\/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature=[0-9a-f]{64}$/,
        ),
      },
      body: `<?xml version="1.0" encoding="UTF-8"?>
<InvalidationBatch xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><CallerReference>${reference}</CallerReference><Paths><Items><Path>/catalog/head.json</Path></Items><Quantity>1</Quantity></Paths></InvalidationBatch>`,
    },
  ],
};

edgeSuite('cloudfront', harness);

const call = { distribution: 'EDFDVBD6EXAMPLE', endpoint: 'https://cloudfront.amazonaws.com' };

test('the signature is that of AWS Signature Version 4, computed by the book', async () => {
  const [plain] = requests(call, ['https://cdn.example.com/head.json'], 'r');
  if (!plain) throw new Error('no call was made');
  const credentials = { accessKeyId: 'AKID', secretAccessKey: 'SECRET', sessionToken: 'SESSION' };
  const { headers } = await signed(plain, credentials, Date.UTC(2026, 10, 26, 2));
  const names = 'content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token';
  const values = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const path = '/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation';
  const canonical = ['POST', path, '', values.join(''), names, sha(plain.body ?? '')].join('\n');
  const scope = '20261126/us-east-1/cloudfront/aws4_request';
  const toSign = ['AWS4-HMAC-SHA256', '20261126T020000Z', scope, sha(canonical)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), 'AWS4SECRET');
  const signature = hmac(key, toSign).toString('hex');
  expect(headers.authorization).toBe(
    `AWS4-HMAC-SHA256 Credential=AKID/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  );
});

test('other paths make another reference, the same ones the same', () => {
  const of = (...paths: string[]) =>
    /<CallerReference>(.*)<\/CallerReference>/.exec(
      requests(
        call,
        paths.map((path) => `https://a.example${path}`),
        'r',
      )[0]?.body ?? '',
    )?.[1];
  expect(of('/head.json')).toBe(of('/head.json'));
  expect(of('/head.json', '/b')).not.toBe(of('/head.json'));
});

test('one path is told once, however many hosts show it, and 3,000 are one call', () => {
  const twice = requests(call, ['https://a.example/head.json', 'https://b.example/head.json'], 'r');
  expect(twice[0]?.body).toContain('<Quantity>1</Quantity>');
  const many = Array.from({ length: 3001 }, (_, n) => `https://a.example/b/${n}`);
  expect(requests(call, many, 'r').map(({ body }) => /<Quantity>(\d+)</.exec(body ?? '')?.[1])).toEqual(['3000', '1']);
});

test('too many invalidations in progress is a 400 that passes; temporary credentials are sent with their session', async () => {
  const api = await aRecorder(says(200, accepted));
  api.play(says(400, '<ErrorResponse><Error><Code>TooManyInvalidationsInProgress</Code></Error></ErrorResponse>'));
  const checked = cloudfront.check({ ...harness.config(api.base), urls: 'https://cdn.example.com' }, {});
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const env: Record<string, string> = { ...harness.env, AWS_SESSION_TOKEN: 'the-session' };
  const services = {
    secret: (name: string) => env[name],
    clock: Date.now,
    pause: async () => undefined,
    random: () => 0,
    tryMs: 5000,
  };
  const never = new AbortController().signal;
  await cloudfront
    .open(checked.config, services)
    .purge({ keys: ['head.json'], reference: 'r' }, { asked: never, now: never });
  expect(api.calls.map(({ headers }) => headers['x-amz-security-token'])).toEqual(['the-session', 'the-session']);
  await api.close();
});

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
