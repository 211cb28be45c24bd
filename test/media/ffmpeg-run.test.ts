import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runFfmpeg } from '../../src/processors/ffmpeg-run.js';
import { ffmpegVersions } from '../../src/processors/ffmpeg-tools.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-run-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** Puts a program of ours in ffmpeg's place; its first line of progress carries its pid as `frame`. */
async function pretend(script: string): Promise<void> {
  const file = path.join(folder, 'ffmpeg');
  await writeFile(file, `#!${process.execPath}\nconsole.log('frame=' + process.pid);\n${script}\n`);
  await chmod(file, 0o755);
  vi.stubEnv('NIGHTPRESS_FFMPEG', file);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const forever = 'setInterval(() => {}, 1000);';
const deaf = `process.on('SIGTERM', () => {}); ${forever}`;
const calm = new AbortController().signal;

test('a tool without headway is stopped and gone', async () => {
  await pretend(forever);
  const end = await runFfmpeg({ args: [], signal: calm, stallMs: 3000 });
  expect(end).toMatchObject({ stalled: true, exitSignal: 'SIGTERM' });
  expect(isAlive(end.frames)).toBe(false);
});

test('a tool that repeats the same progress makes no headway', async () => {
  await pretend("setInterval(() => console.log('out_time_us=40000\\nspeed=' + Math.random()), 50);");
  const end = await runFfmpeg({ args: [], signal: calm, stallMs: 3000 });
  expect(end).toMatchObject({ stalled: true, seconds: 0.04 });
});

test('a tool that makes headway may take longer than the stall limit', async () => {
  const script =
    "let n = 0; const t = setInterval(() => { console.log('total_size=' + ++n); if (n === 12) clearInterval(t); }, 250);";
  await pretend(script);
  const end = await runFfmpeg({ args: [], signal: calm, stallMs: 2000 });
  expect(end).toMatchObject({ stalled: false, exitCode: 0 });
});

test('a tool that is deaf to the request is killed after the grace', async () => {
  await pretend(deaf);
  const end = await runFfmpeg({ args: [], signal: calm, stallMs: 3000, graceMs: 200 });
  expect(end).toMatchObject({ stalled: true, exitSignal: 'SIGKILL' });
  expect(isAlive(end.frames)).toBe(false);
});

test('an abort rejects with its reason, soon, and leaves no process', async () => {
  await pretend(`${deaf} setInterval(() => console.log('out_time_us=' + process.pid + '000000'), 20);`);
  const abort = new AbortController();
  let pid = 0;
  const run = runFfmpeg({
    args: [],
    signal: abort.signal,
    graceMs: 200,
    onSeconds: (seconds) => {
      pid = seconds;
      abort.abort(new Error('the night is over'));
    },
  });
  await expect(run).rejects.toThrow('the night is over');
  expect(pid).toBeGreaterThan(0);
  expect(isAlive(pid)).toBe(false);
});

test('an abort that came before starts nothing', async () => {
  vi.stubEnv('NIGHTPRESS_FFMPEG', '/nonexistent/ffmpeg');
  const signal = AbortSignal.abort(new Error('too late'));
  await expect(async () => runFfmpeg({ args: [], signal })).rejects.toThrow('too late');
});

test('someone who inherited the pipes does not keep a stopped tool from ending', async () => {
  const heir = "require('node:child_process').spawn('sleep', ['60'], { stdio: 'inherit' })";
  await pretend(`console.log('heir ' + ${heir}.pid); ${forever}`);
  let pid = 0;
  const onOther = (line: string): void => {
    pid = Number(line.split(' ')[1]);
  };
  const startedAt = performance.now();
  const end = await runFfmpeg({ args: [], signal: calm, stallMs: 3000, onOther });
  process.kill(pid, 'SIGKILL');
  expect(end.stalled).toBe(true);
  expect(performance.now() - startedAt).toBeLessThan(20_000);
});

test('of endless complaints the first and the last are kept, and all are counted', async () => {
  await pretend(
    "console.error('first'); for (let n = 0; n < 5000; n++) console.error('complaint ' + n); console.error('last');",
  );
  const end = await runFfmpeg({ args: [], signal: calm });
  expect(end.stderr.startsWith('first\n')).toBe(true);
  expect(end.stderr.endsWith('last\n')).toBe(true);
  expect(end.stderr.length).toBeLessThan(7000);
  expect(end.stderrLines).toBe(5002);
});

test('a tool sees only the variables it needs', async () => {
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('FFREPORT', 'file=report.log');
  await pretend("console.log(Object.keys(process.env).sort().join(' '));");
  const others: string[] = [];
  await runFfmpeg({ args: [], signal: calm, onOther: (line) => others.push(line) });
  expect(others.join(' ')).toContain('PATH');
  expect(others.join(' ')).not.toMatch(/SECRET|FFREPORT|NIGHTPRESS/);
});

test('a missing ffmpeg is a fault that names the command to install it', async () => {
  vi.stubEnv('NIGHTPRESS_FFMPEG', '/nonexistent/ffmpeg');
  await expect(ffmpegVersions(['aac'])).rejects.toMatchObject({
    code: 'tool-missing',
    hint: expect.stringContaining('install'),
  });
});

test('an ffmpeg without an encoder is a fault that names the encoder', async () => {
  await expect(ffmpegVersions(['libx264', 'nosuchencoder'])).rejects.toMatchObject({
    code: 'tool-missing',
    message: expect.stringContaining("no encoder 'nosuchencoder'"),
  });
});
