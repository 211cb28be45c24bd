import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cloudfront } from '../../../src/edges/cloudfront/index.js';
import { requests } from '../../../src/edges/cloudfront/request.js';
import { signed } from '../../../src/edges/cloudfront/sign.js';
import type { Edge } from '../../../src/edges/contract.js';
import { aRecorder, hangs, type Recorder, says } from '../../support/recorder.js';
import { type EdgeHarness, edgeSuite } from './suite.js';

const reference = `nightpress-origin-7-${sha('/catalog/head.json').slice(0, 12)}`;
const accepted = '<Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>I2J0</Id></Invalidation>';

const plain = (base: string) => ({ type: 'cloudfront', distribution: 'EDFDVBD6EXAMPLE', endpoint: base });

const harness: EdgeHarness = {
  kind: cloudfront,
  config: (base) => ({ ...plain(base), accessKeyIdEnv: 'CDN_KEY_ID', secretAccessKeyEnv: 'CDN_SECRET_KEY' }),
  env: { CDN_KEY_ID: 'AKIDEXAMPLE00001', CDN_SECRET_KEY: 'wJalrXUtnFEMI/K7MDENG' },
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
  const [unsigned] = requests(call, ['https://cdn.example.com/head.json'], 'r');
  if (!unsigned) throw new Error('no call was made');
  const credentials = { accessKeyId: 'AKID', secretAccessKey: 'SECRET', sessionToken: 'SESSION' };
  const { headers } = await signed(unsigned, credentials, Date.UTC(2026, 10, 26, 2));
  const names = 'content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token';
  const values = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const path = '/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation';
  const canonical = ['POST', path, '', values.join(''), names, sha(unsigned.body ?? '')].join('\n');
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

describe('credentials', () => {
  const [id, secret, session] = ['AKIDOFTHECHAIN01', 'sEcRetOfTheChain/99', 'session-of-the-chain'];
  let api: Recorder;
  let folder: string;

  beforeEach(async () => {
    api = await aRecorder(says(200, accepted));
    folder = await mkdtemp(path.join(tmpdir(), 'nightpress-aws-'));
    for (const name of Object.keys(process.env).filter((one) => one.startsWith('AWS_'))) vi.stubEnv(name, undefined);
    vi.stubEnv('HOME', folder);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await api.close();
    await rm(folder, { recursive: true });
  });

  function edge(more: Readonly<Record<string, string>> = {}, tryMs = 5000): Edge {
    const checked = cloudfront.check({ ...plain(api.base), ...more, urls: 'https://cdn.example.com' }, {});
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
    expect(Object.keys(cloudfront.secrets(checked.config))).toEqual(Object.keys(more));
    return cloudfront.open(checked.config, {
      secret: (name) => process.env[name],
      clock: Date.now,
      pause: async () => undefined,
      random: () => 0,
      tryMs,
    });
  }

  async function purge(one: Edge, now = new AbortController().signal): Promise<Error | undefined> {
    const stop = { asked: new AbortController().signal, now };
    return await one.purge({ keys: ['head.json'], reference: 'r' }, stop).then(
      () => undefined,
      (error: Error) => error,
    );
  }

  const signers = () =>
    api.calls.map(({ headers }) => [
      /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1],
      headers['x-amz-security-token'],
      /SignedHeaders=\S*x-amz-security-token/.test(headers.authorization ?? ''),
    ]);

  async function profiles(text: string): Promise<void> {
    const file = path.join(folder, 'credentials');
    await writeFile(file, text);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
  }

  test('come from the environment, and those of a session are signed with its token, at every try', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', id);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret);
    vi.stubEnv('AWS_SESSION_TOKEN', session);
    api.play(says(400, '<ErrorResponse><Error><Code>TooManyInvalidationsInProgress</Code></Error></ErrorResponse>'));
    const one = edge();
    expect([await one.lacks?.(), await purge(one)]).toEqual([undefined, undefined]);
    expect(signers()).toEqual([
      [id, session, true],
      [id, session, true],
    ]);
  });

  test('come from the profile that is named, in the shared file', async () => {
    await profiles(`[default]
aws_access_key_id = AKIDOFDEFAULT001
aws_secret_access_key = other
[cdn]
aws_access_key_id = ${id}
aws_secret_access_key = ${secret}
aws_session_token = ${session}
`);
    expect(await purge(edge())).toBeUndefined();
    vi.stubEnv('AWS_PROFILE', 'cdn');
    expect(await purge(edge())).toBeUndefined();
    expect(signers()).toEqual([
      ['AKIDOFDEFAULT001', undefined, false],
      [id, session, true],
    ]);
  });

  test('that no AWS tool would find are told before anything is done, with the places that were looked at', async () => {
    await profiles(`[cdn]\naws_access_key_id = ${id}\n`);
    vi.stubEnv('AWS_PROFILE', 'cdn');
    const one = edge();
    const places =
      /AWS_ACCESS_KEY_ID .*profile 'cdn' .*AWS_SHARED_CREDENTIALS_FILE .*role of the container or machine$/;
    expect(await one.lacks?.()).toMatch(places);
    const fault = await purge(one);
    expect(fault).toMatchObject({ code: 'credentials-refused', message: expect.stringMatching(places) });
    expect([fault?.message, api.calls]).toEqual([expect.not.stringContaining(id), []]);
  });

  test('are in no message, whatever the answer repeats', async () => {
    await profiles(
      `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\naws_session_token = ${session}\n`,
    );
    api.usually((answer) => answer.writeHead(403).end(`you are ${id}, ${secret}, ${session}`));
    const fault = await purge(edge());
    expect(fault?.message).toContain('answered 403: you are (secret), (secret), (secret);');
  });

  test('that take too long, or longer than a second signal allows, stop no night: the edge is not told', async () => {
    const [socket, hanging] = [await aRecorder(hangs), new AbortController()];
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${socket.base}/role`);
    const one = edge({}, 300);
    expect(await one.lacks?.()).toBeUndefined();
    expect(await purge(one)).toMatchObject({
      code: 'edge-unreachable',
      message: 'AWS credentials cannot be got (TimeoutError)',
    });
    hanging.abort();
    expect(await purge(edge({}, 60_000), hanging.signal)).toMatchObject({
      message: 'AWS credentials cannot be got (AbortError)',
    });
    await socket.close();
  });

  test('of variables that the job file names come before all others', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDOFTHEORIGIN1');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'other');
    vi.stubEnv('CDN_ID', id);
    vi.stubEnv('CDN_SECRET', secret);
    vi.stubEnv('CDN_SESSION', session);
    const names = { accessKeyIdEnv: 'CDN_ID', secretAccessKeyEnv: 'CDN_SECRET', sessionTokenEnv: 'CDN_SESSION' };
    expect(await purge(edge(names))).toBeUndefined();
    expect(signers()).toEqual([[id, session, true]]);
  });

  test.each([{ accessKeyIdEnv: 'A' }, { secretAccessKeyEnv: 'A' }, { sessionTokenEnv: 'A' }])(
    'named by half are refused: %o',
    (half) => {
      const checked = cloudfront.check({ ...plain(api.base), ...half, urls: 'https://cdn.example.com' }, {});
      expect(checked).toMatchObject({
        problems: [{ path: [], expected: expect.stringContaining('accessKeyIdEnv with secretAccessKeyEnv') }],
      });
    },
  );
});

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
