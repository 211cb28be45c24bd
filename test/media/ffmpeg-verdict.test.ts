import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import type { ItemId } from '../../src/domain/types.js';
import type { WorkOrder } from '../../src/processors/contract.js';
import type { ToolEnd } from '../../src/processors/ffmpeg-run.js';
import { failureOf, noticesOf } from '../../src/processors/ffmpeg-verdict.js';

let order: WorkOrder;
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-verdict-'));
  const outbox = path.join(folder, 'outbox');
  await mkdir(outbox);
  order = {
    item: sha256('x') as string as ItemId,
    kind: 'video',
    settings: {},
    input: { file: path.join(folder, 'staged'), sha256: sha256(''), bytes: 0, key: 'clips/launch.mov' },
    outbox,
    limits: { wallMs: 1000, memoryBytes: 1e9, outputBytes: 1e9 },
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const well: ToolEnd = { stalled: false, exitCode: 0, exitSignal: null, stderr: '', stderrLines: 0 };

test.each([
  ['a stall', { stalled: true, exitCode: 255 }, { code: 'stalled', class: 'resource' }],
  [
    'a kill from outside',
    { exitCode: null, exitSignal: 'SIGKILL' as const },
    { code: 'tool-killed', class: 'resource' },
  ],
  ['a crash', { exitCode: null, exitSignal: 'SIGSEGV' as const }, { code: 'decode-failed', class: 'input' }],
  ['an exit code', { exitCode: 69 }, { code: 'decode-failed', class: 'input' }],
])('%s is a finding of its own kind', async (_, end, finding) => {
  expect(await failureOf({ ...well, ...end }, order)).toMatchObject({ ok: false, finding });
});

test('a finding quotes the first line, with the name people know and without addresses', async () => {
  const stderr = `[mov,mp4 @ 0x55d12add9d00] moov atom not found\nfile:${order.input.file}: Invalid data\n`;
  const failure = await failureOf({ ...well, exitCode: 1, stderr, stderrLines: 2 }, order);
  expect(failure).toMatchObject({
    finding: { message: '[mov,mp4] moov atom not found' },
    log: '[mov,mp4] moov atom not found\nclips/launch.mov: Invalid data\n',
  });
});

test('errors on the way to a good end are a notice', () => {
  const end = { ...well, stderr: '[h264 @ 0xabc] error while decoding MB\nmore\n', stderrLines: 2 };
  const [first, ...others] = noticesOf(end, { seconds: 10, declared: 10.5 }, order);
  expect(first).toMatchObject({ code: 'degraded-source', severity: 'notice' });
  expect(first?.message).toBe('2 lines of decoder errors, first: [h264] error while decoding MB');
  expect(others).toEqual([]);
});

const full = {
  ...well,
  exitCode: 1,
  stderr: 'av_interleaved_write_frame(): No space left on device\n',
  stderrLines: 1,
};

test('a file that makes ffmpeg speak of a full disk does not stop the night', async () => {
  expect(await failureOf(full, order)).toMatchObject({ finding: { code: 'decode-failed', class: 'transient' } });
  expect(await readdir(order.outbox)).toEqual([]);
});

test.runIf(existsSync('/dev/full'))('a disk that is full does, even where ffmpeg ended well', async () => {
  for (const exitCode of [1, 0]) {
    await symlink('/dev/full', path.join(order.outbox, 'room'));
    await expect(failureOf({ ...full, exitCode }, order)).rejects.toMatchObject({ code: 'ENOSPC' });
  }
});
