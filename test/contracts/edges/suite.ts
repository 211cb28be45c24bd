import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fault } from '../../../src/domain/faults.js';
import type { Edge, EdgeKind, EdgeStop } from '../../../src/edges/contract.js';
import { aRecorder, hangs, type Recorded, type Recorder, resets, says } from '../../support/recorder.js';

/** One member of the family, as the suite needs it. */
export interface EdgeHarness {
  readonly kind: EdgeKind;
  /** What the job file would say; the member's API is at `base`. */
  readonly config: (base: string) => Readonly<Record<string, unknown>>;
  /** The environment: secrets by variable. */
  readonly env: Readonly<Record<string, string>>;
  /** Body of an answer that accepts the purge. */
  readonly accepted: string;
  /** The calls that its API reference asks for, to purge `head.json` under `https://cdn.example.com/catalog`. */
  readonly head: readonly Expected[];
  /** Pauses between these calls; none unless told. */
  readonly pauses?: readonly number[];
}

export interface Expected {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Those that matter; `undefined`: must not be there. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

const now = Date.UTC(2026, 10, 26, 2, 0, 0);
const head = { keys: ['head.json'], reference: 'nightpress-origin-7' };

/** Every promise of `Edge` and `EdgeKind` that all members keep. */
export function edgeSuite(name: string, harness: EdgeHarness): void {
  const { pauses: usual = [] } = harness;
  describe(`edge ${name}`, () => {
    let api: Recorder;
    let pauses: number[];
    let asked: AbortController;
    let drop: AbortController;
    let stop: EdgeStop;

    beforeEach(async () => {
      api = await aRecorder(says(200, harness.accepted));
      pauses = [];
      [asked, drop] = [new AbortController(), new AbortController()];
      stop = { asked: asked.signal, now: drop.signal };
    });
    afterEach(() => api.close());

    function checked(more: Readonly<Record<string, unknown>> = {}, given = {}) {
      return harness.kind.check({ ...harness.config(api.base), ...more }, given);
    }

    function edge(more: Readonly<Record<string, unknown>> = {}, tryMs = 10_000): Edge {
      const result = checked({ urls: 'https://cdn.example.com/catalog', ...more });
      if (!result.ok) throw new Error(`the harness' config was refused: ${JSON.stringify(result.problems)}`);
      return harness.kind.open(result.config, {
        secret: (variable) => harness.env[variable],
        clock: () => now + pauses.reduce((sum, ms) => sum + ms, 0),
        pause: async (ms) => void pauses.push(ms),
        random: () => 0.5,
        tryMs,
      });
    }

    async function refusal(purging: Promise<void>): Promise<Fault> {
      const error = await purging.then(
        () => new Error('the purge was accepted'),
        (caught: unknown) => caught,
      );
      if (!(error instanceof Fault)) throw error;
      for (const secret of Object.values(harness.env))
        expect(JSON.stringify([error.message, error.hint])).not.toContain(secret);
      return error;
    }

    test('makes exactly the documented calls', async () => {
      await edge().purge(head, stop);
      expect(api.calls.map(shapeOf)).toEqual(harness.head.map(shapeOf));
      for (const [at, { headers }] of harness.head.entries()) {
        for (const [name, value] of Object.entries(headers))
          expect([name, api.calls[at]?.headers[name]]).toEqual([name, value]);
      }
      expect(pauses).toEqual(usual);
    });

    test('tells every URL under which readers see the origin, and every key', async () => {
      const urls = ['https://cdn.example.com/catalog/', 'https://www.example.com/media'];
      await edge({ urls }).purge({ ...head, keys: ['head.json', 'b/ab/abc.webp'] }, stop);
      const told = api.calls
        .map(({ url, body, headers }) => decodeURIComponent(`${url} ${headers.host} ${body}`))
        .join('\n');
      for (const path of ['/catalog/head.json', '/catalog/b/ab/abc.webp', '/media/head.json', '/media/b/ab/abc.webp'])
        expect(told).toContain(path);
    });

    test('comes back exactly when a busy API asks for it', async () => {
      const date = new Date(now + 7000 + 11_000).toUTCString();
      api.play(says(429, 'slow down', { 'retry-after': '7' }), says(503, '', { 'retry-after': date }));
      await edge().purge(head, stop);
      expect([api.calls.length - harness.head.length, pauses]).toEqual([2, [7000, 11_000, ...usual]]);
    });

    test('gives up at once when it is asked to come back too late', async () => {
      api.play(says(429, '', { 'retry-after': '3600' }));
      expect((await refusal(edge().purge(head, stop))).code).toBe('edge-unreachable');
      expect([api.calls.length, pauses]).toEqual([1, []]);
    });

    test('a broken answer and a cut connection are tried again, with pauses drawn from bounds that double', async () => {
      api.play(says(503), resets);
      await edge().purge(head, stop);
      expect(pauses).toEqual([500, 1000, ...usual]);
    });

    test('what stays broken is given up after five calls', async () => {
      api.usually(says(502, 'bad gateway'));
      const fault = await refusal(edge().purge(head, stop));
      expect([fault.code, api.calls.length]).toEqual(['edge-unreachable', 5]);
      expect(fault.message).toContain('answered 502: bad gateway');
    });

    test.each([401, 403])('%i is told as refused credentials, at once', async (status) => {
      api.usually((answer, call) => answer.writeHead(status).end(`no: ${JSON.stringify(call.headers)}`));
      const fault = await refusal(edge().purge(head, stop));
      expect([fault.code, api.calls.length]).toEqual(['credentials-refused', 1]);
    });

    test('any other answer is a refusal, at once and in its words', async () => {
      api.usually(says(400, 'no such\nplace'));
      const fault = await refusal(edge().purge(head, stop));
      expect([fault.code, api.calls.length]).toEqual(['edge-refused', 1]);
      expect(fault.message).toMatch(/^\S+ http:\/\/127\.0\.0\.1:\d+\S* answered 400: no such place$/);
    });

    test('a redirection is refused, so that credentials reach nobody else', async () => {
      const other = await aRecorder();
      api.usually(says(307, '', { location: other.base }));
      expect((await refusal(edge().purge(head, stop))).code).toBe('edge-refused');
      expect(other.calls).toEqual([]);
      await other.close();
    });

    test('who does not answer is waited for so long and no longer', async () => {
      api.usually(hangs);
      const fault = await refusal(edge({}, 300).purge(head, stop));
      expect([fault.code, api.calls.length]).toEqual(['edge-unreachable', 5]);
      expect(fault.message).toContain('no answer within 0.3 s');
    });

    test('who hangs in the middle of an answer counts as no answer', async () => {
      api.play((answer) => void answer.writeHead(200).write('{'));
      await edge({}, 1500).purge(head, stop);
      expect(pauses).toEqual([500, ...usual]);
    });

    test('nobody there is temporary', async () => {
      const one = edge();
      await api.close();
      const fault = await refusal(one.purge(head, stop));
      expect([fault.code, pauses.length]).toEqual(['edge-unreachable', 4]);
      expect(fault.message).toContain('ECONNREFUSED');
    });

    test('after a first signal nothing is tried again, at a second one a call is dropped', async () => {
      api.usually((answer) => {
        asked.abort();
        answer.writeHead(503).end();
      });
      await refusal(edge().purge(head, stop));
      expect(api.calls).toHaveLength(1);
      api.usually(() => drop.abort());
      expect((await refusal(edge().purge(head, stop))).message).toContain('stopped');
      expect(pauses).toEqual([]);
    });

    test('shows what readers get, whatever that is', async () => {
      const one = edge({ urls: [`${api.base}/a`, `${api.base}/b`, `${api.base}/c`] });
      api.usually((answer, { url }) => {
        if (url.startsWith('/a')) answer.end('{"seq":7}');
        else if (url.startsWith('/b')) answer.writeHead(404).end();
      });
      expect(await one.look('head.json', { withinMs: 2000, signal: stop.now })).toEqual([
        { url: `${api.base}/a/head.json`, text: '{"seq":7}' },
        { url: `${api.base}/b/head.json`, trouble: 'answers 404' },
        { url: `${api.base}/c/head.json`, trouble: 'does not answer in time' },
      ]);
      expect(api.calls.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET']);
      await api.close();
      expect(await one.look('head.json', { withinMs: 2000, signal: stop.now })).toMatchObject([
        { trouble: expect.stringContaining('cannot be read') },
        {},
        {},
      ]);
    });

    test('that answers without end is left, and fills no memory', async () => {
      const chunk = 'x'.repeat(1 << 20);
      let sent = 0;
      api.usually((answer) => {
        const more = () => {
          while (!answer.destroyed && answer.write(chunk)) sent++;
        };
        answer.on('drain', more);
        more();
      });
      const [look] = await edge({ urls: [api.base] }).look('head.json', { withinMs: 60_000, signal: stop.now });
      expect(look).toMatchObject({ trouble: expect.stringMatching(/^answers with more than \d+ characters$/) });
      expect(sent).toBeLessThan(100);
    });

    test('is shown under the URL of the origin unless it says otherwise, and called by its type', () => {
      const result = checked({}, { baseUrl: 'https://cdn.example.com/all' });
      expect(result).toMatchObject({ ok: true, config: { name, type: name, urls: ['https://cdn.example.com/all'] } });
      expect(checked()).toMatchObject({ ok: false, problems: [{ path: ['urls'] }] });
    });

    test('every mistake is told at once, and nothing that may be a secret', () => {
      const secret = 'v1.0-hunter2';
      const result = checked({
        ...{ tokn: 1, token: secret, tokenEnv: secret, accessKeyIdEnv: secret },
        urls: ['ftp://example.com', `https://me:${secret}@example.com/`],
      });
      if (result.ok) throw new Error('it was accepted');
      const paths = result.problems.map(({ path }) => path.join('.'));
      expect(paths).toEqual(expect.arrayContaining(['tokn', 'token']));
      expect(paths.some((path) => path.startsWith('urls'))).toBe(true);
      expect(JSON.stringify(result.problems)).not.toContain(secret);
    });

    test('names the environment variables that it needs, and no others', () => {
      const result = checked({ urls: 'https://cdn.example.com' });
      if (!result.ok) throw new Error(JSON.stringify(result.problems));
      expect(Object.values(harness.kind.secrets(result.config)).sort()).toEqual(Object.keys(harness.env).sort());
    });
  });
}

function shapeOf({ method, url, body }: Recorded | Expected): Pick<Expected, 'method' | 'url' | 'body'> {
  return { method, url, body };
}
