/**
 * A night over hundreds of real, broken and hostile files in which workers crash and hang and the deadline comes in the
 * middle, and the night after it: `npm run test:chaos -- [--share 0.02] [--deadline 120s] [--seed 1]`.
 *
 * With each item that is begun, with this share, a worker is killed, and with the same share one is stopped for good, as
 * a hang in native code stops it. Afterwards everything that sharp and ffmpeg can decode must be live, nothing may have
 * been made twice, and no healthy file may be blamed. Exits 1 on any of it. Linux only: workers are found in /proc.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fail, judgeAssets, night, processesOf, project, writeJob } from './corpus.mjs';

const { values } = parseArgs({
  options: {
    share: { type: 'string', default: '0.02' },
    deadline: { type: 'string', default: '120s' },
    seed: { type: 'string', default: '1' },
  },
});
const share = Number(values.share);
let seed = Number(values.seed);
const injected = { crashes: 0, hangs: 0 };
const aside = new Set();

writeJob({ seconds: 20 });
const first = await night(['run', 'corpus', '--allow-partial', '--deadline', values.deadline], trouble);
const second = await night(['run', 'corpus', '--now', '--deadline', 'none']);
const third = await night(['run', 'corpus', '--now']);
const problems = [
  ...(await judgeAssets(withLinesOf(second, first))).problems,
  ...madeTwice(),
  ...blamed(),
  ...aftermath(),
];
print();
if (problems.length > 0) fail(`${problems.length} problems:\n  ${problems.join('\n  ')}`);

/** Whatever is to be tried alone is left in peace: blaming it would be right then, and wrong here. */
function trouble(line, coordinator) {
  if (line.type === 'set-aside') aside.add(line.item);
  if (line.type !== 'item-started' || aside.has(line.item)) return;
  if (random() < share) hit(coordinator, 'SIGKILL', 'crashes');
  if (random() < share) hit(coordinator, 'SIGSTOP', 'hangs');
}

function hit(coordinator, signal, kind) {
  const workers = childrenOf(coordinator);
  const worker = workers[Math.floor(random() * workers.length)];
  if (worker === undefined) return;
  try {
    process.kill(worker, signal);
    injected[kind]++;
  } catch {
    // it had ended by itself
  }
}

function childrenOf(parent) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, of] = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        return Number(of) === parent ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });
}

/** mulberry32: the same seed, the same choices. */
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** The second night's snapshot, and what became of every item in either. */
function withLinesOf(night2, night1) {
  return { ...night2, lines: [...night1.lines, ...night2.lines] };
}

function madeTwice() {
  const made = new Map();
  for (const { type, item, key, disposition } of [...first.lines, ...second.lines])
    if (type === 'item-ended' && disposition === 'done')
      made.set(item, { key, times: (made.get(item)?.times ?? 0) + 1 });
  return [...made.values()].flatMap(({ key, times }) => (times > 1 ? [`made ${times} times: ${key}`] : []));
}

/** Deaths are injected, so a finding that blames a file for one is wrong. */
function blamed() {
  const codes = ['worker-crashed', 'timed-out', 'out-of-memory'];
  return second.result.findings.flatMap(({ code, key, message }) =>
    codes.includes(code) ? [`blamed: ${key}: ${message}`] : [],
  );
}

function aftermath() {
  const found = [];
  const { result } = first;
  if (!(result.shed > 0 && result.items.done > 0))
    found.push(
      `the deadline did not come in the middle: ${result.items.done} done, ${result.shed ?? 0} left; choose another`,
    );
  if (injected.crashes === 0 || injected.hangs === 0) found.push('nothing was injected');
  for (const { stderr } of [first, second]) if (/^ {4}at /m.test(stderr)) found.push('a stack trace on stderr');
  if (third.result.derivatives.made > 0) found.push('a third run made something');
  found.push(...processesOf(project).map((line) => `a process was left: ${line}`));
  return found;
}

function print() {
  const rows = [first, second].map(({ result, lines, code }, n) => {
    const { done, reused, carried, failed, quarantined } = result.items;
    const attempts = lines.filter(({ type }) => type === 'item-started').length;
    const cells = [n + 1, code, done, reused, carried, failed, quarantined, result.shed ?? 0, attempts];
    return [...cells, `${(result.durationMs / 1000).toFixed(0)} s`];
  });
  const head = [
    'night',
    'exit',
    'done',
    'reused',
    'carried',
    'failed',
    'quarantined',
    'left by the deadline',
    'attempts',
    'time',
  ];
  for (const cells of [head, head.map(() => '---'), ...rows]) console.log(`| ${cells.join(' | ')} |`);
  console.log(`chaos: ${injected.crashes} workers killed, ${injected.hangs} stopped, ${aside.size} items tried alone`);
}
