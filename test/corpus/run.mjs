/**
 * A night over hundreds of real, broken and hostile files: `npm run test:corpus`.
 *
 * NIGHTPRESS_CORPORA names a folder with the media and an `OBSERVED.tsv` (path, MIME, what sharp and ffmpeg said of it).
 * What they could decode must be published; everything else must be a finding with a reason; nothing may crash, hang
 * or stay behind; and a second run must do no work. Exits 1 on any of it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { entries } from '../../dist/domain/manifest.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const corpora = process.env.NIGHTPRESS_CORPORA;
if (!corpora) fail('NIGHTPRESS_CORPORA is not set: expected a folder of media with an OBSERVED.tsv');
const wallLimitMs = 20 * 60_000;

const project = mkdtempSync(path.join(tmpdir(), 'nightpress-corpus-'));
process.on('exit', () => rmSync(project, { recursive: true, force: true }));
writeJob();

const first = await night('run', 'corpus');
if (!first.result.live)
  fail(
    `nothing was published: ${JSON.stringify(first.result.fault ?? first.result.held)}\n${first.stderr.slice(-2000)}`,
  );
const second = await night('run', 'corpus', '--now');
const verdicts = await judgeAssets(first);
const problems = [...verdicts.problems, ...aftermath(first, second)];
print(verdicts.rows, first, second);
if (problems.length > 0) fail(`${problems.length} problems:\n  ${problems.join('\n  ')}`);
console.log(`corpus: ${verdicts.rows.length} assets, all as they should be`);

function writeJob() {
  const sound = 'aac,ac3,adts,amr,eac3,ec3,flac,m4a,mka,mp3,oga,ogg,opus,wav,mid';
  const moving = '3gp,avi,flv,m2ts,m4s,m4v,mkv,mov,mp4,mpg,ps,ts,v,vp9,webm';
  const still = 'avif,bmp,exr,ff,gif,hdr,heic,ico,jp2,jpeg,jpg,pbm,png,qoi,svg,tga,tif,tiff,webp';
  const job = `import { audio, copy, defineJob, image, video } from 'nightpress';
export default defineJob({
  source: { type: 'directory', path: ${JSON.stringify(path.resolve(corpora))} },
  window: { cron: '0 2 * * *', timezone: 'UTC', length: '4h' },
  recipes: {
    pictures: image({ match: ['**/*.{${still}}', '**/*.{${still.toUpperCase()}}', 'hostile/go-fuzz-corpus/**'], widths: [160], formats: ['webp'], maxPixels: 300_000_000 }),
    clips: video({ match: ['**/*.{${moving}}', '**/*.{${moving.toUpperCase()}}'], heights: [144], poster: true, preset: 'superfast' }),
    sound: audio({ match: ['**/*.{${sound},${moving}}'], formats: ['opus'] }),
    rest: copy({ match: ['**/*.{vtt,json,txt,pdf,md}'] }),
  },
  gate: { tolerate: '100%', shrink: '10%' },
  origin: { type: 'directory', path: 'public/corpus' },
});
`;
  mkdirSync(path.join(project, 'jobs'));
  writeFileSync(path.join(project, 'jobs', 'corpus.ts'), job);
}

/** One command of the real CLI; its JSON lines, and whatever it said on stderr. */
async function night(...args) {
  const bin = path.join(root, 'bin', 'nightpress.js');
  const child = spawn(process.execPath, [bin, ...args, '--project', project, '--json', '-v'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), wallLimitMs);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const { code, signal } = await ended(child);
  clearTimeout(timer);
  const lines = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const result = lines.at(-1);
  if (result?.type !== 'result')
    fail(`'${args.join(' ')}' ended without a result (exit ${code}, signal ${signal}):\n${stderr.slice(-4000)}`);
  return { result, lines, stderr, pid: child.pid };
}

async function text(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return { code: child.exitCode, signal: child.signalCode };
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
}

function observations() {
  const [, ...lines] = readFileSync(path.join(corpora, 'OBSERVED.tsv'), 'utf8').split('\n');
  return lines.filter(Boolean).map((line) => {
    const [key, mime, said] = line.split('\t');
    return { key, mime, said };
  });
}

/**
 * What the tools could decode of a file that is media at all. Playlists name other files: refused by policy. A file
 * without a duration is an initialisation segment: a head without a single sample.
 */
function isDecodable({ mime, said }) {
  if (said.startsWith('sharp:ok')) return true;
  if (!said.startsWith('ffprobe:0') || !/ dur=\S.* decode=0 /.test(said)) return false;
  return (
    !mime.startsWith('text/') &&
    !/^ffprobe:0 (hls|dash|concat|tty|image2|lrc|srt|webvtt|ass)/.test(said) &&
    /[va]:/.test(said)
  );
}

async function judgeAssets({ result, lines }) {
  const origin = path.join(project, 'public', 'corpus');
  const load = async (digest) => readFileSync(path.join(origin, 'm', `${digest}.json`));
  const published = new Map();
  for await (const entry of entries(load, result.live.snapshot)) published.set(entry.key, Object.keys(entry.items));
  const endedBy = new Map();
  for (const line of lines)
    if (line.type === 'item-ended') endedBy.set(line.key, [...(endedBy.get(line.key) ?? []), line]);
  const rows = [];
  const problems = [];
  for (const seen of observations()) {
    const items = endedBy.get(seen.key) ?? [];
    const findings = items.flatMap((item) => (item.finding ? [`${item.recipe}: ${item.finding.code}`] : []));
    const row = {
      ...seen,
      items: items.length,
      published: published.has(seen.key),
      findings,
      ms: Math.max(0, ...items.map((item) => item.elapsedMs)),
    };
    rows.push(row);
    if (isDecodable(seen) && !row.published)
      problems.push(
        `not published although it decodes: ${seen.key} (${seen.said.trim().slice(0, 100)}) ${findings.join(', ')}`,
      );
    if (items.length > 0 && !row.published && findings.length === 0)
      problems.push(`neither published nor a finding: ${seen.key}`);
  }
  return { rows, problems };
}

function aftermath({ result, stderr, pid }, again) {
  const problems = [];
  const { items } = result;
  const sum = items.done + items.reused + items.carried + items.failed + items.quarantined + items.unchanged;
  if (sum !== items.total) problems.push(`the counts of items do not add up: ${JSON.stringify(items)}`);
  if (result.fault) problems.push(`the run ended in a fault: ${result.fault.message}`);
  if (/^ {4}at /m.test(stderr)) problems.push('a stack trace on stderr');
  const work = path.join(project, '.nightpress', 'corpus');
  for (const folder of ['staging', 'outbox']) {
    const left = readdirSync(work).includes(folder) ? readdirSync(path.join(work, folder)) : [];
    if (left.length > 0) problems.push(`${left.length} files left in ${folder}`);
  }
  const temporary = path.join(project, 'public', 'corpus', '.tmp');
  if (readdirSync(temporary).length > 0) problems.push('temporary files left at the origin');
  problems.push(...processesOf(project).map((line) => `a process was left: ${line}`));
  const started = again.lines.filter((line) => line.type === 'item-started').length;
  if (started > 0 || again.result.derivatives.made > 0) problems.push(`the second run started ${started} items`);
  if (again.result.snapshot !== result.snapshot) problems.push('the second run has another snapshot');
  if (pid === undefined) problems.push('the run had no process');
  return problems;
}

/** Linux: processes that mention the project in their command line or work in it. */
function processesOf(folder) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(folder) ? [`${pid} ${line}`] : [];
      } catch {
        return []; // ended while we looked
      }
    });
}

function print(rows, { result }, again) {
  const classes = [...new Set(rows.map((row) => row.key.split('/')[0]))];
  console.log('class         assets  published  findings only  no recipe  slowest');
  for (const name of classes) {
    const of = rows.filter((row) => row.key.startsWith(`${name}/`));
    const slowest = Math.max(...of.map((row) => row.ms));
    const cells = [
      of.length,
      of.filter((row) => row.published).length,
      of.filter((row) => !row.published && row.items > 0).length,
      of.filter((row) => row.items === 0).length,
    ];
    console.log(
      `${name.padEnd(12)}${cells.map((n, i) => String(n).padStart([8, 11, 15, 11][i])).join('')}  ${(slowest / 1000).toFixed(1)} s`,
    );
  }
  const codes = new Map();
  for (const finding of result.findings) codes.set(finding.code, (codes.get(finding.code) ?? 0) + 1);
  console.log(
    `findings: ${[...codes]
      .sort((a, b) => b[1] - a[1])
      .map(([code, n]) => `${n} ${code}`)
      .join(', ')}`,
  );
  console.log(
    `first run ${(result.durationMs / 1000).toFixed(0)} s, ${result.derivatives.made} derivatives; second run ${(again.result.durationMs / 1000).toFixed(1)} s, ${again.result.derivatives.made} made`,
  );
}

function fail(message) {
  console.error(`corpus: ${message}`);
  process.exit(1);
}
