/** What the nights over the corpora have in common: the job, the real CLI, and who of the files must be published. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { entries } from '../../dist/domain/manifest.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const corpora = process.env.NIGHTPRESS_CORPORA;
if (!corpora) fail('NIGHTPRESS_CORPORA is not set: expected a folder of media with an OBSERVED.tsv');
const wallLimitMs = 20 * 60_000;

export const project = mkdtempSync(path.join(tmpdir(), 'nightpress-corpus-'));
process.on('exit', () => rmSync(project, { recursive: true, force: true }));

/** `seconds`: the time limit of an item; that of its recipe's kind unless told. */
export function writeJob({ seconds } = {}) {
  const limits = seconds === undefined ? '' : `, limits: { seconds: ${seconds} }`;
  const sound = 'aac,ac3,adts,amr,eac3,ec3,flac,m4a,mka,mp3,oga,ogg,opus,wav,mid';
  const moving = '3gp,avi,flv,m2ts,m4s,m4v,mkv,mov,mp4,mpg,ps,ts,v,vp9,webm';
  const still = 'avif,bmp,exr,ff,gif,hdr,heic,ico,jp2,jpeg,jpg,pbm,png,qoi,svg,tga,tif,tiff,webp';
  const job = `import { audio, copy, defineJob, image, video } from 'nightpress';
export default defineJob({
  source: { type: 'directory', path: ${JSON.stringify(path.resolve(corpora))} },
  window: { cron: '0 2 * * *', timezone: 'UTC', length: '4h' },
  recipes: {
    pictures: image({ match: ['**/*.{${still}}', '**/*.{${still.toUpperCase()}}', 'hostile/go-fuzz-corpus/**'], widths: [160], formats: ['webp'], maxPixels: 300_000_000${limits} }),
    clips: video({ match: ['**/*.{${moving}}', '**/*.{${moving.toUpperCase()}}'], heights: [144], poster: true, preset: 'superfast'${limits} }),
    sound: audio({ match: ['**/*.{${sound},${moving}}'], formats: ['opus']${limits} }),
    rest: copy({ match: ['**/*.{vtt,json,txt,pdf,md}']${limits} }),
  },
  gate: { tolerate: '100%', shrink: '10%' },
  origin: { type: 'directory', path: 'public/corpus' },
});
`;
  mkdirSync(path.join(project, 'jobs'));
  writeFileSync(path.join(project, 'jobs', 'corpus.ts'), job);
}

/** One command of the real CLI; its JSON lines, told to `onLine` as they come, and whatever it said on stderr. */
export async function night(args, onLine = () => undefined) {
  const bin = path.join(root, 'bin', 'nightpress.js');
  const child = spawn(process.execPath, [bin, ...args, '--project', project, '--json', '-v'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), wallLimitMs);
  const lines = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const record = JSON.parse(line);
    lines.push(record);
    onLine(record, child.pid);
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk;
  });
  const { code, signal } = await new Promise((resolve) =>
    child.once('close', (exit, by) => resolve({ code: exit, signal: by })),
  );
  clearTimeout(timer);
  const result = lines.at(-1);
  if (result?.type !== 'result')
    fail(`'${args.join(' ')}' ended without a result (exit ${code}, signal ${signal}):\n${stderr.slice(-4000)}`);
  return { result, lines, stderr, code, pid: child.pid };
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

/** What became of every file: whether it is in the snapshot, and else why not. */
export async function judgeAssets({ result, lines }) {
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

/** Linux: processes that mention the project in their command line or work in it. */
export function processesOf(folder) {
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

export function fail(message) {
  console.error(`corpus: ${message}`);
  process.exit(1);
}
