/**
 * Entry of a worker whose processors misbehave in every way that real ones are known to: what an executor must bear.
 * Each is chosen by the order's `kind`; a sharp or ffmpeg that goes wrong looks the same from outside.
 */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processor as copy } from '../../dist/processors/copy/work.js';
import { serveOrders } from '../../dist/worker/serve.js';

const forever = 2 ** 31 - 1;
const kept = [];

const behaviours = {
  copies: copy.work,
  async obeys(order) {
    const text = JSON.stringify({ pid: process.pid, environment: process.env, settings: order.settings });
    await writeFile(path.join(order.outbox, 'original'), text);
    const sha256 = '0'.repeat(64);
    const outputs = [
      { file: 'original', variant: 'original', sha256, bytes: text.length, type: 'text/plain', ext: 'txt' },
    ];
    return { ok: true, source: { type: 'text/plain' }, outputs, findings: [], verifyCpuMs: 0 };
  },
  async refuses() {
    return { ok: false, finding: { code: 'decode-failed', severity: 'error', message: 'no', class: 'input' } };
  },
  async throws() {
    throw new Error('a bug\nin two lines');
  },
  async 'finds the disk full'() {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  },
  async aborts() {
    process.abort();
  },
  async segfaults() {
    process.kill(process.pid, 'SIGSEGV');
    await delay(forever);
  },
  async exits() {
    console.error('going away');
    process.exit(3);
  },
  async loops(order) {
    await writeFile(path.join(order.outbox, 'looping'), 'yes');
    for (;;);
  },
  async sleeps(order, { progress }) {
    progress(0.4321);
    await writeFile(path.join(order.outbox, 'sleeping'), 'yes');
    await delay(forever);
  },
  async 'hoards memory'() {
    const hoard = [];
    for (;;) {
      hoard.push(Buffer.alloc(8 << 20, hoard.length + 1));
      await delay(5);
    }
  },
  async 'keeps memory'(order) {
    kept.push(Buffer.alloc(100_000_000, 1));
    return await behaviours.obeys(order);
  },
  async 'fills the heap'() {
    const hoard = [];
    for (;;) hoard.push(new Array(1 << 16).fill(hoard.length + 0.5));
  },
  async 'fills its outbox'(order) {
    for (;;) {
      await appendFile(path.join(order.outbox, 'more'), Buffer.alloc(1 << 16));
      await delay(5);
    }
  },
  async 'writes too much at once'(order) {
    await writeFile(path.join(order.outbox, 'much'), Buffer.alloc(order.limits.outputBytes + 1));
    return await behaviours.refuses();
  },
  async 'leaves a child'(order) {
    await startChild(order);
    return await behaviours.obeys(order);
  },
  async 'starts a child and sleeps'(order) {
    await startChild(order);
    await delay(forever);
  },
  async 'starts a child and loops'(order) {
    await startChild(order);
    for (;;);
  },
  async 'starts a child and segfaults'(order) {
    await startChild(order);
    return await behaviours.segfaults();
  },
  async 'leaves a daemon and segfaults'(order) {
    await startDaemon(order);
    return await behaviours.segfaults();
  },
  async 'leaves a daemon'(order) {
    await startDaemon(order);
    return await behaviours.obeys(order);
  },
  async 'starts a session without environment and loops'(order) {
    const args = ['-c', 'while :; do sleep 1; done', order.outbox];
    const child = spawn('sh', args, { stdio: 'ignore', detached: true, env: { PATH: process.env.PATH } });
    await writeFile(path.join(order.outbox, '..', 'child'), String(child.pid));
    for (;;);
  },
  async 'writes garbage on the channel'() {
    writeSync(3, '{"kind":\n');
    await delay(forever);
  },
  async 'answers with a file outside its outbox'(order) {
    const result = await behaviours.obeys(order);
    return { ...result, outputs: [{ ...result.outputs[0], file: '../../state.db' }] };
  },
  async 'floods stderr'() {
    for (let line = 0; line < 20_000; line++) writeSync(2, `line ${line} of a tool that talks too much\n`);
    process.exit(1);
  },
};

/** A tool that ignores polite signals and outlives whoever started it. */
async function startChild(order) {
  const child = spawn('sh', ['-c', 'trap "" TERM HUP; while :; do sleep 1; done'], { stdio: 'ignore' });
  await writeFile(path.join(order.outbox, 'child'), String(child.pid));
}

/** In a session of its own, without a parent, deaf to polite signals: no group and no tree leads to it. */
async function startDaemon(order) {
  const file = path.join(order.outbox, '..', 'child');
  const script = 'trap "" TERM HUP; echo $$ > "$0"; while :; do sleep 1; done';
  const mother = spawn('sh', ['-c', 'setsid sh -c "$1" "$0" &', file, script], { stdio: 'ignore' });
  await new Promise((resolve) => mother.once('exit', resolve));
  while (!(await readFile(file, 'utf8').catch(() => ''))) await delay(5);
}

serveOrders({
  processors: Object.fromEntries(
    Object.entries(behaviours).map(([kind, work]) => [kind, async () => ({ tools: async () => ({}), work })]),
  ),
  sniff: async () => ({ type: 'text/plain' }),
});
