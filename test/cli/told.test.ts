import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { JobHooks } from '../../src/cli/tell/hooks.js';
import { openPing } from '../../src/cli/tell/ping.js';
import type { Result } from '../../src/domain/result.js';
import type { Job, RunId } from '../../src/domain/types.js';
import { anotherJob } from '../support/project.js';
import { until } from '../support/until.js';
import { age, aWorld, bin, type Ended, fill, logged, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;

beforeEach(async () => {
  world = await aWorld();
  await fill(world, { pictures: 0, texts: 2 });
});
afterEach(() => world.end());

/** Gives the job these hooks; what a hook writes lies in the project's folder. */
async function withHooks(on: Record<string, unknown>, job = 'night'): Promise<void> {
  const file = path.join(world.folder, 'jobs', `${job}.ts`);
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replace(/( {2}on: .*\n)? {2}gate:/, () => `  on: ${JSON.stringify(on)},\n  gate:`),
  );
}

function shell(line: string): readonly [string, ...string[]] {
  return ['/bin/sh', '-c', line];
}

/** What a hook left in a file of the project's folder. */
async function left(name: string): Promise<string> {
  return await readFile(path.join(world.folder, name), 'utf8');
}

// biome-ignore lint/suspicious/noExplicitAny: what a test expects of a record is checked by the test
async function leftJson(name: string): Promise<any> {
  return JSON.parse(await left(name));
}

function wasCalled(name: string): boolean {
  return existsSync(path.join(world.folder, name));
}

describe('hooks', () => {
  test('start and end are fed their records and the environment; nothing to do calls neither', async () => {
    const keep = (name: string) => `cat > ${name}.json; env > ${name}.env`;
    await withHooks({ start: keep('start'), end: ['/bin/sh', '-c', keep('end')] });
    const ended = await world.run([], { env: { MY_TOKEN: 'user env' } });
    expect(ended.code).toBe(0);
    const run = ended.result?.run;
    expect(await leftJson('end.json')).toEqual(JSON.parse(JSON.stringify(ended.result)));
    expect(await leftJson('start.json')).toMatchObject({ type: 'start', job: 'night', run, resumed: false });
    expect((await leftJson('start.json')).window).toEqual(ended.result?.window);
    const env = (await left('end.env')).split('\n');
    const told = ['HOOK=end', 'JOB=night', `RUN=${run}`, 'OUTCOME=published', 'EXIT=0'].map(
      (one) => `NIGHTPRESS_${one}`,
    );
    expect(env).toEqual(expect.arrayContaining(['MY_TOKEN=user env', ...told]));
    await withHooks({ start: 'touch again', end: 'touch again' });
    expect((await world.run()).result?.run).toBeNull();
    expect(wasCalled('again')).toBe(false);
  });

  test('end is called for held, failed and interrupted nights, for retry, and for a night that could not begin', async () => {
    await age(world);
    expect((await world.run()).code).toBe(0);
    await withHooks({ end: 'cat > end.json' });
    await world.write('texts/t2.txt', 'to be stopped');
    const run = world.start(['--now'], { env: { NIGHTPRESS_STOP: 'planned' } });
    await run.said('planned');
    await until(() => isStopped(run.pid), 'the run has stopped itself');
    run.signal('SIGTERM');
    run.signal('SIGCONT');
    expect((await run.ended).code).toBe(143);
    expect(await leftJson('end.json')).toMatchObject({ outcome: 'interrupted', exit: 143 });
    expect((await world.run()).code).toBe(0);
    expect((await world.run(['--item', '**', '--remake'], { verb: 'retry' })).code).toBe(0);
    expect(await leftJson('end.json')).toMatchObject({ outcome: 'unchanged', items: { done: 3 } });
    await world.remove('texts/t0.txt');
    await world.remove('texts/t1.txt');
    expect((await world.run(['--now'])).code).toBe(4);
    expect(await leftJson('end.json')).toMatchObject({ outcome: 'held' });
    await rename(world.origin, `${world.origin}-gone`);
    expect((await world.run(['--now'])).code).toBe(13);
    expect(await leftJson('end.json')).toMatchObject({ outcome: 'failed', exit: 13, run: null, fault: {} });
  });

  test('what was typed wrong and dry runs call no hook', async () => {
    await withHooks({ start: 'touch called', end: 'touch called' });
    expect((await world.run(['--failed'], { verb: 'retry' })).code).toBe(2);
    expect((await world.run(['--dry-run', '--sample', '1'])).code).toBe(0);
    expect(wasCalled('called')).toBe(false);
  });

  test.each([
    ['fails', 'echo no such channel >&2; exit 7', 'ended with exit code 7: no such channel'],
    ['is not there', ['/nowhere/notify', 'x'], 'cannot be started: /nowhere/notify (ENOENT)'],
    ['prints for ever', 'yes', 'took longer than 1 s and was killed: y'],
    ['kills itself', 'kill -9 $$', 'was ended by SIGKILL'],
    ['leaves its input closed', 'exec <&-; exit 4', 'ended with exit code 4'],
  ])('a hook that %s is a warning in the log and on stderr, and nothing else', async (_, end, words) => {
    await withHooks({ end, within: '1s' });
    const ended = await world.run();
    expect([ended.code, ended.result?.outcome]).toEqual([0, 'published']);
    expect(ended.stderr).toContain(`warning: hook end of 'night' ${words}`);
    const warnings = (await logged(world)).filter(({ type }) => type === 'warning');
    expect(warnings).toMatchObject([{ code: 'hook-failed', message: expect.stringContaining(words) }]);
    expect(ended.lines.at(-1)?.type).toBe('result');
  });

  test('a hook that hangs is killed with all it started, when its time is over, and keeps no other run waiting', async () => {
    const tree = 'sleep 300 & trap "" TERM; sleep 300';
    await withHooks({ start: 'trap "" TERM; sleep 300', end: `cat > end.json; ${tree}`, within: '3s' });
    const run = world.start();
    await until(() => wasCalled('end.json') || undefined, 'the night is over and its hook runs', 30_000);
    const other = await world.run();
    expect(other.result?.because).toContain('is published');
    const ended = await run.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr.match(/warning: hook (start|end) .* took longer than 3 s/g)).toHaveLength(2);
    expect(world.left()).toEqual([]);
  });

  test('what a hook leaves in the background ends with it', async () => {
    await withHooks({ end: 'sleep 300 & exit 0' });
    expect(await world.run()).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') });
    expect(world.left()).toEqual([]);
  });

  test('a signal ends the waiting for a hook, not the truth about the night', async () => {
    await withHooks({ end: 'touch waiting; sleep 300', within: '10m' });
    const run = world.start();
    await until(() => wasCalled('waiting') || undefined, 'the hook runs', 30_000);
    run.signal('SIGTERM');
    const ended = await run.ended;
    expect([ended.code, ended.result?.outcome]).toEqual([0, 'published']);
    expect(ended.stderr).toContain('was killed: a signal came');
    expect(world.left()).toEqual([]);
  });

  test('atRisk is told of the run and when it would be through; what was told before comes first', async () => {
    const on = { start: shell('sleep 0.3; echo start >> order'), atRisk: shell('cat > risk.json; echo risk >> order') };
    const job = { ...{ name: 'night' }, on: { ...on, end: shell('echo end >> order'), withinMs: 10_000 } } as Job;
    const { folder, state } = world;
    const warnings: string[] = [];
    const warn = (line: string) => void warnings.push(line);
    const hooks = new JobHooks({ job, project: folder, folder: state, env: process.env, clock: Date.now, warn });
    const window = { opens: 0, closes: 14_400_000, label: '1970-01-01T00:00' };
    const run = 'r1' as RunId;
    hooks.hear({ type: 'run', run, window, resumed: true, because: 'unfinished' });
    hooks.hear({ type: 'at-risk', deadline: 14_400_000, expectedAt: 18_000_000, leftShare: 0.25 });
    await hooks.end({ run, outcome: 'published' } as Result);
    expect(warnings).toEqual([]);
    expect((await left('order')).trim().split('\n')).toEqual(['start', 'risk', 'end']);
    expect(await leftJson('risk.json')).toEqual({
      ...{ type: 'at-risk', job: 'night', run, leftShare: 0.25 },
      window: { label: window.label, opens: '1970-01-01T00:00:00.000Z', closes: '1970-01-01T04:00:00.000Z' },
      deadline: '1970-01-01T04:00:00.000Z',
      expectedAt: '1970-01-01T05:00:00.000Z',
    });
  });

  test('hooks that are none are refused with all other problems', async () => {
    await withHooks({ start: [], end: ' ', atRisk: ['', 'x'], ended: 'x', within: '3h' });
    const { code, result } = await world.run();
    expect(code).toBe(2);
    for (const at of ['on.start', 'on.end', 'on.atRisk.0', 'on.ended', 'on.within']) {
      expect(result?.fault?.message).toContain(`${at}: `);
    }
  });
});

interface Heard {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly body: string;
}

describe('the dead-man switch', () => {
  const heard: Heard[] = [];
  let answers: number[] = [];
  let server: Server;
  let base: string;

  beforeEach(async () => {
    [heard.length, answers] = [0, []];
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        heard.push({ method: request.method, url: request.url, body: Buffer.concat(chunks).toString() });
        const status = answers.shift() ?? 200;
        if (status > 0) response.writeHead(status).end('OK');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const urls = () => heard.map(({ url }) => url);

  test('hears start and exit code with a summary; a night with nothing to do is a sign of life too', async () => {
    const ping = ['--ping-url', `${base}/secret?rid=1`];
    await world.write('pictures/bad.jpg', 'this is no picture');
    expect((await world.run(ping)).code).toBe(3);
    expect(urls()).toEqual(['/secret/start?rid=1', '/secret/3?rid=1']);
    expect(heard.every(({ method }) => method === 'POST')).toBe(true);
    expect(heard[1]?.body).toContain('published with items missing');
    expect(heard[1]?.body).toContain('nightpress retry night --failed');
    expect(Buffer.byteLength(heard[1]?.body ?? '')).toBeLessThanOrEqual(10_000);
    const again = await world.run(ping);
    expect(again.result?.run).toBeNull();
    expect(urls().slice(2)).toEqual(['/secret/start?rid=1', '/secret/0?rid=1']);
    expect((await world.run([...ping, '--failed'], { verb: 'retry' })).code).toBe(3);
    expect(urls().slice(4)).toEqual(['/secret/start?rid=1', '/secret/3?rid=1']);
  });

  test('hears once of several jobs, and the worst exit code', async () => {
    await anotherJob(world, 'other');
    await writeFile(path.join(world.folder, 'jobs', 'broken.ts'), 'export default {};\n');
    const all = await command(['run', '--all', '--json'], { NIGHTPRESS_PING_URL: `${base}/all` });
    expect(all.code).toBe(2);
    expect(urls()).toEqual(['/all/start', '/all/2']);
    expect(heard[1]?.body).toMatch(/broken[\s\S]*night[\s\S]*other/);
  });

  test('is not told the night is well by a call that another run made skip', async () => {
    const run = world.start(['--ping-url', `${base}/x`], { env: { NIGHTPRESS_STOP: 'planned' } });
    await run.said('planned');
    const skipped = await world.run(['--if-locked', 'skip', '--ping-url', `${base}/x`]);
    expect(skipped.code).toBe(0);
    expect(urls()).toEqual(['/x/start']);
    await until(() => isStopped(run.pid), 'the run has stopped itself');
    run.signal('SIGCONT');
    expect((await run.ended).code).toBe(0);
    expect(urls()).toEqual(['/x/start', '/x/0']);
  });

  test('is tried again while it is broken, not when it refuses', async () => {
    answers = [503, 200, 500, 200];
    const ended = await world.run(['--ping-url', `${base}/u`]);
    expect([ended.code, urls()]).toEqual([0, ['/u/start', '/u/start', '/u/0', '/u/0']]);
    expect(ended.stderr).not.toContain('warning');
    [heard.length, answers] = [0, [404, 404]];
    const refused = await world.run(['--ping-url', `${base}/u`]);
    expect([refused.code, urls()]).toEqual([0, ['/u/start', '/u/0']]);
    expect(refused.stderr).toContain(`warning: ${base}/… was not told '0': it answered 404`);
  });

  test('that hears and never answers is waited for in bounds, and told as that', async () => {
    answers = [0, 0, 0, 0];
    const warnings: string[] = [];
    const warn = (line: string) => void warnings.push(line);
    const ping = openPing(`${base}/hung`, warn, { tryMs: 200, pausesMs: [0] });
    ping.start();
    await ping.end(0, 'all is well');
    expect(urls()).toEqual(['/hung/start', '/hung/start', '/hung/0', '/hung/0']);
    expect(warnings).toEqual(
      ['start', '0'].map((what) => `warning: ${base}/… was not told '${what}': no answer within 0.2 s`),
    );
  });

  test('that cannot be reached changes nothing, and its address is told to nobody', async () => {
    const secret = 'bd7c-secret';
    await new Promise((resolve) => server.close(resolve));
    const ended = await world.run(['--ping-url', `${base}/${secret}`]);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain("was not told '0': ECONNREFUSED");
    expect(JSON.stringify([ended.stdout, ended.stderr, await logged(world)])).not.toContain(secret);
    const wrong = await world.run(['--ping-url', `htp:${secret}`], { plain: true });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--ping-url: expected an http')]);
    expect(wrong.stderr).not.toContain(secret);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
});

describe('the metrics file', () => {
  const metrics = async () => await left('night.prom');
  const value = async (line: string) => {
    const found = (await metrics()).split('\n').find((one) => one.startsWith(`${line} `));
    return found === undefined ? undefined : Number(found.split(' ').at(-1));
  };

  test('holds every job of the command, each metric described once, and the last success outlives a failure', async () => {
    await anotherJob(world, 'other');
    const before = Date.now() / 1000;
    expect((await command(['run', '--all', '--metrics-file', 'night.prom'])).code).toBe(0);
    const lines = (await metrics()).split('\n');
    for (const kind of ['# HELP', '# TYPE']) {
      expect(lines.filter((line) => line.startsWith(`${kind} nightpress_items `))).toHaveLength(1);
    }
    expect(await value('nightpress_items{job="night",disposition="done"}')).toBe(2);
    expect(await value('nightpress_items{job="other",disposition="done"}')).toBe(2);
    const success = await value('nightpress_last_success_timestamp_seconds{job="night"}');
    expect(success).toBeGreaterThanOrEqual(before - 1);
    expect((await stat(path.join(world.folder, 'night.prom'))).mode & 0o777).toBe(0o644);

    await world.write('pictures/bad.jpg', 'this is no picture');
    expect((await world.run(['--now', '--metrics-file', 'night.prom'])).code).toBe(3);
    expect(await value('nightpress_last_exit_code{job="night"}')).toBe(3);
    expect(await value('nightpress_last_success_timestamp_seconds{job="night"}')).toBe(success);
    expect(await value('nightpress_items{job="night",disposition="failed"}')).toBe(1);
    expect((await readdir(world.folder)).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  test('is understood line by line as the text format has it', async () => {
    await world.run(['--metrics-file', 'night.prom']);
    const sample = /^nightpress_[a-z_0-9]+\{([a-z]+="[^"]*",?)+\} -?[0-9.e+]+$/;
    const strange = (await metrics())
      .split('\n')
      .filter((line) => line && !line.startsWith('# ') && !sample.test(line));
    expect(strange).toEqual([]);
  });

  test('that cannot be written is a warning', async () => {
    const ended = await world.run(['--metrics-file', 'no/such/folder.prom']);
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('was not written: ENOENT')]);
  });
});

/** A command line as it stands, in the project's folder. */
async function command([verb = '', ...args]: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [bin, verb, ...args], { cwd: world.folder, env: { PATH, HOME, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, signal: null, lines: [], stdout, stderr, result: undefined };
}

/** Stopped by SIGSTOP, so that what is sent now waits for SIGCONT. */
async function isStopped(pid: number): Promise<true | undefined> {
  if (process.platform !== 'linux') return true;
  return /^State:\s+T/m.test(await readFile(`/proc/${pid}/status`, 'utf8')) || undefined;
}
